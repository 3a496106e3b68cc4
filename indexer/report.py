"""What a run read, wrote and refused: the build report, for people and for the manifest.

Knows nothing of how the work is done. events of a run -> BuildReport -> text or JSON
"""

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from indexer.coverage import kind_of_reason
from indexer.readers.records import shown

Progress = Callable[[str, int, int | None], None]  # stage, done, total if known

REJECTED_KEPT = 1000  # rejected records listed by place; more are only counted
REASONS_KEPT = 100
REASONS_TOLD = 6  # on a terminal


def now() -> str:
    """The present moment, as manifests write it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """A Progress that shows nothing."""


@dataclass(slots=True)
class BuildReport:
    """Counts of one run, and seconds by stage. What is counted was read and split in this run."""

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
    added: int = 0  # articles that were not in the index before
    replaced: int = 0  # articles that were, with another text, title, date, ...
    unchanged: int = 0  # articles that were, exactly so: not split, not encoded
    deleted: int = 0  # articles
    unknown: list[str] = field(default_factory=list)  # ids asked to be deleted that are in no article
    merged: int = 0  # segments that became one
    generation: int | None = None  # the one that was committed; None when nothing changed
    languages: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)  # of the run, by what it did or waited for
    encoder_s: float = 0.0  # while the encoder was at work, whatever else went on
    rejections: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of rejections, by kind
    skipped_by: Counter[str] = field(default_factory=Counter)  # files passed over, by suffix

    def reject(self, place: str, reason: str) -> tuple[str, bool]:
        """Count a rejected record; returns the line that tells of it, and whether it is to be told.

        Told are the first thousand, and of each kind of reason the first however late it comes.
        """
        line, kind = f"rejected {place}: {shown(reason)}", kind_of_reason(reason)  # a terminal reads it
        is_new = kind not in self.reasons and len(self.reasons) < REASONS_KEPT
        is_told = is_new or len(self.rejections) < REJECTED_KEPT
        self.rejected += 1
        self.reasons[kind] += 1
        if is_told:
            self.rejections.append(line)
        return line, is_told

    def skip(self, path: str, reason: str) -> None:
        """Count a file that was passed over, by its suffix."""
        self.skipped += 1
        suffix = PurePath(path).suffix.lower()
        self.skipped_by[suffix or "no suffix" if reason.startswith("not a format") else "read already"] += 1

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
            "added": self.added,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "unknown": self.unknown,
            "merged_segments": self.merged,
            "generation": self.generation,
            "languages": dict(self.languages.most_common()),
            "peak_ram_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
            "encoder_seconds": round(self.encoder_s, 2),
            "rejections": self.rejections,
            "rejected_by_reason": dict(self.reasons.most_common(REASONS_KEPT)),
            "skipped_by_suffix": dict(self.skipped_by.most_common(REASONS_KEPT)),
        }

    def __str__(self) -> str:
        """A few lines for a person."""
        languages = ", ".join(f"{name} {count}" for name, count in self.languages.most_common(6))
        seconds = ", ".join(f"{stage} {spent:.1f}" for stage, spent in self.seconds.items())
        lines = [f"changes    {self._changes()}"]
        if self.articles or self.rejected:
            repeated = f"{self.undated:,} undated, {self.duplicates:,} repeat another's text"
            lines += [
                f"articles   {self.articles:,} ({repeated})",
                f"passages   {self.passages:,} ({self.sentences:,} sentences, {self.tokens:,} tokens)",
                f"truncated  0 ({self.cut_sentences:,} over-long sentences cut at a clause or word)",
                f"rejected   {self.rejected:,} ({self.skipped:,} files of other formats passed over)",
                *self._reasons(),
                f"languages  {languages or '-'}",
            ]
        if self.resumed:
            lines.append(f"resumed    {self.resumed:,} passages from the vectors journal, not encoded again")
        if self.merged:
            lines.append(f"merged     {self.merged:,} segments into one")
        if seconds:
            lines.append(f"seconds    {seconds}")
            if self.encoder_s:
                share = self.encoder_s / sum(self.seconds.values())
                lines.append(f"encoder    at work for {self.encoder_s:.1f} s, {share:.0%} of the time")
        return "\n".join(lines)

    def _reasons(self) -> list[str]:
        """Why records were rejected and which files were passed over, a line each, the commonest first."""
        why = [f"           {count:,} {reason}" for reason, count in self.reasons.most_common(REASONS_TOLD)]
        if len(self.reasons) > REASONS_TOLD:
            why.append(f"           and {len(self.reasons) - REASONS_TOLD} other reasons")
        if self.skipped_by:
            by = ", ".join(f"{count:,} {name}" for name, count in self.skipped_by.most_common(REASONS_TOLD))
            why.append(f"           passed over: {by}")
        return why

    def _changes(self) -> str:
        parts = [
            (self.added, "added"), (self.replaced, "replaced"), (self.unchanged, "unchanged"),
            (self.deleted, "deleted"),
        ]  # fmt: skip
        said = ", ".join(f"{count:,} {what}" for count, what in parts if count) or "none"
        committed = "nothing to commit" if self.generation is None else f"generation {self.generation}"
        return f"{said}; {committed}"
