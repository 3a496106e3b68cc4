"""Which rows of a segment a filter lets pass: dates and names from the columns, the rest from facts.py.

A comparison with a date holds where it may be true of an article whose date is known to the month or
year only; a negation holds where its part does not. Knows nothing of deletions or other segments.
(Filter, columns, facts) -> (rows,) bool
"""

import numpy as np
import numpy.typing as npt

from passage_index.columns import UNDATED_LAST, ColumnReader, day_range
from passage_index.dense import Mask
from passage_index.facts import Facts, passing
from passage_index.filters import All, Condition, Either, Filter, Not
from passage_index.passages import PassageReader
from passage_index.types import PartialDate


class RowMasks:
    """The masks of one sealed segment."""

    def __init__(self, columns: ColumnReader, texts: PassageReader, twin: "RowMasks | None" = None) -> None:
        """twin: of the same segment in another generation."""
        self._columns, self._texts = columns, texts
        self.facts: Facts = Facts(texts, twin.facts if twin else None)

    def of(self, filter_: Filter) -> Mask:
        """(rows,) True where the filter lets a row pass.

        O(rows) a condition; a metadata key, title or URL reads all articles when it is first asked for.
        """
        match filter_:
            case Not(part):
                return ~self.of(part)
            case All(parts):
                return np.logical_and.reduce([self.of(part) for part in parts])
            case Either(parts):
                return np.logical_or.reduce([self.of(part) for part in parts])
            case Condition(field="published_at"):
                return self._dated(filter_)
            case Condition(field="source" | "language"):
                return self._named(filter_)
            case Condition(field="article_id"):
                return self._identified(filter_)
        return np.repeat(self.facts.holding(filter_), self._columns.article_rows)

    def _dated(self, condition: Condition) -> Mask:
        first, last = self._columns.first_day, self._columns.last_day
        dated: Mask = last != UNDATED_LAST
        if condition.operator == "$exists":
            return dated
        found: Mask = np.zeros(len(dated), dtype=bool)
        for value in condition.values:
            assert isinstance(value, PartialDate)
            begin, end = day_range(value)
            match condition.operator:
                case "$in":
                    found |= (first <= end) & (last >= begin)
                case "$gte":
                    found |= last >= begin
                case "$lte":
                    found |= first <= end
                case "$gt":
                    found |= last > end
                case "$lt":
                    found |= first < begin
        return found & dated

    def _named(self, condition: Condition) -> Mask:
        """One look-up a row: the last place of the table is for rows without a name, whose code is -1."""
        table = np.append(passing(condition, self._columns.names[condition.field]), False)
        codes: npt.NDArray[np.int32] = getattr(self._columns, condition.field)
        return table[codes]

    def _identified(self, condition: Condition) -> Mask:
        """By the index of ids, so that the ids of a whole corpus need not be read."""
        mask = np.full(len(self._columns.first_day), condition.operator == "$exists")
        for rows in map(self._texts.row_range, map(str, condition.values)):
            if rows is not None:
                mask[rows.start : rows.stop] = True
        return mask
