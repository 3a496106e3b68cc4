"""Writes `search_client/models.py` from the OpenAPI document: a class a body, in the words of the document.

openapi.json -> Python source
"""

from typing import Any

HEADER = '''"""What the API replies and takes, made from its OpenAPI document; not written by hand.

After a change there: `WRITE_CLIENT=1 pytest tests/test_client_contract.py`. Replies are frozen dataclasses,
the names that a request may hold are typed dictionaries. All offsets are code points, half open.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict
'''
REQUESTS = {
    "SearchBody": "SearchOptions",
    "AskBody": "AskOptions",
    "AskStreamBody": "AskStreamOptions",
    "SimilarBody": "SimilarOptions",
    "VectorStoreSearchBody": "VectorStoreOptions",
    "RankingOptions": "RankingOptions",
}
NAMED = {"WarningBody": "WritingWarning"}  # a name that Python has
NOT_MADE = {"BatchBody", "ProblemBody"}  # a batch is a list of searches; problems are errors
GIVEN_APART = {"q", "query"}  # arguments of their own
WIDTH = 110


def models_source(document: dict[str, Any]) -> str:
    """The module, as ruff formats it."""
    schemas = document["components"]["schemas"]
    made = [HEADER]
    for name in _in_order(schemas):
        if name in REQUESTS:
            made.append(_options(REQUESTS[name], schemas[name], schemas))
        elif name not in NOT_MADE:
            made.append(_reply(class_name(name), schemas[name], schemas))
    return "\n\n".join(made)


def class_name(schema: str) -> str:
    """`SearchReplyBody` -> `SearchReply`."""
    return (REQUESTS | NAMED).get(schema, schema.removesuffix("Body"))


def _in_order(schemas: dict[str, Any]) -> list[str]:
    """Each after those that it is made of, else by name."""
    done: list[str] = []
    while len(done) < len(schemas):
        ready = [one for one in sorted(schemas) if one not in done and _refs(schemas[one]) <= set(done)]
        assert ready, "schemas in a circle"
        done.append(ready[0])
    return done


def _refs(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
        return own.union(*(_refs(one) for one in schema.values()))
    return set().union(*map(_refs, schema)) if isinstance(schema, list) else set()


def _reply(name: str, schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    required = schema.get("required", [])
    lines = ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}:", _docstring(schema), ""]
    for field, one in schema.get("properties", {}).items():
        lines += _comment(one)
        default = "" if field in required else f" = {one.get('default')!r}"
        annotation = annotated(one, schemas)
        if default == " = None" and "None" not in annotation:
            annotation += " | None"
        lines.append(f"    {field}: {annotation}{default}")
    return "\n".join(lines) + "\n"


def _options(name: str, schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    lines = [f"class {name}(TypedDict, total=False):", _docstring(schema), ""]
    for field, one in schema["properties"].items():
        if field not in GIVEN_APART:
            lines += [*_comment(one), f"    {field}: {annotated(one, schemas)}"]
    return "\n".join(lines) + "\n"


def _docstring(schema: dict[str, Any]) -> str:
    return f'    """{schema["description"]}"""'


def _comment(schema: dict[str, Any]) -> list[str]:
    """What the document says of a field, wrapped."""
    lines: list[str] = []
    for word in " ".join(schema.get("description", "").split()).split():
        if lines and len(lines[-1]) + len(word) < WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    # {word}")
    return lines


def annotated(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A schema as an annotation."""
    if "$ref" in schema:
        return class_name(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(annotated(one, schemas) for one in schema[several]))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]".replace("'", '"')
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]".replace("'", '"')
    match schema.get("type"):
        case "array":
            return f"list[{annotated(schema.get('items', {}), schemas)}]"
        case "object":
            of = schema.get("additionalProperties", True)
            return f"dict[str, {annotated(of, schemas) if isinstance(of, dict) else 'Any'}]"
        case str() as plain:
            return {
                "string": "str",
                "integer": "int",
                "number": "float",
                "boolean": "bool",
                "null": "None",
            }[plain]
    return "Any"
