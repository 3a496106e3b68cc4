"""Passages and articles as Milvus holds them, and back.

A passage's exact vectors travel as the bytes that the embedded index stores, so that scores made of
them are the same; `vector` beside them is only what proposes. What filters ask is in `facts` and
`spread` (expressions.py). A pure function of what it is given: whoever writes a passage again, writes
the same. (Article, Passage, stored vectors) <-> entity
"""

import base64
import hashlib
import json
import zlib
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.columns import day_range
from passage_index.dense import Bf16, from_bf16
from passage_index.errors import CorruptIndex, InputError
from passage_index.journal import Stored
from passage_index.lexical import compounds, searchable
from passage_index.milvus.expressions import facts_of, spread_of
from passage_index.milvus.schema import LONGEST_TEXT, MOST_FACTS
from passage_index.near_duplicates import Signature
from passage_index.passages import article_row, row_article
from passage_index.types import Article, Passage, Scores, StoredPassage, Vectors

PART = 60_000  # characters of one part of a record
ARTICLE, PUBLICATION, WORDS_FILE = "a", "publication", "words"
MOST_STORED = LONGEST_TEXT * 3 // 4 - 3  # bytes of vectors that one passage can have

# Everything that evidence is made of; texts come with the article.
EVIDENCE = [
    "article_id",
    "source",
    "language",
    "start",
    "end",
    "first_day",
    "last_day",
    "signature",
    "stored",
]

Entity = dict[str, Any]
Terms = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one passage is ranked by, as it came from the cluster."""

    id: str
    article_id: str
    article_key: str
    article: int  # equal for passages of one article
    source: str
    language: str
    start: int
    end: int
    first_day: int
    last_day: int
    signature: Signature  # (64,)
    vector: Bf16  # (dim,)
    sentences: npt.NDArray[np.int8]  # (s, dim)
    scales: npt.NDArray[np.float32]  # (s,)

    def sentence_scores(self, question: npt.NDArray[np.float64]) -> Scores:
        """Cosine to each sentence, (dim,) -> (s,), as `DenseReader` rounds it."""
        return np.round(self.sentences.astype(np.float64) @ question * self.scales, 6)


def passage_entity(
    article: Article, passage: Passage, stored: Stored, signature: Signature, words: Entity
) -> Entity:
    """One row of the passages. stored: (dim,), (s, dim), (s,); signature: (64,).

    words: of `words_of`; {} where the server counts none. Raises InputError on what does not fit.
    """
    first_day, last_day = day_range(article.published)
    text = article.text[passage.start : passage.end]
    return {
        "id": passage.id,
        "article_id": article.id,
        "title": _fitting(article.title, f"the title of article {article.id!r}"),
        "source": _fitting(article.source or "", f"the source of article {article.id!r}"),
        "language": article.language or "",
        "start": passage.start,
        "end": passage.end,
        "first_day": first_day,
        "last_day": last_day,
        "text": _fitting(text, f"a passage of article {article.id!r}"),
        "signature": base64.b64encode(np.asarray(signature, dtype="<u2").tobytes()).decode(),
        "stored": _packed(stored),
        "facts": _few(facts_of(article), article),
        "spread": spread_of(article),
        "vector": from_bf16(stored[0]),
        **words,
    }


def article_entity(article: Article, terms: Terms) -> Entity:
    """One row of the articles. A very long one is counted by its first 65,535 bytes of terms."""
    return {"id": article_key(article.id), **words_of(article.title, article.text, terms)}


def words_of(title: str, text: str, terms: Terms) -> Entity:
    """The words of a passage or an article, the same as the embedded index files (lexical_writer.py).

    terms: cuts a text into index terms, as `LexicalReader.terms` does.
    """
    body = terms(f"{title}\n{text}" if title else text)
    joined = (one.lower() for one in compounds(f"{searchable(title)} {searchable(text)}"))
    return {"terms": _cut(map(token, body)), "joined": _cut(map(token, joined))}


def article_records(article: Article, passages: Sequence[Passage]) -> Iterator[Entity]:
    """The rows of the records that hold an article's text and where its passages lie."""
    spans = [[p.start, p.end, p.sentences] for p in passages]
    raw = json.dumps([article_row(article), spans], ensure_ascii=False).encode()
    yield from record(f"{ARTICLE}:{article_key(article.id)}", raw)


def record(key: str, raw: bytes) -> Iterator[Entity]:
    """Bytes as rows of the records: packed, as text, cut into parts."""
    text = base64.b64encode(zlib.compress(raw)).decode()
    parts = [text[start : start + PART] for start in range(0, len(text), PART)]
    digest = hashlib.sha256(raw).hexdigest()
    for number, body in enumerate(parts):
        yield {
            "id": part_id(key, number),
            "body": body,
            "parts": len(parts),
            "sha256": digest,
            "vector": [1.0, 0.0],
        }


def part_id(key: str, number: int) -> str:
    """The id of one part of a record."""
    return f"{key}:{number:06}"


