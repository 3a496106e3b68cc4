"""What a generation holds, counted from its columns: passages by property, sentences, days. No deleted row.

(segments, rows) -> numbers
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.columns import UNDATED_FIRST, UNDATED_LAST
from passage_index.rows import SnapshotRows
from passage_index.segment import Segment


def passages_by_property(segments: Sequence[Segment], rows: SnapshotRows) -> dict[str, dict[str, int]]:
    """Passages by source, by language and by year of publication; those without one under ''."""
    out: dict[str, dict[str, int]] = {"source": {}, "language": {}, "year": {}}
    for number, segment in enumerate(segments):
        alive = rows.living_of(number)
        for kind in ("source", "language"):
            codes = getattr(segment.columns, kind)[alive]
            names = segment.columns.names[kind]
            for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
                name = names[int(code)] if code >= 0 else ""
                out[kind][name] = out[kind].get(name, 0) + int(count)
        for year, count in zip(*np.unique(_years(segment, alive), return_counts=True), strict=True):
            name = str(year) if year else ""
            out["year"][name] = out["year"].get(name, 0) + int(count)
    return out


def sentences(segments: Sequence[Segment], rows: SnapshotRows) -> int:
    """Sentences of all passages."""
    return sum(
        int(np.diff(segment.columns.sentence_start)[rows.living_of(number)].sum())
        for number, segment in enumerate(segments)
    )


def days(segments: Sequence[Segment], rows: SnapshotRows) -> tuple[int, int] | None:
    """The first and the last day of all dated articles, from 1970-01-01; None where none is dated."""
    begin, end = int(UNDATED_FIRST), int(UNDATED_LAST)
    for number, segment in enumerate(segments):
        alive = rows.living_of(number)
        first, last = segment.columns.first_day[alive], segment.columns.last_day[alive]
        dated = first <= last
        begin, end = int(first[dated].min(initial=begin)), int(last[dated].max(initial=end))
    return (begin, end) if begin <= end else None


def _years(segment: Segment, alive: Any) -> npt.NDArray[np.int64]:
    """Year of each row's first day, 0 for the undated."""
    first, last = segment.columns.first_day[alive], segment.columns.last_day[alive]
    undated = first > last
    firsts = np.where(undated, 0, first).astype("datetime64[D]")
    return np.where(undated, 0, firsts.astype("datetime64[Y]").astype(np.int64) + 1970)
