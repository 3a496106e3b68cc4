"""The block between two lines of `---` (YAML) or `+++` (TOML) at the head of a .txt or .md file.

Values are what JSON would have: texts, numbers, true and false, lists, maps; dates stay texts. What is no
YAML, such as an unquoted value with a colon in it, is read line by line as `key: value`.
text -> (keys, text below)
"""

import re
import tomllib
from datetime import date

import yaml

from passage_index.types import DATE_KEYS, ID_KEYS, TEXT_KEYS

MAX_LINES = 200
MAX_CHARS = 10_000  # of a block that is read as YAML or TOML

_KEY_VALUE = re.compile(r"([A-Za-z_][\w -]{0,63}):(?:[ \t]+(.*))?", re.ASCII)
_PASSED_OVER = ("#", "-", " ", "\t")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_TEXTS = frozenset({*ID_KEYS, *TEXT_KEYS, *DATE_KEYS, "title", "source", "url"})  # `title: 1.10` is no number


def split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """(keys in lower case, the text below) of a normalised text; ({}, text) where there is no block.

    A block between `---` whose lines are not all `key: value`, comments, list items, indented or blank is
    no front matter but a text that begins with a rule.
    """
    if text.startswith("+++\n"):
        return _split_toml(text)
    if not text.startswith("---\n"):
        return {}, text
    fields: dict[str, object] = {}
    start = 4
    for _ in range(MAX_LINES):
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        if line in ("---", "..."):
            read = _yaml(text[4:start])
            return fields if read is None else read, text[start + 3 :].strip()
        if found := _KEY_VALUE.fullmatch(line):
            fields[found[1].lower()] = _unquoted((found[2] or "").strip())
        elif line and not line.startswith(_PASSED_OVER):
            break
        if end < 0:
            break
        start = end + 1
    return {}, text


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _split_toml(text: str) -> tuple[dict[str, object], str]:
    end = text.find("\n+++", 3, MAX_CHARS)
    below = text[end + 4 :]
    if end < 0 or (below and below[0] != "\n"):
        return {}, text
    try:
        fields = tomllib.loads(text[4:end] if end > 3 else "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}, text
    plain = {key.lower(): one.isoformat() if isinstance(one, date) else one for key, one in fields.items()}
    return plain, below.strip()


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Makes nodes, and reads no alias: a short block of them that name each other can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def _yaml(block: str) -> dict[str, object] | None:
    """The fields of a block; None where it is no map in YAML."""
    if len(block) > MAX_CHARS:
        return None
    try:
        root = yaml.compose(block, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return None
    if not isinstance(root, yaml.MappingNode):
        return {} if root is None else None
    pairs = [(key.value.lower(), value) for key, value in root.value if isinstance(key, yaml.ScalarNode)]
    return {key: _text(value) if key in _TEXTS else _value(value) for key, value in pairs}


def _text(node: yaml.Node) -> object:
    return node.value.strip() if isinstance(node, yaml.ScalarNode) else _value(node)


def _value(node: yaml.Node) -> object:
    if isinstance(node, yaml.SequenceNode):
        return [_value(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(one) for key, one in node.value if isinstance(key, yaml.ScalarNode)}
    said: str = node.value.strip()
    if node.style is not None:  # quoted, or a block
        return said
    if said in ("true", "false"):
        return said == "true"
    if _INTEGER.fullmatch(said):
        return int(said)
    return float(said) if _DECIMAL.fullmatch(said) else said
