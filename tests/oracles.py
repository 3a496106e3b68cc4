"""What the code is held against: plain formulas over plain lists, written from their sources."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import log

from passage_index.columns import Where
from passage_index.types import Article

K1, B = 1.2, 0.75


def norm(length: int) -> int:
    """A length as the index keeps it, Lucene's SmallFloat.intToByte4: exact to 40, then rounded down."""

    def value(code: int) -> int:
        if code < 24:
            return code
        mantissa, shift = (code - 24) & 7, ((code - 24) >> 3) - 1
        return 24 + (mantissa if shift < 0 else (mantissa | 8) << shift)

    return max(v for v in map(value, range(200)) if v <= length)


def bm25(texts: Sequence[Sequence[str]], words: Sequence[str]) -> list[float]:
    """Okapi BM25 with Lucene's idf (Robertson and Zaragoza 2009): a score for each list of terms."""
    average = sum(map(len, texts)) / len(texts)
    scores = [0.0] * len(texts)
    for word in dict.fromkeys(words):
        holding = sum(word in text for text in texts)
        idf = log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for i, text in enumerate(texts):
            tf = Counter(text)[word]
            if tf:
                scores[i] += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * norm(len(text)) / average))
    return scores


def holds(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the terms of a phrase stand in a text side by side, in that order."""
    width = len(phrase)
    return any(list(text[i : i + width]) == list(phrase) for i in range(len(text) - width + 1))


def passes(article: Article, where: Where) -> bool:
    """The article's days and the range asked for share a day, and its source is one of those asked for."""
    if where.sources and article.source not in where.sources:
        return False
    if where.first_day is None and where.last_day is None:
        return True
    first, last = where.first_day or date.min, where.last_day or date.max
    return (
        article.published is not None and article.published.first <= last and article.published.last >= first
    )
