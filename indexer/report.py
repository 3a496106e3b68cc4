"""What a run read, wrote and refused: the build report, for people and for the manifest.

Knows nothing of how the work is done. events of a run -> BuildReport -> text or JSON
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

REJECTED_KEPT = 1000  # rejected records listed by place; more are only counted


@dataclass(slots=True)
class BuildReport:
    """Counts of one run, and seconds by stage."""

    articles: int = 0
    passages: int = 0
    sentences: int = 0
    tokens: int = 0
    rejected: int = 0
    skipped: int = 0  # files of no known format
    cut_sentences: int = 0  # longer than the encoder reads at once, so cut at a clause or word
    undated: int = 0
    duplicates: int = 0  # articles whose text another article has too
    resumed: int = 0  # passages whose vectors came from the journal
    languages: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    rejections: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: str) -> str:
        """Count a rejected record; returns the line that tells of it."""
        line = f"rejected {place}: {reason}"
        self.rejected += 1
        if len(self.rejections) < REJECTED_KEPT:
            self.rejections.append(line)
        return line

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of a block to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the manifest and --json."""
        return {
            "articles": self.articles,
            "passages": self.passages,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "cut_sentences": self.cut_sentences,
            "truncated": 0,  # a passage over the encoder's limit is an error, never cut in silence
            "undated": self.undated,
            "duplicates": self.duplicates,
            "resumed": self.resumed,
            "languages": dict(self.languages.most_common()),
            "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
            "rejections": self.rejections,
        }

    def __str__(self) -> str:
        """A few lines for a person."""
        languages = ", ".join(f"{name} {count}" for name, count in self.languages.most_common(6))
        seconds = ", ".join(f"{stage} {spent:.1f}" for stage, spent in self.seconds.items())
        lines = [
            f"articles   {self.articles:,} ({self.undated:,} undated, {self.duplicates:,} repeat another's text)",
            f"passages   {self.passages:,} ({self.sentences:,} sentences, {self.tokens:,} tokens)",
            f"truncated  0 ({self.cut_sentences:,} over-long sentences cut at a clause or word)",
            f"rejected   {self.rejected:,} ({self.skipped:,} files of other formats passed over)",
            f"languages  {languages or '-'}",
            f"seconds    {seconds}",
        ]
        if self.resumed:
            lines.insert(2, f"resumed    {self.resumed:,} passages from the vectors journal")
        return "\n".join(lines)
