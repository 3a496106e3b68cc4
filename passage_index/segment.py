"""A segment: some articles' passages in row order, with their texts, vectors and columns. Immutable.

Rows are sorted by (first day, article id, start), undated last. Knows nothing of other segments,
deletions or BM25. (Article, passages, vectors) in row order -> segments/000001/ -> Segment
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from passage_index.columns import ColumnReader, ColumnWriter
from passage_index.dense import DenseReader, StoredVectors, VectorWriter
from passage_index.failpoints import failpoint
from passage_index.journal import Stored
from passage_index.near_duplicates import Signature, signature
from passage_index.passages import PassageReader, PassageWriter, id_bytes
from passage_index.types import Article, Passage

PASSAGES = "passages.sqlite"
COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the manifest says of a segment."""

    name: str
    articles: int
    passages: int
    sentences: int
    dense: str = "exact"  # the step of the ladder

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SegmentRecord":
        """From the manifest's JSON."""
        return cls(**data)


class SegmentWriter:
    """Fills a new segment folder. Articles must come in row order; left unsealed, the files are let go."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._name = folder.name
        self._texts = PassageWriter(folder / PASSAGES)
        self._vectors = VectorWriter(folder)
        self._columns = ColumnWriter(folder / COLUMNS)
        self._articles = 0
        self._rows = 0
        self._sentences = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._texts.abandon()
        self._vectors.abandon()

    def add(
        self,
        article: Article,
        passages: Sequence[Passage],
        vectors: Sequence[Stored],
        first_number: int,
        signatures: Sequence[Signature] | None = None,
    ) -> None:
        """One article with at least one passage; `vectors` one a passage.

        Its passages get the numbers from `first_number` on. signatures: (64,) each, as stored when the
        passages come from another segment; None computes them.
        """
        numbers = np.arange(first_number, first_number + len(passages), dtype=np.uint64)
        if signatures is None:
            signatures = [signature(article.text[p.start : p.end]) for p in passages]
        self._texts.add(article, passages)
        self._columns.add(article, numbers, [id_bytes(p.id) for p in passages], list(signatures))
        for stored in vectors:
            self._vectors.add(*stored)
        self._articles += 1
        self._rows += len(passages)
        self._sentences += sum(len(p.sentences) for p in passages)

    def close(self) -> SegmentRecord:
        """Seal the segment."""
        self._texts.close()
        self._columns.close(self._vectors.close())
        failpoint("segment.sealed")
        return SegmentRecord(self._name, self._articles, self._rows, self._sentences)


class Segment:
    """A sealed segment, open for reading. Its search index is made when first asked for."""

    def __init__(self, folder: Path, record: SegmentRecord, dim: int) -> None:
        self.record = record
        self.texts = PassageReader(folder / PASSAGES)
        self.columns = ColumnReader(folder / COLUMNS)
        self.vectors = StoredVectors(folder, record.passages, dim, self.columns.sentence_start)

    @cached_property
    def dense(self) -> DenseReader:
        """Search and scores over the vectors. The first call reads them all."""
        return DenseReader(self.vectors)

    def share_search(self, twin: "Segment") -> None:
        """Search by the index of the same segment in another generation, instead of making one."""
        self.dense = DenseReader(self.vectors, twin.dense)

    def close(self) -> None:
        """Close the text store; maps go with the last reference."""
        self.texts.close()
