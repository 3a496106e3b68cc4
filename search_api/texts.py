"""The passages that one search reads, each once, however many of its steps look at them.

Backend + rows of a pool -> stored passages
"""

from typing import Any

from passage_index.backend import Backend, Handles
from passage_index.types import StoredPassage


class Texts:
    """Of one search, on one thread at a time; let go of with it."""

    def __init__(self, snapshot: Backend) -> None:
        self._snapshot = snapshot
        self._read: dict[Any, StoredPassage] = {}

    def of(self, rows: Handles) -> list[StoredPassage]:
        """The passages of a pool's rows, (n,), in that order."""
        wanted = rows.tolist()
        missing = [place for place, row in enumerate(wanted) if row not in self._read]
        if missing:
            found = self._snapshot.fetch(rows[missing])
            self._read.update(zip([wanted[place] for place in missing], found, strict=True))
        return [self._read[row] for row in wanted]