def record_bytes(key: str, parts: Sequence[Entity]) -> bytes:
    """The inverse of `record`, of all parts in order. Raises CorruptIndex where they are not whole."""
    try:
        raw = zlib.decompress(base64.b64decode("".join(part["body"] for part in parts)))
    except (ValueError, zlib.error) as error:
        raise CorruptIndex(f"the record {key} in Milvus cannot be read; publish the index anew") from error
    if hashlib.sha256(raw).hexdigest() != parts[0]["sha256"]:
        raise CorruptIndex(f"the record {key} in Milvus is not what was written; publish the index anew")
    return raw


def read_article(raw: bytes) -> tuple[Article, list[StoredPassage]]:
    """An article and its passages in the order of its text, of a record's bytes."""
    row, spans = json.loads(raw)
    article = row_article(row)
    return article, [
        StoredPassage(
            Passage(article.id, start, end, tuple((s, e) for s, e in sentences)),
            article.text[start:end],
            article,
        )
        for start, end, sentences in spans
    ]


def read_evidence(entity: Entity, dim: int) -> Evidence:
    """The evidence of a row of the passages with the fields EVIDENCE."""
    raw, article_id = a2b_base64(entity["stored"]), entity["article_id"]
    count = (len(raw) - 2 * dim) // (dim + 4)
    scales_at = 2 * dim
    sentences_at = scales_at + 4 * count
    return Evidence(
        id=entity["id"],
        article_id=article_id,
        article_key=article_key(article_id),
        article=article_number(article_id),
        source=entity["source"],
        language=entity["language"],
        start=int(entity["start"]),
        end=int(entity["end"]),
        first_day=int(entity["first_day"]),
        last_day=int(entity["last_day"]),
        signature=np.frombuffer(a2b_base64(entity["signature"]), dtype="<u2"),
        vector=np.frombuffer(raw, dtype="<u2", count=dim),
        scales=np.frombuffer(raw, dtype="<f4", count=count, offset=scales_at),
        sentences=np.frombuffer(raw, dtype=np.int8, offset=sentences_at).reshape(count, dim),
    )


def exact_scores(question: Vectors, passages: Sequence[Evidence]) -> Scores:
    """Cosine of a (dim,) question to each passage, as `DenseReader.scores` rounds it: (n,)."""
    if not passages:
        return np.empty(0)
    vectors = from_bf16(np.stack([one.vector for one in passages])).astype(np.float64)
    return np.round(np.einsum("nd,d->n", vectors, question.astype(np.float64)), 6)


def best_sentences(question: Vectors, passages: Sequence[Evidence]) -> Scores:
    """The highest cosine of a (dim,) question to a sentence of each passage, (n,)."""
    if not passages:
        return np.empty(0)
    counts = [len(one.scales) for one in passages]
    sentences = np.concatenate([one.sentences for one in passages]).astype(np.float64)
    scales = np.concatenate([one.scales for one in passages])
    scores = np.round(sentences @ question.astype(np.float64) * scales, 6)
    best: Scores = np.maximum.reduceat(scores, np.cumsum([0, *counts[:-1]]))
    return best


def article_key(article_id: str) -> str:
    """22 characters that stand for an article's id, safe in any expression."""
    digest = hashlib.blake2b(article_id.encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def article_number(article_id: str) -> int:
    """A number that is equal for passages of one article."""
    return int.from_bytes(hashlib.blake2b(article_id.encode(), digest_size=8).digest(), "little")


def shard_of(key: str, shards: int) -> int:
    """Which shard Milvus puts a row of that id into: of its first hundred bytes, by their CRC-32."""
    return zlib.crc32(key.encode()[:100]) % shards


def token(term: str) -> str:
    """A term as a word that every tokenizer leaves whole: `4.2` and what has combining marks as digits."""
    return term if term.isalnum() and not term.startswith("zx") else "zx" + term.encode().hex()


def _cut(words: Iterator[str]) -> str:
    """Words with a blank before and after each, as many as a field takes."""
    text = f" {' '.join(words)} "
    raw = text.encode()
    if len(raw) <= LONGEST_TEXT:
        return text.rstrip(" ") and text
    return raw[: LONGEST_TEXT - 1].decode(errors="ignore").rpartition(" ")[0] + " "


def _packed(stored: Stored) -> str:
    codes, sentences, scales = stored
    most = (MOST_STORED - 2 * len(codes)) // (len(codes) + 4)
    parts = (codes.astype("<u2"), scales[:most].astype("<f4"), sentences[:most])
    return base64.b64encode(b"".join(np.ascontiguousarray(one).tobytes() for one in parts)).decode()


def _fitting(text: str, what: str) -> str:
    if len(text.encode()) > LONGEST_TEXT:
        raise InputError(f"{what} has {len(text.encode())} bytes; Milvus takes {LONGEST_TEXT} in one field")
    return text


def _few(facts: list[int], article: Article) -> list[int]:
    if len(facts) > MOST_FACTS:
        raise InputError(
            f"article {article.id!r} says {len(facts)} things that a filter could ask for; "
            f"Milvus takes {MOST_FACTS}; shorten the lists in its metadata"
        )
    return facts
