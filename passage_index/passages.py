"""The passage store of one segment: articles, passages and their sentence spans in SQLite.

The writer fills a new file in row order; the reader opens a sealed file as immutable and is shared
by threads, one connection each. Knows nothing of vectors, ranking or other segments.
(Article, passages) in row order -> passages.sqlite -> StoredPassage
"""

import base64
import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.failpoints import failpoint
from passage_index.sealed import SealedDatabase
from passage_index.types import Article, PartialDate, Passage, Span, StoredPassage

_SCHEMA = """
CREATE TABLE articles (
    article_no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, text TEXT NOT NULL,
    published TEXT, source TEXT, url TEXT, language TEXT, metadata TEXT NOT NULL,
    hash BLOB NOT NULL, first_row INTEGER NOT NULL, row_count INTEGER NOT NULL
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, id BLOB NOT NULL, article_no INTEGER NOT NULL,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, sentences BLOB NOT NULL
);
"""
_INDEXES = "CREATE UNIQUE INDEX passages_by_id ON passages (id);"
_ARTICLE_COLUMNS = "id, title, text, published, source, url, language, metadata"


class PassageWriter:
    """Fills a new passages.sqlite. Articles come in row order; `close` seals the file."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        # The file is worthless until the generation is committed, which fsyncs it once.
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;" + _SCHEMA)
        self._article_no = 0
        self._row = 0

    def add(self, article: Article, passages: Sequence[Passage]) -> None:
        """Append one article and its passages; rows are numbered from 0 in the order of the calls."""
        self._db.execute(
            f"INSERT INTO articles VALUES (?, {','.join('?' * 11)})",
            (self._article_no, *article_row(article), article_hash(article), self._row, len(passages)),
        )
        self._db.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
            (
                (self._row + i, id_bytes(p.id), self._article_no, p.start, p.end, pack_spans(p.sentences))
                for i, p in enumerate(passages)
            ),
        )
        self._article_no += 1
        self._row += len(passages)

    def close(self) -> None:
        """Index, commit and close."""
        self._db.execute(_INDEXES)
        failpoint("passages.before_commit")
        self._db.execute("COMMIT")
        self._db.close()
        failpoint("passages.after_commit")

    def abandon(self) -> None:
        """Let go of the file; what was added is lost, unless it was sealed before."""
        self._db.close()


class PassageReader:
    """Reads a sealed passages.sqlite. Safe to share: a connection serves one query at a time.

    Every call raises CorruptIndex where the file cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self._db = SealedDatabase(file)

    def close(self) -> None:
        """Close what is idle now, and what is in use when its query ends."""
        self._db.close()

    def require_readable(self) -> None:
        """Raises CorruptIndex at once where the file is no passage store."""
        self._db.query("SELECT row FROM passages LIMIT 0")
        self._db.query("SELECT id FROM articles LIMIT 0")

    def article(self, article_id: str) -> Article | None:
        """One article by id, or None."""
        row = self._db.first(f"SELECT {_ARTICLE_COLUMNS} FROM articles WHERE id = ?", (article_id,))
        return row_article(row) if row else None

    def row_range(self, article_id: str) -> range | None:
        """The rows of an article's passages, or None."""
        sql = "SELECT first_row, row_count FROM articles WHERE id = ?"
        found = self._db.first(sql, (article_id,))
        return range(found[0], found[0] + found[1]) if found else None

    def stored_hash(self, article_id: str) -> bytes | None:
        """The `article_hash` of an article, or None."""
        found = self._db.first("SELECT hash FROM articles WHERE id = ?", (article_id,))
        return found[0] if found else None

    def row_of(self, passage_id: str) -> int | None:
        """The row of a passage by its public id, or None."""
        try:
            key = id_bytes(passage_id)
        except ValueError:
            return None
        found = self._db.first("SELECT row FROM passages WHERE id = ?", (key,))
        return int(found[0]) if found else None

    def fetch(self, rows: Iterable[int]) -> list[StoredPassage]:
        """Passages by row, in the order asked for; every row must exist."""
        wanted = [int(row) for row in rows]
        sql = f"""SELECT row, "start", "end", sentences, article_no FROM passages
                  WHERE row IN ({_places(wanted)})"""
        found = {row: place for row, *place in self._db.query(sql, wanted)}
        numbers = sorted({place[3] for place in found.values()})
        sql = f"""SELECT article_no, {_ARTICLE_COLUMNS} FROM articles
                  WHERE article_no IN ({_places(numbers)})"""
        articles = {number: row_article(row) for number, *row in self._db.query(sql, numbers)}
        return [_stored(found[row], articles) for row in wanted]

    def articles(self) -> Iterator[tuple[Article, list[Passage]]]:
        """Every article with its passages, in row order; streams. O(passages)."""
        columns = f"first_row, first_row + row_count, {_ARTICLE_COLUMNS}"
        spans = 'SELECT "start", "end", sentences FROM passages WHERE row >= ? AND row < ? ORDER BY row'
        with self._db.connection() as db:
            for first, stop, *row in db.execute(f"SELECT {columns} FROM articles ORDER BY article_no"):
                article = row_article(row)
                found = db.execute(spans, (first, stop))
                yield article, [Passage(article.id, s, e, unpack_spans(blob)) for s, e, blob in found]

    def column(self, name: str) -> Iterator[Any]:
        """One column of every article (title, url, metadata as JSON), in row order; streams."""
        with self._db.connection() as db:
            for (value,) in db.execute(f"SELECT {name} FROM articles ORDER BY article_no"):
                yield value

    def places(self) -> Iterator[tuple[str, int, int]]:
        """(article id, first row, rows) of every article, in row order."""
        yield from self._db.query("SELECT id, first_row, row_count FROM articles ORDER BY article_no")

    def count(self) -> tuple[int, int]:
        """Articles and passages in the file."""
        (articles,) = self._db.first("SELECT count(*) FROM articles")
        (passages,) = self._db.first("SELECT count(*) FROM passages")
        return articles, passages


