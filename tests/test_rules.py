"""Rules of the house that no linter knows: who imports whom, nothing pickled, what is said of arrays."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("passage_index", "indexer", "search_api", "search_client")
FILES = {
    str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8"))
    for package in (*PACKAGES, "bench", "manual", "tests")
    for file in sorted((ROOT / package).rglob("*.py"))
    if "build" not in file.relative_to(ROOT).parts  # where pip builds the client
}
SOURCES = {name: tree for name, tree in FILES.items() if name.split("/")[0] in PACKAGES}
MAY_IMPORT = {
    "passage_index": {"passage_index"},
    "indexer": {"passage_index", "indexer"},
    "search_api": {"passage_index", "search_api"},
    "search_client": {"search_client"},
}
OURS = {*PACKAGES, "bench", "manual", "tests"}
UNSAFE = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
PRINTS = re.compile(r"bench/|manual/__main__\.py|(indexer|search_api)/__main__\.py|indexer/progress\.py")
LONGEST_FILE = 350
GENERATED = {"search_client/models.py"}

# The names that stand for an array in a signature.
ARRAY = re.compile(
    r"\b(Vectors|Scores|Rows|PassageNos|Mask|Bf16|Signature|Stored|States|TokenIds|NDArray|ndarray)\b"
)
# (n,) or (rows + 1,) or (n, dim); or none, where another place says it.
SHAPE = re.compile(r"\(\w[\w +*]*,[\w +*,]*\)|\bSee [A-Z]\w+\.")


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all modules a file imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module).split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("import_module", "find_spec"):
            yield from (str(one.value).split(".")[0] for one in node.args if isinstance(one, ast.Constant))


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Calls of `names`, as plain functions or as attributes of anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    wrong = {
        f"{name} imports {module}"
        for name, tree in SOURCES.items()
        if name.startswith(f"{package}/")
        for module in {*imported(tree)} & OURS - MAY_IMPORT[package]
    }
    assert wrong == set()


def test_no_circle_of_imports() -> None:
    """Between modules; imports inside functions spare start-up time and are left out."""
    graph: dict[str, set[str]] = {}
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name for name in SOURCES}
    for module, name in modules.items():
        graph[module] = set()
        for node in SOURCES[name].body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    graph[module] |= {whole if whole in modules else str(node.module)} & modules.keys()
    done: set[str] = set()
    while ready := {module for module, needs in graph.items() if module not in done and needs <= done}:
        done |= ready
    assert set(graph) - done == set()


def test_nothing_is_pickled() -> None:
    wrong = {name: found for name, tree in FILES.items() if (found := {*imported(tree)} & UNSAFE)}
    assert wrong == {}
    for name, tree in SOURCES.items():
        for call in calls(tree, "load", "save", "savez"):
            if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in ("np", "numpy"):
                said = {
                    keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg
                }
                assert said.get("allow_pickle") is False, f"{name}:{call.lineno} leaves allow_pickle open"
            assert getattr(getattr(call.func, "value", None), "id", "") != "torch", name


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods without an underscore, of classes without one."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith(
                    "_"
                ):
                    yield inner


def test_every_public_function_of_arrays_states_their_shapes() -> None:
    missing = []
    for name, tree in SOURCES.items():
        for function in public_functions(tree):
            annotations = [one.annotation for one in (*function.args.args, *function.args.kwonlyargs)]
            signature = " ".join(ast.unparse(one) for one in (*annotations, function.returns) if one)
            if ARRAY.search(signature) and not SHAPE.search(ast.get_docstring(function) or ""):
                missing.append(f"{name}:{function.lineno} {function.name}: {signature}")
    assert missing == []


@pytest.mark.parametrize(
    "file", [*(ROOT / "bench").glob("*.py"), *(ROOT / "training").glob("*.py")], ids=lambda one: one.stem
)
def test_benches_read_only_options_that_they_declare(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if "parse_args" not in text or "add_argument(f" in text:  # declared in a loop
        return
    declared = {one.strip("-").replace("-", "_") for one in re.findall(r'add_argument\(\s*"([\w-]+)"', text)}
    declared |= {"words"} if "add_words_option(parser)" in text else set()
    given = re.findall(r"(\w+) = \w+\.parse_args\(", text)
    read = set(re.findall(rf"\b(?:{'|'.join(given)})\.(\w+)", text))
    assert read <= declared


def test_files_stay_short() -> None:
    lengths = {
        name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in FILES.keys() - GENERATED
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_only_commands_print() -> None:
    printing = {
        name for name, tree in FILES.items() if any(calls(tree, "print")) and not name.startswith("tests/")
    }
    assert {name for name in printing if not PRINTS.match(name)} == set()
    progress = [*calls(FILES["indexer/progress.py"], "print")]
    assert all("stderr" in ast.unparse(call) for call in progress)


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in FILES.items() if tree.body and not ast.get_docstring(tree)] == []
