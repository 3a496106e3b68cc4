"""Filters as expressions of Milvus, and what every passage carries so that they can be answered.

    facts    numbers: a hash of (field, value) for each value an article has, and of (field) alone
    spread   by field, the least and the greatest text and number: a list has a value below x where
             its least is below x

A value therefore never stands in an expression: nothing to escape, and 1, "1" and true stay apart.
Nothing said is `not` of something said, as masks.py has it. Knows no connection. Filter -> expression
"""

import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from passage_index.columns import UNDATED_LAST, day_range
from passage_index.filters import ARTICLE_ID, METADATA, All, Condition, Either, Filter, Kind, Not, Scalar
from passage_index.types import Article, PartialDate

COMPARED_CHARS = 200  # of a text that is put in order; texts that agree so far count as equal

_RANGES = {"$gte": (">=", 1), "$gt": (">", 1), "$lte": ("<=", 0), "$lt": ("<", 0)}
_DATES = {
    "$in": "(first_day <= {end} and last_day >= {begin})",
    "$gte": "last_day >= {begin}",
    "$lte": "first_day <= {end}",
    "$gt": "last_day > {end}",
    "$lt": "first_day < {begin}",
}


def expression(filter_: Filter | None) -> str:
    """What Milvus is to be asked so that the same passages pass; '' of None, which lets all pass."""
    match filter_:
        case None:
            return ""
        case Not(part):
            return f"not ({expression(part)})"
        case All(parts):
            return " and ".join(f"({expression(part)})" for part in parts)
        case Either(parts):
            return " or ".join(f"({expression(part)})" for part in parts)
        case Condition(field="published_at"):
            return _dated(filter_)
    return _said(filter_)


def both(*expressions: str) -> str:
    """All of several expressions; empty ones let everything pass."""
    return " and ".join(f"({one})" for one in expressions if one)


def among(ids: Sequence[str]) -> str:
    """Rows of these ids, which are safe characters only."""
    return f"id in [{', '.join(map(_quoted, ids))}]"


def _quoted(safe: str) -> str:
    return f'"{safe}"'


def facts_of(article: Article) -> list[int]:
    """What an article says, as numbers, each once, rising."""
    facts: set[int] = set()
    for field, value in _properties(article):
        facts.add(_fact(field))
        for kind, one in _scalars(value):
            facts |= {_fact(field, kind), _fact(field, kind, one)}
    return sorted(facts)


def spread_of(article: Article) -> dict[str, dict[str, str | int | float]]:
    """By field the least and greatest of its texts (t) and numbers (n)."""
    spread: dict[str, dict[str, str | int | float]] = {}
    for field, value in _properties(article):
        if field == ARTICLE_ID:  # never put in order
            continue
        for kind in ("text", "number"):
            ones: list[Any] = [_comparable(one) for its, one in _scalars(value) if its == kind]
            if ones:
                spread.setdefault(_key(field), {}).update(
                    {f"{kind[0]}0": min(ones), f"{kind[0]}1": max(ones)}
                )
    return spread


def fields_of(article: Article) -> set[str]:
    """The metadata fields of which an article says something."""
    return {field for field, _ in _properties(article) if field.startswith(METADATA)}


def _properties(article: Article) -> Iterator[tuple[str, Any]]:
    """Field and value of whatever is said; what facts.py and the columns take for nothing is left out."""
    plain = {
        ARTICLE_ID: article.id,
        "source": article.source,
        "language": article.language,
        "title": article.title or None,
        "url": article.url or None,
    }
    metadata = {f"{METADATA}{key}": value for key, value in article.metadata.items()}
    yield from ((field, value) for field, value in (plain | metadata).items() if value is not None)


def _scalars(value: Any) -> Iterator[tuple[Kind, Scalar]]:
    """The kind of each scalar; of a list each counts, of an object nothing."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield "text", one
        elif isinstance(one, bool):
            yield "flag", one
        elif isinstance(one, int) or (isinstance(one, float) and not math.isnan(one)):
            yield "number", one


def _dated(condition: Condition) -> str:
    dated = f"last_day != {int(UNDATED_LAST)}"
    if condition.operator == "$exists":
        return dated
    parts = []
    for value in condition.values:
        assert isinstance(value, PartialDate)
        begin, end = day_range(value)
        parts.append(_DATES[condition.operator].format(begin=begin, end=end))
    return f"{dated} and ({' or '.join(parts)})"


def _said(condition: Condition) -> str:
    field, kind = condition.field, condition.kind
    if condition.operator == "$exists":
        return f"array_contains(facts, {_fact(field)})"
    if condition.operator == "$in":
        wanted = sorted(_fact(field, kind, value) for value in condition.values)
        return f"array_contains_any(facts, [{', '.join(map(str, wanted))}])"
    sign, end = _RANGES[condition.operator]
    (bound,) = condition.values
    place = f'spread["{_key(field)}"]["{kind[0]}{end}"]'
    # Guarded, because what Milvus makes of `not` over a missing place has changed between versions.
    return f"array_contains(facts, {_fact(field, kind)}) and {place} {sign} {_literal(_comparable(bound))}"


def _fact(field: str, kind: Kind | None = None, value: Scalar | None = None) -> int:
    """63 bits that stand for what is said; 1 and 1.0 are one value."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    said = "\0".join([field, kind or "", "" if value is None else str(value)])
    digest = hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # not every parser takes a number below zero everywhere


def _key(field: str) -> str:
    """A name in `spread` that stands for a field."""
    return f"f{_fact(field):016x}"


def _comparable(value: Scalar) -> str | int | float:
    """What is put in order in place of a value: UTF-8 as digits, which order as the text; a number."""
    if isinstance(value, str):
        return value[:COMPARED_CHARS].encode(errors="surrogatepass").hex()
    assert isinstance(value, int | float)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return max(min(float(value), sys.float_info.max), -sys.float_info.max)


def _literal(value: str | int | float) -> str:
    """As an expression writes it: numbers without exponents, which not every parser reads."""
    if isinstance(value, str):
        return _quoted(value)
    written = format(Decimal(repr(value)), "f")
    return written if isinstance(value, int) or "." in written else f"{written}.0"
