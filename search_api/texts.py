"""The passages that one search reads, each once, however many of its steps look at them.

Snapshot + rows of a pool -> stored passages
"""

from passage_index.snapshot import Snapshot
from passage_index.types import Rows, StoredPassage


class Texts:
    """Of one search, on one thread at a time; let go of with it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._read: dict[int, StoredPassage] = {}

    def of(self, rows: Rows) -> list[StoredPassage]:
        """The passages of a pool's rows, (n,), in that order."""
        wanted = rows.tolist()
        missing = [place for place, row in enumerate(wanted) if row not in self._read]
        if missing:
            found = self._snapshot.fetch(rows[missing])
            self._read.update(zip([wanted[place] for place in missing], found, strict=True))
        return [self._read[row] for row in wanted]
