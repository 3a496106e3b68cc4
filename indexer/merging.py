"""When segments are merged, and how: the policy in one place, and the merge itself.

The policy, asked after every add and delete:

- More than MAX_SEGMENTS segments: the smallest become one, each next larger one with them as long as
  it has at most twice as many passages as those before it together. A passage is copied about
  log(n) times in the life of an index of n passages. Passage numbers stay, so the word indexes are
  not touched.
- More than MAX_DELETED of all passages deleted, by the segments or by what BM25 counts: everything
  becomes one segment and the word indexes are made anew. Until then BM25 counts deleted passages too:
  an idf is off by at most ln(1 / (1 - MAX_DELETED)) = .11 of values about 3 to 10, and the average
  length by as much as the deleted tenth differs from the rest.

Vectors and near-duplicate signatures are copied byte for byte; texts are read, nothing is encoded.
Living rows of sealed segments, in row order -> a sealed segment
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.report import Progress
from passage_index.columns import day_range
from passage_index.failpoints import failpoint
from passage_index.segment import Segment, SegmentRecord, SegmentWriter
from passage_index.types import Article, Passage, PassageNos

MAX_SEGMENTS = 8
MAX_DELETED = 0.10  # share of all passages


@dataclass(frozen=True, slots=True)
class Merge:
    """Which segments become one, and whether the word indexes are made anew."""

    names: frozenset[str] = frozenset()
    everything: bool = False


def due(segments: Sequence[SegmentRecord], deleted: int, counted: int, counted_deleted: int) -> Merge:
    """What the policy asks for.

    deleted: passages of the segments that are deleted; counted, counted_deleted: what BM25 counts in
    all, and how much of it is deleted.
    """
    passages = sum(segment.passages for segment in segments)
    if deleted > MAX_DELETED * passages or counted_deleted > MAX_DELETED * counted:
        return everything(segments)
    if len(segments) <= MAX_SEGMENTS:
        return Merge()
    smallest = sorted(segments, key=lambda segment: segment.passages)
    taken, size = smallest[:2], sum(segment.passages for segment in smallest[:2])
    for segment in smallest[2:]:
        if segment.passages > 2 * size:
            break
        taken.append(segment)
        size += segment.passages
    return Merge(frozenset(segment.name for segment in taken))


def everything(segments: Sequence[SegmentRecord]) -> Merge:
    """All segments become one."""
    return Merge(frozenset(segment.name for segment in segments), everything=True)


def merge_segments(
    segments: Sequence[Segment], deleted: PassageNos, folder: Path, progress: Progress
) -> SegmentRecord:
    """Write what lives of several segments as one, rows in order, every passage keeping its number.

    deleted: (n,) rising.
    """
    total = sum(segment.record.passages for segment in segments)
    done = 0
    streams = [_living(segment, deleted) for segment in segments]
    with SegmentWriter(folder) as writer:
        for _, _, article, passages, segment, row in heapq.merge(*streams, key=lambda one: one[:2]):
            rows = range(row, row + len(passages))
            writer.add(
                article,
                passages,
                [segment.vectors.stored(one) for one in rows],
                int(segment.columns.passage_no[row]),
                segment.columns.signature[row : rows.stop],
            )
            done += len(passages)
            progress("merge", done, total)
        record = writer.close()
    failpoint("merge.segment_sealed")
    return record


Living = tuple[int, str, Article, list[Passage], Segment, int]


def _living(segment: Segment, deleted: PassageNos) -> Iterator[Living]:
    """(first day, id, article, passages, segment, first row) of every article that is not deleted."""
    dead = np.isin(segment.columns.passage_no, deleted)
    row = 0
    for article, passages in segment.texts.articles():
        if not dead[row]:
            yield day_range(article.published)[0], article.id, article, passages, segment, row
        row += len(passages)
