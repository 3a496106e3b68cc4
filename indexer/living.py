"""The articles a generation holds, looked up by id: their hashes, their passages' numbers, their texts.

Reads texts and passage numbers, neither vectors nor words, so that a look is quick however large the
index is. Generation -> LivingArticles
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from passage_index import directory
from passage_index.columns import ColumnReader
from passage_index.directory import Generation
from passage_index.passages import PassageReader
from passage_index.rows import read_deleted
from passage_index.segment import COLUMNS, PASSAGES
from passage_index.types import Article, Passage, PassageNos, StoredPassage


@dataclass(frozen=True, slots=True)
class LivingArticle:
    """What is known of an article before it is read: its hash and its passages' numbers, rising by one."""

    hash: bytes
    numbers: PassageNos


class LivingArticles:
    """Every article of one generation that is not deleted."""

    def __init__(self, generation: Generation) -> None:
        folder = generation.folder / directory.SEGMENTS
        self._parts = [
            (PassageReader(folder / record.name / PASSAGES), ColumnReader(folder / record.name / COLUMNS))
            for record in generation.manifest.segments
        ]
        self.deleted = read_deleted(generation.folder / directory.DELETED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for texts, _ in self._parts:
            texts.close()

    def find(self, article_id: str) -> LivingArticle | None:
        """An article by its id, or None."""
        for texts, columns in self._parts:
            rows = texts.row_range(article_id)
            if rows is not None and not self._is_deleted(columns, rows.start):
                numbers = np.array(columns.passage_no[rows.start : rows.stop])
                return LivingArticle(texts.stored_hash(article_id) or b"", numbers)
        return None

    def articles(self) -> Iterator[tuple[Article, list[Passage]]]:
        """Every article with its passages, segment by segment; streams."""
        for texts, columns in self._parts:
            row = 0
            for article, passages in texts.articles():
                if not self._is_deleted(columns, row):
                    yield article, passages
                row += len(passages)

    def every_version(self, article_ids: Iterable[str]) -> Iterator[StoredPassage]:
        """All passages of these articles that lie in any segment, deleted ones too."""
        for article_id in article_ids:
            for texts, _ in self._parts:
                yield from texts.fetch(texts.row_range(article_id) or ())

    def _is_deleted(self, columns: ColumnReader, row: int) -> bool:
        number = columns.passage_no[row]
        at = int(np.searchsorted(self.deleted, number))
        return at < len(self.deleted) and bool(self.deleted[at] == number)
