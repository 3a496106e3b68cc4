"""What the code is held against: plain formulas over plain lists, written from their sources."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import log
from operator import eq, ge, gt, le, lt
from typing import Any

from passage_index.columns import Where
from passage_index.types import Article, PartialDate

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


def allows(article: Article, asked: dict[str, Any]) -> bool:
    """What docs/api.md says of `filter`, read off the JSON itself."""
    return all(_entry_holds(article, name, value) for name, value in asked.items())


def _entry_holds(article: Article, name: str, value: Any) -> bool:
    if name == "$and":
        return all(allows(article, one) for one in value)
    if name == "$or":
        return any(allows(article, one) for one in value)
    if name == "$not":
        return not allows(article, value)
    operators = value if isinstance(value, dict) else {"$eq": value}
    return all(_operator_holds(article, name, operator, one) for operator, one in operators.items())


def _operator_holds(article: Article, field: str, operator: str, value: Any) -> bool:
    said = _said(article, field)
    match operator:
        case "$exists":
            return (said is not None) == value
        case "$not":
            return not _entry_holds(article, field, value)
        case "$ne":
            return not _operator_holds(article, field, "$eq", value)
        case "$nin":
            return not _operator_holds(article, field, "$in", value)
        case "$in":
            return any(_operator_holds(article, field, "$eq", one) for one in value)
    return any(_compares(one, operator, value) for one in (said if isinstance(said, list) else [said]))


def _said(article: Article, field: str) -> Any:
    if field.startswith("metadata."):
        return article.metadata.get(field[9:])
    if field == "published_at":
        return article.published
    return getattr(article, "id" if field == "article_id" else field) or None


def _compares(said: Any, operator: str, value: Any) -> bool:
    if isinstance(said, PartialDate):
        asked = PartialDate.parse(value)
        days = {"$gte": said.last >= asked.first, "$gt": said.last > asked.last,
                "$lte": said.first <= asked.last, "$lt": said.first < asked.first,
                "$eq": said.first <= asked.last and said.last >= asked.first}  # fmt: skip
        return days[operator]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (said, value))
    if not numbers and (type(said) is not type(value) or not isinstance(said, str | bool)):
        return False
    compare = {"$eq": eq, "$gte": ge, "$gt": gt, "$lte": le, "$lt": lt}
    return bool(compare[operator](said, value))
