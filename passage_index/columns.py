"""One small memory-mapped array a property of a row: what filters, facets and duplicates are read from.

Columns hold numbers only; names of sources and languages stand once, in the segment's names.json.
rows in order -> columns/*.npy -> arrays of length rows
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.errors import MEND, CorruptIndex
from passage_index.failpoints import failpoint
from passage_index.filters import DATE, All, Condition, Filter, leaves_out_undated
from passage_index.types import Article, PartialDate

EPOCH = date(1970, 1, 1)
UNDATED_FIRST = np.iinfo(np.int32).max  # sorts after every day
UNDATED_LAST = np.iinfo(np.int32).min  # overlaps no range of days
SIGNATURE_LENGTH = 64
NUMBER_ORDER = "number_order"  # rows by rising passage number, where the numbers do not rise by themselves

_DTYPES: dict[str, Any] = {
    "passage_no": np.uint64,
    "article_key": np.uint64,  # passage_no of the article's first passage
    "first_day": np.int32,  # days since 1970-01-01
    "last_day": np.int32,
    "source": np.int32,  # position in names["source"]; -1 none
    "language": np.int16,  # position in names["language"]; -1 none
    "id": np.dtype("V16"),  # the public id's bytes
    "signature": np.uint16,  # (rows, 64) MinHash, low 16 bits
}


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows a search may return. An undated article is in no range of days."""

    first_day: date | None = None
    last_day: date | None = None
    sources: tuple[str, ...] = ()
    known_by: date | None = None  # leaves out what can only have been published after that day
    filter: Filter | None = None

    @property
    def whole(self) -> Filter | None:
        """All of it as one filter; None lets everything pass."""
        parts: list[Filter] = []
        if self.first_day is not None:
            parts.append(Condition(DATE, "$gte", "date", (PartialDate(self.first_day, self.first_day),)))
        for day in (self.last_day, self.known_by):
            if day is not None:
                parts.append(Condition(DATE, "$lte", "date", (PartialDate(day, day),)))
        if self.sources:
            parts.append(Condition("source", "$in", "text", self.sources))
        if self.filter is not None:
            parts.append(self.filter)
        return All(tuple(parts)) if parts else None

    @property
    def leaves_out_undated(self) -> bool:
        """True if no article without a date can pass."""
        return self.whole is not None and leaves_out_undated(self.whole)


class ColumnWriter:
    """Gathers a segment's columns in memory (about 180 bytes a row) and writes them on `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[str, list[Any]] = {name: [] for name in _DTYPES}
        self._codes: dict[str, dict[str, int]] = {"source": {}, "language": {}}

    def add(
        self, article: Article, passage_nos: npt.NDArray[np.uint64], ids: list[bytes], signatures: list[Any]
    ) -> None:
        """The rows of one article, in order. passage_nos: (n,), ids: 16 bytes, signatures: (64,) each."""
        count = len(passage_nos)
        first, last = day_range(article.published)
        shared = {
            "article_key": passage_nos[0],
            "first_day": first,
            "last_day": last,
            "source": self._code("source", article.source),
            "language": self._code("language", article.language),
        }
        for name, value in shared.items():
            self._parts[name].append(np.full(count, value, dtype=_DTYPES[name]))
        self._parts["passage_no"].append(passage_nos)
        self._parts["id"].append(np.frombuffer(b"".join(ids), dtype="V16"))
        self._parts["signature"].append(np.stack(signatures).astype(np.uint16))

    def close(self, sentence_starts: npt.NDArray[np.int64]) -> None:
        """Write all columns, and where each row's sentence vectors begin: (rows + 1,)."""
        self._folder.mkdir()
        for name, parts in self._parts.items():
            shape = (0, SIGNATURE_LENGTH) if name == "signature" else (0,)
            array = np.concatenate(parts) if parts else np.empty(shape, dtype=_DTYPES[name])
            np.save(self._folder / f"{name}.npy", array, allow_pickle=False)
            if name == "passage_no" and (array[1:] < array[:-1]).any():
                order = np.argsort(array, kind="stable")
                np.save(self._folder / f"{NUMBER_ORDER}.npy", order, allow_pickle=False)
        np.save(self._folder / "sentence_start.npy", sentence_starts, allow_pickle=False)
        names = {kind: list(codes) for kind, codes in self._codes.items()}
        (self._folder / "names.json").write_text(
            json.dumps(names, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        failpoint("columns.written")

    def _code(self, kind: str, name: str | None) -> int:
        if name is None:
            return -1
        codes = self._codes[kind]
        return codes.setdefault(name, len(codes))


class ColumnReader:
    """The columns of a sealed segment, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.passage_no = self._map("passage_no")
        self.article_key = self._map("article_key")
        self.first_day = self._map("first_day")
        self.last_day = self._map("last_day")
        self.source = self._map("source")
        self.language = self._map("language")
        self.id = self._map("id")
        self.signature = self._map("signature")
        self.sentence_start = self._map("sentence_start")
        merged = (folder / f"{NUMBER_ORDER}.npy").exists()
        self._number_order = self._map(NUMBER_ORDER) if merged else None
        self.names: dict[str, list[str]] = json.loads((folder / "names.json").read_text(encoding="utf-8"))

    def _map(self, name: str) -> Any:
        kind = _DTYPES.get(name, np.int64)
        shape = (SIGNATURE_LENGTH,) if name == "signature" else ()
        # As a plain array over the map: a memmap takes its time over every slice.
        return np.asarray(mapped(self._folder / f"{name}.npy", kind, shape))

    @cached_property
    def article_rows(self) -> npt.NDArray[np.int64]:
        """How many rows each article has, in row order: (articles,)."""
        rows = len(self.article_key)
        later = np.flatnonzero(self.article_key[1:] != self.article_key[:-1]) + 1
        return np.diff(np.concatenate([[0], later, [rows]])) if rows else np.empty(0, dtype=np.int64)

    def rows_of(self, passage_nos: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Rows of those passage numbers that lie here; -1 for the others. (n,) -> (n,), O(log rows) each."""
        if len(self.passage_no) == 0:
            return np.full(len(passage_nos), -1, dtype=np.int64)
        order = self._number_order
        at = np.searchsorted(self.passage_no, passage_nos, sorter=order)
        at = np.minimum(at, len(self.passage_no) - 1)
        rows = at if order is None else order[at]
        return np.where(self.passage_no[rows] == passage_nos, rows, -1).astype(np.int64)


def mapped(file: Path, kind: Any, row_shape: tuple[int, ...] = ()) -> Any:
    """A map of a .npy file: (n, *row_shape) of one kind. Raises CorruptIndex for anything else."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError) as error:  # objects, no array, a shape that the file has not
        raise CorruptIndex(f"{file} is no array that can be read: {error}; {MEND}") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise CorruptIndex(f"{file} is an archive, no array; {MEND}")
    if array.dtype != np.dtype(kind) or array.shape[1:] != row_shape:
        raise CorruptIndex(f"{file} holds another kind of array than {np.dtype(kind)}; {MEND}")
    if array.ndim != 1 + len(row_shape):
        raise CorruptIndex(f"{file} holds an array of {array.ndim} dimensions; {MEND}")
    return array


def day_range(published: PartialDate | None) -> tuple[int, int]:
    """First and last day as days since 1970-01-01; the undated marks when there is none."""
    if published is None:
        return int(UNDATED_FIRST), int(UNDATED_LAST)
    return _day(published.first), _day(published.last)


def _day(day: date) -> int:
    return (day - EPOCH).days
