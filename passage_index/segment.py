"""A segment: some articles' passages in row order, with their texts, vectors, columns and words. Immutable.

Rows are sorted by (first day, article id, start), undated last. Knows nothing of other segments,
deletions or BM25. (Article, passages, vectors) in row order -> segments/000001/ -> Segment
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from passage_index import dense
from passage_index.columns import ColumnReader, ColumnWriter
from passage_index.dense import DenseReader, StoredVectors, VectorWriter
from passage_index.failpoints import failpoint
from passage_index.journal import Stored
from passage_index.ladder import Step
from passage_index.masks import RowMasks
from passage_index.near_duplicates import Signature, signature
from passage_index.passages import PassageReader, PassageWriter, id_bytes
from passage_index.types import Article, Passage
from passage_index.vocabulary import VocabularyReader, VocabularyWriter

PASSAGES = "passages.sqlite"
COLUMNS = "columns"
VOCABULARY = "vocabulary.sqlite"  # absent where an older version wrote the segment


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the manifest says of a segment."""

    name: str
    articles: int
    passages: int
    sentences: int
    dense: Step = field(default_factory=Step)  # of the ladder of search

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SegmentRecord":
        """From the manifest's JSON."""
        return cls(**{**data, "dense": Step.from_json(data["dense"])})


class SegmentWriter:
    """Fills a new segment folder. Articles must come in row order; left unsealed, the files are let go."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder, self._name = folder, folder.name
        self._texts = PassageWriter(folder / PASSAGES)
        self._vectors = VectorWriter(folder)
        self._columns = ColumnWriter(folder / COLUMNS)
        self._vocabulary = VocabularyWriter(folder / VOCABULARY)
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
        self._vocabulary.add(article.title, article.text)
        self._columns.add(article, numbers, [id_bytes(p.id) for p in passages], list(signatures))
        for stored in vectors:
            self._vectors.add(*stored)
        self._articles += 1
        self._rows += len(passages)
        self._sentences += sum(len(p.sentences) for p in passages)

    def close(self) -> SegmentRecord:
        """Seal the segment."""
        self._texts.close()
        sentence_starts = self._vectors.close()
        self._columns.close(sentence_starts)
        self._vocabulary.close()
        step = dense.seal(self._folder, sentence_starts)
        failpoint("segment.sealed")
        return SegmentRecord(self._name, self._articles, self._rows, self._sentences, step)


class Segment:
    """A sealed segment, open for reading. Its search index is made when first asked for."""

    def __init__(self, folder: Path, record: SegmentRecord, dim: int) -> None:
        self.record = record
        self.texts = PassageReader(folder / PASSAGES)
        self.texts.require_readable()
        self.columns = ColumnReader(folder / COLUMNS)
        self.vocabulary = VocabularyReader(folder / VOCABULARY)
        self.vectors = StoredVectors(folder, record.passages, dim, self.columns.sentence_start)
        self.masks = RowMasks(self.columns, self.texts)

    @cached_property
    def dense(self) -> DenseReader:
        """Search and scores over the vectors. The first call reads them all, or the codes of their step."""
        return DenseReader(self.vectors, self.record.dense)

    def share_search(self, twin: "Segment") -> None:
        """Search by what the same segment made in another generation, instead of making it anew."""
        self.dense = DenseReader(self.vectors, self.record.dense, twin.dense)
        self.masks = RowMasks(self.columns, self.texts, twin.masks)

    def close(self) -> None:
        """Close what is read by SQLite; maps go with the last reference."""
        self.texts.close()
        self.vocabulary.close()
