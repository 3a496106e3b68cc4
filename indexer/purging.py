"""Articles taken out for good: from the inbox, the journal, the index, the generations kept for rollback.

    1. writes that wait in the inbox lose what they hold of them
    2. the vectors journal is rewritten without any of their vectors, found by every kept generation
    3. delete and merge, so that no segment and no word index holds a word of them, and commit
    4. every older generation is removed

A run that was cut short is finished by running it again. Backups, copies of the input files and the
blocks that the file system frees without overwriting them are the operator's.
"""

import logging
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from indexer.chunking import Chunking
from indexer.growing import Wish, grow, merge, worth_merging
from indexer.living import LivingArticles
from indexer.report import BuildReport, Progress, silent
from indexer.unwanted import take_out_of_inbox
from indexer.watched import read_watched, watched_bytes, without
from indexer.write import BuildOptions, Run, embedded_passage
from passage_index import commits, directory
from passage_index.directory import Generation
from passage_index.encoder import EncoderIdentity
from passage_index.errors import MEND, CorruptIndex, FormatMismatch, InputError, NotFound, WriteFailed
from passage_index.failpoints import failpoint
from passage_index.integrity import Seen, damage
from passage_index.journal import forget, journal_file, key_of
from passage_index.lineage import prune

logger = logging.getLogger(__name__)

RELEASE_S = 10.0  # how long readers of an older generation, and a worker, are waited for


@dataclass(slots=True)
class Purged:
    """What is gone, and what could not be reached."""

    report: BuildReport
    inbox_records: int = 0
    journal_records: int = 0
    removed_generations: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # ids in no kept generation, and not waiting

    def to_json(self) -> dict[str, Any]:
        """Plain values, for --json."""
        return {
            **self.report.to_json(),
            "inbox_records": self.inbox_records,
            "journal_records": self.journal_records,
            "removed_generations": self.removed_generations,
            "unknown": self.unknown,
        }

    def __str__(self) -> str:
        """From where the text is gone, and from where it is not."""
        removed = ", ".join(map(str, self.removed_generations)) or "none"
        return (
            f"purged     {self.report.deleted:,} articles; generation {self.report.generation} has no word "
            f"of them\n"
            f"gone from  the index, its word indexes, the generations before it (removed: {removed}),\n"
            f"           the vectors journal ({self.journal_records:,} vectors; it never held text)\n"
            f"           and the inbox ({self.inbox_records:,} records that waited)\n"
            f"not from   backups, the files the articles were read from, writes accepted from now on, and\n"
            f"           blocks the file system has freed but not overwritten: those are yours to clear"
        )


def purge(
    article_ids: Sequence[str], index: Path, options: BuildOptions, progress: Progress = silent
) -> Purged:
    """Delete articles so that no file below `index`, and no journal in the cache, has anything of them.

    Also takes what only an older generation holds, or waits in the inbox. Raises InputError without a
    cache folder, IndexLocked while a worker does not get done with such writes, and what delete and
    merge raise.
    """
    if options.cache is None:
        raise InputError("a purge needs the cache folder with the vectors journal; give --cache")
    directory.current(index)
    wanted = set(article_ids)
    waited = _out_of_inbox(index, wanted)
    with directory.writer_lock(index):
        commits.remove_leftovers(index)  # a purge that was cut short may have left a generation half removed
    current = directory.current(index)
    keys: dict[EncoderIdentity, set[bytes]] = {}
    met: set[str] = set()
    for generation in _kept(index):
        for article_id, key in _keys(generation, wanted):
            keys.setdefault(generation.manifest.encoder, set()).add(key)
            met.add(article_id)
    report = BuildReport(generation=current.manifest.generation)
    purged = Purged(report, len(waited), unknown=sorted(wanted - met - set(waited)))
    if not met:
        return purged
    for identity, own in keys.items():
        purged.journal_records += forget(journal_file(options.cache, identity), identity, own)
    purged.report = _take_out(met, index, replace(options, merge=False), progress)
    if worth_merging(directory.current(index)):
        report = merge(index, options, progress=progress)
        purged.report.generation, purged.report.merged = report.generation, report.merged
    purged.report.generation = purged.report.generation or current.manifest.generation
    failpoint("purge.committed")
    purged.removed_generations = _remove_older(index)
    return purged


def _out_of_inbox(index: Path, ids: Set[str]) -> list[str]:
    try:
        return take_out_of_inbox(index, ids, RELEASE_S)
    except OSError as error:
        raise WriteFailed(
            f"writes that wait in {index / directory.INBOX} could not be purged: {error}; no article was "
            f"taken out yet. Mend the disk and run it again"
        ) from error


def _take_out(ids: Set[str], index: Path, options: BuildOptions, progress: Progress) -> BuildReport:
    """Delete, and forget in watched.json which file they came from."""

    def watched() -> bytes | None:
        before = read_watched(directory.current(index))
        after = without(before, ids)
        return None if after == before else watched_bytes(after)

    run = Run(options, BuildReport(), progress)
    grow(index, Wish("purge", deleted=lambda: sorted(ids), watched=watched), run)
    return run.report


def _kept(index: Path) -> Iterator[Generation]:
    """Every generation that is whole. Raises CorruptIndex when the current one is not."""
    seen: Seen = {}
    for number in directory.generations(index):
        try:
            found = directory.generation(index, number)
            problems = damage(found, seen=seen)
        except (NotFound, CorruptIndex, FormatMismatch) as error:
            problems = [str(error)]
        if not problems:
            yield found
        elif number == directory.pointed(index):
            raise CorruptIndex(f"{problems[0]}; {MEND}")
        else:
            logger.warning(
                "generation %d is damaged: vectors that only it can lead to stay in the journal; %s",
                number,
                problems[0],
            )


def _keys(generation: Generation, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """(article id, journal key) of every passage of the articles, living or not."""
    chunking = Chunking(**generation.manifest.chunking)
    with LivingArticles(generation) as stored:
        for one in stored.every_version(wanted):
            yield one.article.id, key_of(embedded_passage(one.article, one.passage, chunking))


def _remove_older(index: Path) -> list[int]:
    """Remove every generation but the current one; readers get a moment to let go, then they lose it."""
    with directory.writer_lock(index):
        older = [number for number in directory.generations(index) if number != directory.pointed(index)]
        deadline = time.monotonic() + RELEASE_S
        while prune(index, keep=1) and time.monotonic() < deadline:
            time.sleep(0.1)
        prune(index, keep=1, held=True)
    return older
