"""A segment: some articles' passages in row order, with their texts, vectors and columns. Immutable.

Rows are sorted by (first day, article id, start), undated last. Knows nothing of other segments,
deletions or BM25. (Article, passages, vectors) in row order -> segments/000001/ -> Segment
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from passage_index.columns import ColumnReader, ColumnWriter
from passage_index.dense import DenseReader, VectorWriter
from passage_index.journal import Stored
from passage_index.near_duplicates import signature
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
    """Fills a new segment folder. Articles must come in row order."""

    def __init__(self, folder: Path, first_passage_no: int) -> None:
        folder.mkdir(parents=True)
        self._name = folder.name
        self._texts = PassageWriter(folder / PASSAGES)
        self._vectors = VectorWriter(folder)
        self._columns = ColumnWriter(folder / COLUMNS)
        self._articles = 0
        self._rows = 0
        self._sentences = 0
        self._first_passage_no = first_passage_no

    @property
    def next_passage_no(self) -> int:
        """The first passage number that is still free."""
        return self._first_passage_no + self._rows

    def add(self, article: Article, passages: list[Passage], vectors: list[Stored]) -> None:
        """One article with at least one passage; `vectors` one a passage."""
        numbers = np.arange(self.next_passage_no, self.next_passage_no + len(passages), dtype=np.uint64)
        signatures = [signature(article.text[p.start : p.end]) for p in passages]
        self._texts.add(article, passages)
        self._columns.add(article, numbers, [id_bytes(p.id) for p in passages], signatures)
        for stored in vectors:
            self._vectors.add(*stored)
        self._articles += 1
        self._rows += len(passages)
        self._sentences += sum(len(p.sentences) for p in passages)

    def close(self) -> SegmentRecord:
        """Seal the segment."""
        self._texts.close()
        self._columns.close(self._vectors.close())
        return SegmentRecord(self._name, self._articles, self._rows, self._sentences)


class Segment:
    """A sealed segment, open for reading."""

    def __init__(self, folder: Path, record: SegmentRecord, dim: int) -> None:
        self.record = record
        self.texts = PassageReader(folder / PASSAGES)
        self.columns = ColumnReader(folder / COLUMNS)
        self.dense = DenseReader(folder, record.passages, dim, self.columns.sentence_start)

    def close(self) -> None:
        """Close the text store; maps go with the last reference."""
        self.texts.close()
