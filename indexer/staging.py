"""Articles on their way into a segment: read and split, not yet numbered.

A record is rejected before it gets here, so rows are numbered once and never shift. Lies on disk, so
that memory does not grow with the corpus. Articles in any order -> articles in row order
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from passage_index.columns import day_range
from passage_index.passages import article_row, pack_spans, row_article, unpack_spans
from passage_index.types import Article, Passage

_COLUMNS = "id, title, text, published, source, url, language, metadata"


class Staging:
    """A scratch file of split articles."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;"
            f"CREATE TABLE articles ({_COLUMNS}, first_day INTEGER);"
            'CREATE TABLE passages (article INTEGER, "start" INTEGER, "end" INTEGER, sentences BLOB);'
            "CREATE INDEX passages_by_article ON passages (article);"
        )

    def add(self, article: Article, passages: Sequence[Passage]) -> None:
        """One article and its passages."""
        row = (*article_row(article), day_range(article.published)[0])
        number = self._db.execute(f"INSERT INTO articles VALUES ({','.join('?' * len(row))})", row).lastrowid
        self._db.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?)",
            ((number, p.start, p.end, pack_spans(p.sentences)) for p in passages),
        )

    def __len__(self) -> int:
        """Articles in it."""
        (count,) = self._db.execute("SELECT count(*) FROM articles").fetchone()
        return int(count)

    def repeated_texts(self) -> int:
        """Articles whose text another one has too."""
        (count,) = self._db.execute("SELECT count(*) - count(DISTINCT text) FROM articles").fetchone()
        return int(count)

    def in_row_order(self) -> Iterator[tuple[Article, list[Passage]]]:
        """Everything, sorted by (first day, article id); the undated come last."""
        articles = self._db.execute(f"SELECT rowid, {_COLUMNS} FROM articles ORDER BY first_day, id")
        for number, *row in articles:
            article = row_article(row)
            spans = self._db.execute(
                'SELECT "start", "end", sentences FROM passages WHERE article = ? ORDER BY rowid', (number,)
            )
            yield article, [Passage(article.id, s, e, unpack_spans(blob)) for s, e, blob in spans]

    def close(self) -> None:
        """Remove the file."""
        self._db.close()
        self._file.unlink()
