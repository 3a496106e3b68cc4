"""A change of an index -> the next generation: what stays is linked, what is new is written, then commit.

    tombstones, a fresh segment     from growing.py
    merge by the policy             merging.py
    word indexes                    updated in place of the links, or made anew by a full merge

Knows nothing of files of articles and encodes nothing.
"""

import shutil
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from indexer import merging
from indexer.intake import GivingWay
from indexer.merging import Merge, merge_segments
from indexer.report import now
from indexer.space import require_space
from indexer.write import Run, write_words
from passage_index import commits, directory
from passage_index.directory import Generation
from passage_index.failpoints import failpoint
from passage_index.integrity import remember
from passage_index.lexical import ANALYZER, PASSAGES, counted_records
from passage_index.lexical_writer import LexicalWriters
from passage_index.manifest import Manifest
from passage_index.rows import read_deleted
from passage_index.segment import Segment, SegmentRecord
from passage_index.types import PassageNos


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different in the next generation."""

    command: str
    giving_way: GivingWay
    fresh: SegmentRecord | None = None  # written below the scratch folder already
    watched: bytes | None = None  # a new watched.json; None keeps the old one
    merge_all: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """The next generation while it is made."""

    folder: Path
    base: Generation
    segments: tuple[SegmentRecord, ...]  # before merging, the fresh one last
    deleted: PassageNos  # before merging

    def place(self, record: SegmentRecord) -> Path:
        """Where a segment's files lie now."""
        fresh = self.folder / directory.SEGMENTS / record.name
        return fresh if fresh.exists() else self.base.folder / directory.SEGMENTS / record.name

    def open(self, record: SegmentRecord) -> Segment:
        """A segment, wherever it lies."""
        return Segment(self.place(record), record, self.base.manifest.encoder.dim)


def seal(index: Path, folder: Path, base: Generation, change: Change, run: Run) -> Generation:
    """Make the next generation of `base` in `folder`, and commit it. Call under the writer's lock."""
    fresh = (change.fresh,) if change.fresh else ()
    dead = np.union1d(read_deleted(base.folder / directory.DELETED), change.giving_way.numbers)
    draft = Draft(folder, base, base.manifest.segments + fresh, dead)
    merge = _merge(draft, change, run)
    _require_space(index, draft, merge)
    record, left = _merged(draft, merge, run) if merge.names else (None, dead)
    _link(draft, change, merge)
    if record is not None and merge.everything:
        _write_words(draft, record, run)
    elif change.giving_way or change.fresh:
        _grow_words(draft, change, run)
    _drop_merged(draft, merge)
    _write_left(draft, change, left)
    manifest = _manifest(draft, change, merge, record, len(left))
    report = {**run.report.to_json(), "command": change.command}
    with run.report.timed("commit"):
        committed = commits.commit(index, folder, replace(manifest, build=report), run.options.keep, base)
        remember(committed, index, run.options.cache)
    run.report.generation = committed.manifest.generation
    return committed


def _merge(draft: Draft, change: Change, run: Run) -> Merge:
    if change.merge_all or draft.base.manifest.analyzer != ANALYZER:
        return merging.everything(draft.segments)
    if not run.options.merge:
        return Merge()
    counted, counted_deleted = counted_records(draft.base.folder / directory.LEXICAL / PASSAGES)
    counted += change.fresh.passages if change.fresh else 0
    counted_deleted += len(change.giving_way.numbers)
    return merging.due(draft.segments, len(draft.deleted), counted, counted_deleted)


def _require_space(index: Path, draft: Draft, merge: Merge) -> None:
    """For what a merge writes: as much as the segments it takes have now, and the word indexes."""
    files = draft.base.manifest.files.items()
    parts = [f"{directory.SEGMENTS}/{name}/" for name in merge.names]
    parts += [f"{directory.LEXICAL}/"] if merge.everything else []
    require_space(index, sum(record.size for name, record in files if name.startswith(tuple(parts))))


def _merged(draft: Draft, merge: Merge, run: Run) -> tuple[SegmentRecord, PassageNos]:
    """The one segment that the merge makes of several, and the tombstones that are left in the others."""
    target = draft.folder / directory.SEGMENTS / directory.segment_name(_next_segment(draft))
    with run.report.timed("merge"), ExitStack() as opened:
        taken = [
            opened.enter_context(closing(draft.open(record)))
            for record in draft.segments
            if record.name in merge.names
        ]
        left = draft.deleted
        for segment in taken:
            left = np.setdiff1d(left, segment.columns.passage_no)
        record = merge_segments(taken, draft.deleted, target, run.progress)
    run.report.merged = len(taken)
    return record, left


def _next_segment(draft: Draft) -> int:
    return draft.base.manifest.next_segment + len(draft.segments) - len(draft.base.manifest.segments)


def _link(draft: Draft, change: Change, merge: Merge) -> None:
    """Give the draft all files that stay as they are. What will be written anew must not be linked."""
    anew = [f"{directory.SEGMENTS}/{name}/" for name in merge.names] + [directory.DELETED]
    anew += [f"{directory.LEXICAL}/"] if merge.everything else []
    anew += [directory.WATCHED] if change.watched is not None else []
    commits.link_files(draft.base, draft.folder, lambda name: not name.startswith(tuple(anew)))


def _grow_words(draft: Draft, change: Change, run: Run) -> None:
    """Take what gives way out of the word indexes, and put the fresh segment in."""
    words = LexicalWriters(draft.folder / directory.LEXICAL)
    words.delete(map(int, change.giving_way.numbers), change.giving_way.article_keys)
    _close_words(words, draft, change.fresh, run)


def _write_words(draft: Draft, record: SegmentRecord, run: Run) -> None:
    """Word indexes of the one segment there is, from its texts."""
    _close_words(LexicalWriters(draft.folder / directory.LEXICAL), draft, record, run)


def _close_words(words: LexicalWriters, draft: Draft, record: SegmentRecord | None, run: Run) -> None:
    if record is not None:
        with closing(draft.open(record)) as segment:
            write_words(words, segment, run)
    with run.report.timed("words"):
        words.close()


def _drop_merged(draft: Draft, merge: Merge) -> None:
    """Remove a fresh segment that was merged at once."""
    for name in merge.names:
        shutil.rmtree(draft.folder / directory.SEGMENTS / name, ignore_errors=True)


def _write_left(draft: Draft, change: Change, left: PassageNos) -> None:
    """The tombstones, and which file gave which articles."""
    if len(left):
        np.save(draft.folder / directory.DELETED, left, allow_pickle=False)
        failpoint("deleted.written")
    if change.watched is not None:
        (draft.folder / directory.WATCHED).write_bytes(change.watched)
        failpoint("watched.written")


def _manifest(
    draft: Draft, change: Change, merge: Merge, merged: SegmentRecord | None, deleted: int
) -> Manifest:
    base = draft.base.manifest
    taken = [record for record in draft.segments if record.name in merge.names]
    segments = tuple(record for record in draft.segments if record.name not in merge.names)
    deleted_articles = base.deleted_articles + len(change.giving_way)
    if merged is not None:
        segments += (merged,)
        deleted_articles -= sum(record.articles for record in taken) - merged.articles
    return replace(
        base,
        created_at=now(),
        analyzer=ANALYZER if merge.everything else base.analyzer,
        segments=segments,
        next_passage_no=base.next_passage_no + (change.fresh.passages if change.fresh else 0),
        next_segment=_next_segment(draft) + (merged is not None),
        deleted=deleted,
        deleted_articles=deleted_articles,
    )
