"""Pages of docs/ with their generated tables put in: page -> the page as it should be.

A table is known by where it stands and by its head: options below the heading of their command,
settings and routes in api.md. Where a command's section has no table yet, it is put at its end.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from manual.limits import LIMITS_HEAD, limits_table
from manual.tables import (
    OPTIONS_HEAD,
    ROUTES_HEAD,
    SETTINGS_HEAD,
    commands,
    options_table,
    routes_table,
    settings_table,
)

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
OPENAPI = ROOT / "tests" / "data" / "openapi.json"  # what the service says of itself; a test holds it current


def fresh_pages() -> Iterator[tuple[Path, str]]:
    """(page, its text with current tables) of every page of docs/ that has any."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        fresh = with_options(text)
        if page.name == "api.md":
            fresh = with_table(fresh, SETTINGS_HEAD, settings_table())
            fresh = with_table(
                fresh, ROUTES_HEAD, routes_table(json.loads(OPENAPI.read_text(encoding="utf-8")))
            )
        if page.name == "limits.md":
            fresh = with_table(fresh, LIMITS_HEAD, limits_table())
        if fresh != text or OPTIONS_HEAD[0] in text or page.name == "api.md":
            yield page, fresh


def stale_pages() -> list[tuple[Path, str]]:
    """Those of them that are not as they should be."""
    return [(page, text) for page, text in fresh_pages() if text != page.read_text(encoding="utf-8")]


def with_options(text: str) -> str:
    """A page with the options of each command that a heading of it names (`## indexer build`)."""
    for name, command in commands():
        found = re.search(rf"^## `?{name}`?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        if found:
            section = with_table(found[1], OPTIONS_HEAD, options_table(command))
            text = text[: found.start(1)] + section + text[found.end(1) :]
    return text


def with_table(text: str, head: Sequence[str], table: Sequence[str]) -> str:
    """A text whose first table with this head is `table`; put at its end where there is none."""
    lines = text.split("\n")
    if head[0] not in lines:
        return text.rstrip("\n") + "\n\n" + "\n".join(table) + "\n\n"
    begin = end = lines.index(head[0])
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return "\n".join([*lines[:begin], *table, *lines[end:]])
