"""The rows of all segments of one generation, numbered through, and which of them are alive.

A row of a snapshot is the segment's own row plus the rows of the segments before it. Knows columns,
no texts, vectors or words. ([Segment], deleted.npy) -> SnapshotRows
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.columns import mapped
from passage_index.dense import Mask
from passage_index.errors import MEND, CorruptIndex
from passage_index.segment import Segment
from passage_index.types import PassageNos, Rows, Scores


class SnapshotRows:
    """Positions over several segments. Rows are int64 handles that mean nothing outside the snapshot."""

    def __init__(self, segments: Sequence[Segment], deleted: Path) -> None:
        self._segments = segments
        self.bases = np.cumsum([0, *(segment.record.passages for segment in segments)])
        self.deleted = read_deleted(deleted)
        self.alive: Mask | None = ~self.mask_of(self.deleted) if len(self.deleted) else None

    def split(self, rows: Rows) -> list[tuple[Segment, npt.NDArray[np.int64], Rows]]:
        """(segment, positions in `rows` (m,), rows inside that segment (m,)) for every segment touched."""
        if len(self._segments) == 1:
            return [(self._segments[0], np.arange(len(rows)), rows)] if len(rows) else []
        owner = np.searchsorted(self.bases, rows, side="right") - 1
        return [
            (
                self._segments[number],
                np.flatnonzero(owner == number),
                rows[owner == number] - self.bases[number],
            )
            for number in np.unique(owner)
        ]

    def scored(self, rows: Rows, score: Callable[[Segment, Rows], Scores]) -> Scores:
        """`score` of every row, asked segment by segment: (n,)."""
        out = np.zeros(len(rows))
        for segment, positions, own in self.split(rows):
            out[positions] = score(segment, own)
        return out

    def take(self, rows: Rows, name: str) -> Any:
        """A column's values at `rows`: (n,) or, for signatures, (n, 64)."""
        parts = self.split(rows)
        if not parts:
            return getattr(self._segments[0].columns, name)[:0]
        first = getattr(parts[0][0].columns, name)
        out = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        for segment, positions, own in parts:
            out[positions] = getattr(segment.columns, name)[own]
        return out

    def names(self, rows: Rows, kind: str) -> list[str]:
        """The source or the language (`kind`) of every row, (n,), '' where it has none."""
        out = np.full(len(rows), "", dtype=object)
        for segment, positions, own in self.split(rows):
            names = np.array([*segment.columns.names[kind], ""], dtype=object)
            out[positions] = names[getattr(segment.columns, kind)[own]]
        return list(out)

    def rows_of(self, numbers: PassageNos) -> Rows:
        """Passage numbers -> rows, (n,) -> (n,). Raises CorruptIndex on a number no segment holds."""
        out = np.full(len(numbers), -1, dtype=np.int64)
        for segment, base in zip(self._segments, self.bases, strict=False):
            own = segment.columns.rows_of(numbers)
            out = np.where(own >= 0, own + base, out)
        if (out < 0).any():
            raise CorruptIndex(f"passage number {numbers[out < 0][0]} is in no segment; {MEND}")
        return out

    def mask_of(self, numbers: PassageNos) -> Mask:
        """(all rows,) True at the rows of those passage numbers."""
        mask = np.zeros(int(self.bases[-1]), dtype=bool)
        mask[self.rows_of(numbers)] = True
        return mask

    def living(self, wanted: Mask | None) -> Mask | None:
        """(all rows,) True where wanted and not deleted; None stands for all rows, on both sides."""
        if self.alive is None or wanted is None:
            return self.alive if wanted is None else wanted
        return wanted & self.alive

    def best(self, rows: Rows, scores: Scores, depth: int) -> Rows:
        """The `depth` best, (n,) -> (m,); among equal scores the smallest ids, in whatever segment."""
        if len(rows) <= depth:
            return rows
        ids = np.ascontiguousarray(self.take(rows, "id")).view(">u8").reshape(-1, 2)
        return rows[np.lexsort((ids[:, 1], ids[:, 0], -scores))[:depth]]

    def living_of(self, segment: int) -> Any:
        """An index into the columns of one segment, by its position, that leaves the deleted rows out."""
        if self.alive is None:
            return slice(None)
        return self.alive[self.bases[segment] : self.bases[segment + 1]]

    def is_alive(self, segment: int, row: int) -> bool:
        """Whether a segment's row, by the segment's position, is not deleted."""
        return self.alive is None or bool(self.alive[self.bases[segment] + row])

    def articles_from(self, passage_no: int) -> list[str]:
        """Ids of the articles whose passages were numbered from that number on: what came after a state.

        Deleted ones are left out. O(articles) of the segments that hold any.
        """
        found = []
        for number, segment in enumerate(self._segments):
            numbers = segment.columns.passage_no
            if len(numbers) and int(numbers.max()) >= passage_no:
                found += [
                    article_id
                    for article_id, first, _ in segment.texts.places()
                    if int(numbers[first]) >= passage_no and self.is_alive(number, first)
                ]
        return found


def read_deleted(file: Path) -> PassageNos:
    """The tombstones: passage numbers, rising; none where there is no file. (n,) uint64."""
    try:
        numbers: PassageNos = np.array(mapped(file, np.uint64))
    except FileNotFoundError:
        return np.empty(0, dtype=np.uint64)
    return numbers
