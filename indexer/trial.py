"""What encoding takes on this machine at this moment, tried on a few passages: seconds, and memory.

Knows nothing of files and articles. (EmbeddedPassage, encoder) -> Trial
"""

import math
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passage_index.encoder import EmbeddedPassage, Encoder
from passage_index.journal import VectorsJournal, journal_file, key_of

_FIRST = 10  # passages encoded before the clock runs: the first call is slower than any other

# The runtime keeps what it made for each shape of a batch, up to a limit. Measured on news.
_RAM_GROWTH = 0.4  # of what the trial took, for e times as many passages
_RAM_AT_MOST = 2.3  # times what the trial took


@dataclass(frozen=True, slots=True)
class Trial:
    """What encoding a few passages took."""

    passages: int
    passages_per_s: float
    quiet_per_s: float  # if no other process had used a core meanwhile
    ram_bytes: int

    def ram_of(self, passages: float) -> int:
        """Bytes that encoding so many will take."""
        if passages <= self.passages:
            return round(self.ram_bytes * passages / max(self.passages, 1))
        grown = 1 + _RAM_GROWTH * math.log(passages / self.passages)
        return round(self.ram_bytes * min(grown, _RAM_AT_MOST))


def try_encoding(chosen: Sequence[EmbeddedPassage], encoder: Encoder) -> Trial:
    """Encode some passages for the sake of knowing."""
    if not chosen:
        return Trial(1, 1.0, 1.0, 0)
    before = ram_bytes()
    encoder.encode_passages(chosen[:_FIRST])
    begun, used = time.perf_counter(), time.process_time()
    encoder.encode_passages(chosen)
    wall_s, core_s = time.perf_counter() - begun, time.process_time() - used
    quiet_s = min(wall_s, core_s / (os.cpu_count() or 1))
    return Trial(len(chosen), len(chosen) / wall_s, len(chosen) / quiet_s, max(ram_bytes() - before, 0))


def in_journal(chosen: Sequence[EmbeddedPassage], encoder: Encoder, cache: Path) -> tuple[float, int]:
    """(share of the passages that the journal has, records in it)."""
    file = journal_file(cache, encoder.identity)
    if not chosen or not file.exists():
        return 0.0, 0
    with VectorsJournal(file, encoder.identity) as journal:
        known = sum(journal.get(key_of(one)) is not None for one in chosen)
        return known / len(chosen), len(journal)


def ram_bytes() -> int:
    """What this process has in memory now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
