"""The documentation says what is there: routes, settings, commands and options, links, files, the example."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from indexer.readers.front_matter import split_front_matter
from manual.blocks import Block, blocks, faults
from manual.pages import stale_pages
from manual.tables import commands
from passage_index.types import passage_id, sha256_text
from search_api.problems import KINDS
from search_api.settings import Settings
from tests.conftest import DATA

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "corpus" / "README.md"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
OPENAPI = json.loads((DATA / "openapi.json").read_text(encoding="utf-8"))
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

METHODS = [
    (path, method.upper(), route)
    for path, routes in OPENAPI["paths"].items()
    for method, route in routes.items()
]
TOURED = ("passage_index", "indexer", "search_api", "search_client", "bench", "training", "manual")


def section(heading: str) -> str:
    """The text below a heading of docs/*.md that names a command, up to the next heading of its level."""
    for file in DOCS:
        found = re.search(
            rf"^(#+) `?{re.escape(heading)}`?\s*$(.*?)(?=^#{{1,2}} |\Z)",
            file.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        if found:
            return found[2]
    raise AssertionError(f"no heading `{heading}` in docs/*.md")


def fragments(page: Path) -> set[str]:
    """What `page.md#...` can name: its headings, as they are anchored."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("path", "method", "route"), METHODS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_route_is_documented_with_its_parameters(path: str, method: str, route: dict[str, Any]) -> None:
    assert re.search(rf"^### .*\b{method} {re.escape(path)}`", API, re.MULTILINE), f"{method} {path}"
    missing = [one["name"] for one in route.get("parameters", []) if f"`{one['name']}`" not in API]
    assert missing == []


@pytest.mark.parametrize("schema", sorted(OPENAPI["components"]["schemas"]))
def test_every_field_of_a_body_is_documented(schema: str) -> None:
    fields = OPENAPI["components"]["schemas"][schema].get("properties", {})
    assert [name for name in fields if f"`{name}`" not in API and f'"{name}"' not in API] == []


def test_every_kind_of_problem_is_documented() -> None:
    for status, kind in KINDS.items():
        assert re.search(
            rf"^\| {status} \| `/docs#{kind.slug}` \| {re.escape(kind.title)} \|", API, re.MULTILINE
        )


def test_every_setting_is_documented_with_its_default() -> None:
    for name, setting in Settings.model_fields.items():
        found = re.search(rf"^\| `SEARCH_{name.upper()}` \| (.*?) \|", API, re.MULTILINE)
        assert found, f"SEARCH_{name.upper()}"
        assert found[1] == ("none" if setting.default is None else f"`{setting.default}`"), name
    documented = re.findall(r"^\| `SEARCH_([A-Z_]+)` \|", API, re.MULTILINE)
    assert [name.lower() for name in documented] == list(Settings.model_fields)


@pytest.mark.parametrize(("name", "command"), [*commands()], ids=[name for name, _ in commands()])
def test_every_command_is_documented_with_its_options(name: str, command: Any) -> None:
    text = section(name)
    options = [option for one in command.params for option in one.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}" not in text] == []
    assert f"{name} " in text, "an example"


def test_documented_commands_are_there() -> None:
    known = {name for name, _ in commands()}
    for file in DOCS:
        headed = re.findall(
            r"^#+ `?((?:indexer|search-api) [a-z -]+)`?\s*$", file.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(headed) <= known, file.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(
        r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not fragment or fragment in fragments(target), link


def test_the_tour_names_every_module_once() -> None:
    """In docs/tour.md; the README's own tour has no table."""
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([^`]+)` \|", tour, re.MULTILINE)
    assert named[:2] == ["indexer/build.py", "search_api/searcher.py"]
    assert [file for file in named if not (ROOT / file).exists()] == []
    modules = {
        file.relative_to(ROOT).as_posix()
        for package in TOURED
        for file in (ROOT / package).rglob("*.py")
        if file.name != "__init__.py" and "build" not in file.relative_to(ROOT).parts
    }
    assert sorted(modules - set(named)) == [], "add a row to docs/tour.md"
    assert sorted({file for file in named if named.count(file) > 1}) == []


def test_generated_tables_are_what_the_code_says() -> None:
    stale = [page.relative_to(ROOT).as_posix() for page, _ in stale_pages()]
    assert stale == [], "run `make docs` (python -m manual)"


def test_files_named_in_the_architecture_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:passage_index|indexer|search_api|tests|docs|corpus)/[\w./-]*\.\w+)`", text))
    assert len(files) > 20
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []


def test_the_example_reply_is_what_the_corpus_says() -> None:
    shown = README.split("<!-- reply:begin -->")[1].split("<!-- reply:end -->")[0]
    reply = json.loads(re.sub(r"^```\w*$", "", shown, flags=re.MULTILINE))
    hit = reply["hits"][0]
    _, article = split_front_matter((ROOT / hit["article_id"]).read_text(encoding="utf-8"))
    text = article.strip()[hit["start"] : hit["end"]]
    assert text.startswith(hit["text"].rstrip(" …"))
    assert hit["sha256"] == sha256_text(text)
    assert hit["id"] == passage_id(hit["article_id"], hit["start"], hit["end"])
    schemas = OPENAPI["components"]["schemas"]
    assert list(reply) == schemas["SearchReplyBody"]["required"]  # the others only when asked for
    assert list(hit) == list(schemas["HitBody"]["properties"])
    assert list(hit["scores"]) == list(schemas["ScoresBody"]["properties"])


def test_decisions_are_numbered_and_whole() -> None:
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for file in DECISIONS:
        headings = re.findall(r"^## (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Choice", "Rejected", "Measured", "What would reopen it"], file.name


def test_every_limit_is_listed_in_limits() -> None:
    from manual.limits import BEYOND

    bounds = re.compile(
        r"max_|min_bytes|rate_|inbox_|kept_|\w+_(timeout_s|limit|retries|passages|tokens|budget_ms)$"
    )
    others = {"threads", "keep_alive_s", "drain_s", "grace_s", "rerank_depth"}
    assert {name for name in Settings.model_fields if bounds.match(name)} | others == BEYOND.keys()


def test_blocks_of_code_name_what_is_there() -> None:
    """Commands with their options, targets, routes, Python that compiles, JSON; `make docs-check` runs them."""
    found = [*blocks()]
    assert sum(block.kind in ("commands", "python") for block in found) > 60
    assert [fault for block in found for fault in faults(block)] == []


def test_what_is_wrong_with_a_block_is_seen() -> None:
    wrong = {
        "indexer build corpus --indx x\n": "`indexer build` has no option --indx",
        "search-api serch x\n": "no command search-api serch",
        "make serv\n": "no target serv",
        "curl localhost:8000/v2/search\n": "no route /v2/search",
    }
    for text, fault in wrong.items():
        (told,) = faults(Block(ROOT / "README.md", 7, "commands", text, None))
        assert told == f"README.md:7: {fault}"
    assert faults(Block(ROOT / "README.md", 7, "python", "x = (", None)) != []
    assert faults(Block(ROOT / "README.md", 7, "json", '{"a": }', None)) != []