def _places(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _stored(place: Sequence[Any], articles: dict[int, Article]) -> StoredPassage:
    start, end, spans, number = place
    article = articles[number]
    passage = Passage(article.id, start, end, unpack_spans(spans))
    return StoredPassage(passage, article.text[start:end], article)


def article_row(article: Article) -> tuple[Any, ...]:
    """An article as the columns (id, title, text, published, source, url, language, metadata)."""
    published = str(article.published) if article.published else None
    metadata = json.dumps(article.metadata, ensure_ascii=False, sort_keys=True)
    return (
        article.id, article.title, article.text, published,
        article.source, article.url, article.language, metadata,
    )  # fmt: skip


def row_article(row: Sequence[Any]) -> Article:
    """The inverse of `article_row`."""
    return Article(
        id=row[0],
        title=row[1],
        text=row[2],
        published=PartialDate.parse(row[3]) if row[3] else None,
        source=row[4],
        url=row[5],
        language=row[6],
        metadata=json.loads(row[7]),
    )


def article_hash(article: Article) -> bytes:
    """32 bytes over all that is stored of an article: equal if and only if nothing changed."""
    return hashlib.sha256(json.dumps(article_row(article), ensure_ascii=False).encode()).digest()


def id_bytes(passage_id: str) -> bytes:
    """Public id -> its 16 bytes. Raises ValueError on anything that is no public id."""
    raw = base64.urlsafe_b64decode(passage_id + "==")
    if len(raw) != 16 or id_text(raw) != passage_id:
        raise ValueError("not a passage id")
    return raw


def id_text(raw: bytes) -> str:
    """16 bytes -> the public id, 22 characters."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def id_texts(ids: npt.NDArray[Any]) -> list[str]:
    """As `id_text`, of many at once: (n,) of 16 bytes each -> n ids."""
    raw = np.zeros((len(ids), 18), dtype=np.uint8)  # a multiple of three bytes, so that no id shares a letter
    raw[:, :16] = np.ascontiguousarray(ids).view(np.uint8).reshape(-1, 16)
    letters = base64.urlsafe_b64encode(raw.tobytes()).decode()
    return [letters[start : start + 22] for start in range(0, len(letters), 24)]


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Spans as little-endian uint32 pairs."""
    return np.asarray(spans, dtype="<u4").tobytes()


def unpack_spans(blob: bytes) -> tuple[Span, ...]:
    """The inverse of `pack_spans`."""
    numbers = struct.unpack(f"<{len(blob) // 4}I", blob)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
