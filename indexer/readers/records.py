"""What reading yields: rows inside the readers, records and refusals outside.

Knows no format. A reader yields Row | Rejected; `indexer.articles` yields Record | Rejected | Skipped.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from passage_index.types import Article

MAX_RECORD_BYTES = 32 << 20  # one line, file, cell or archive record; more is refused, never read whole

# What third-party parsers were seen to raise on damaged input, beside their own errors.
PARSER_FAULTS = (ValueError, TypeError, AttributeError, LookupError, RecursionError, AssertionError)


@dataclass(frozen=True, slots=True)
class Row:
    """One article as its file has it: keys and values, nothing checked yet."""

    line: int | None
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """An article and where it was found.

    path: the file as the user named it. line: 1-based; the line of a JSONL or CSV row, the number of
    a parquet row, feed entry or WARC record; None where the file is the article.
    """

    article: Article
    path: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record, or what is left of a file, that cannot be indexed, and why in plain words."""

    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file met in a folder that was left alone: no format read here, or read already."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Rows that stand in no file of ours: `name` says where from, and what the ids of its rows begin with."""

    name: str
    rows: Callable[[], Iterator[Row | Rejected]]  # raises Unfit


Reader = Callable[[Path], Iterator[Row | Rejected]]


class Unfit(Exception):
    """Why a record or a file cannot be read. Becomes a Rejected; never leaves the package."""


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can be printed, stored and sent: what is not printable is escaped."""
    name = os.fspath(path)
    if name.isprintable():  # asked once a refused record, of which there may be a million
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def kind_of(value: object) -> str:
    """What JSON calls a value, with its article: `an array`."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    kinds: tuple[tuple[type, str], ...] = (
        (dict, "an object"), (list, "an array"), (str, "a string"), (int, "a number"), (float, "a number"),
    )  # fmt: skip
    return next((kind for type_, kind in kinds if isinstance(value, type_)), type(value).__name__)
