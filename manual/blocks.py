"""Blocks of code in the documentation: pages -> blocks, and what is wrong with them without running any.

A block of commands is one whose lines begin with a command of ours or a tool that needs no root; it is
run by `running.py` unless the line above it says why not: `<!-- not run: why -->`. Other blocks are
output, data or text.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manual.pages import DOCS, OPENAPI, ROOT
from manual.tables import commands

PAGES = (ROOT / "README.md", ROOT / "corpus" / "README.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(
    r"^(?P<mark><!-- not run: (?P<why>[^\n]+?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(?:indexer|search-api|curl|make|python|docker|export|cat|printf)\b"
)
_ROUTE = re.compile(r"(?:localhost|127\.0\.0\.1):8000(/[\w/.{}-]*)")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page. kind: `commands`, `python`, `json` or `other`; why: why it is not run, if so."""

    page: Path
    line: int
    kind: str
    text: str
    why: str | None

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> Iterator[Block]:
    """All blocks, page by page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start("text"))
            yield Block(page, line, _kind(found["language"], found["text"]), found["text"], found["why"])


def _kind(language: str, text: str) -> str:
    if language in ("python", "json"):
        return language
    if language in ("", "sh", "bash", "shell") and _COMMAND.match(text):
        return "commands"
    return "other"


def faults(block: Block) -> list[str]:
    """What can be seen to be wrong with a block: options, make targets, routes and JSON that are not."""
    found: list[str] = []
    if block.kind == "commands":
        for words in _lines(block.text):
            found += _wrong_words(words)
        found += [f"no route {path}" for path in _ROUTE.findall(block.text) if not _is_route(path)]
    elif block.kind == "python":
        try:
            compile(block.text, block.place, "exec")
        except SyntaxError as error:
            found.append(f"not Python: {error}")
    elif block.kind == "json" and "…" not in block.text and "..." not in block.text:
        found += _wrong_json(block.text)
    return [f"{block.place}: {one}" for one in found]


def _wrong_json(text: str) -> list[str]:
    """Nothing for JSON, a line of JSON after another, or members of an object."""
    fault = ""
    for whole in (text, f"[{text.strip().replace(chr(10), ',')}]", f"{{{text.strip().rstrip(',')}}}"):
        try:
            json.loads(whole)
        except ValueError as error:
            fault = fault or str(error)
        else:
            return []
    return [f"not JSON: {fault}"]


def _lines(text: str) -> Iterator[list[str]]:
    """The words of each command; lines that the shell alone understands are passed over."""
    for line in text.replace("\\\n", " ").split("\n"):
        if _COMMAND.match(line):
            try:
                yield shlex.split(line, comments=True)
            except ValueError:
                continue


def _wrong_words(words: list[str]) -> list[str]:
    words = [word for n, word in enumerate(words) if n or "=" not in word]
    program = words[0].removeprefix(".venv/bin/")
    if program == "make":
        targets = set(
            re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        )
        return [f"no target {words[1]}"] if words[1] not in targets else []  # what follows is told, not typed
    if program not in ("indexer", "search-api"):
        return []
    known: dict[str, Any] = dict(commands())
    name = next(
        (" ".join([program, *words[1:n]]) for n in (3, 2) if " ".join([program, *words[1:n]]) in known), None
    )
    if name is None:
        general = words[1:2] in (["--help"], ["--install-completion"], ["--show-completion"])
        return [] if general else [f"no command {' '.join(words[:2])}"]
    options = {option for one in known[name].params for option in (*one.opts, *one.secondary_opts)} | {
        "--help"
    }
    given = {word.partition("=")[0] for word in words if word.startswith("--") and word != "--"}
    return [f"`{name}` has no option {option}" for option in sorted(given - options)]


def _is_route(path: str) -> bool:
    """Whether a path is one of the service: of the OpenAPI document, or a page."""
    paths = [*json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"], "/", "/search", "/ask", "/docs"]
    paths += ["/openapi.json", "/metrics", "/status", "/mcp"]
    patterns = (re.sub(r"\\{[^}]*\\}", ".+", re.escape(one)) for one in paths)
    return any(re.fullmatch(pattern, path) for pattern in patterns)
