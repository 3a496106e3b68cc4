"""What stands around a number: currency, unit, noun, age, words like `about`. Part of `quantities.py`.

Every look goes a few words far, and never past `stop`, where the next number begins, or before `start`,
where the last quantity ended. Positions are indexes of tokens.
"""

from collections.abc import Sequence
from typing import Literal

from search_api.reading.lexicon import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    PAST,
    PREPOSITIONS,
    PRONOUNS,
    SPEECH,
)
from search_api.reading.nouns import ADJECTIVES_TOO, is_plural, singular
from search_api.reading.tokens import Token, glued
from search_api.reading.units import (
    CURRENCY_SIGNS,
    DOLLARS,
    LONGEST_UNIT,
    POUNDS_ARE_MONEY_FROM,
    UNITS,
    Unit,
)

Bound = Literal["exactly", "about", "over", "under"]

_BOUND_WORDS: dict[Bound, str] = {
    "about": "about|around|some|roughly|approximately|circa|estimated|close to|близько|около|приблизно",
    "over": "over|above|exceeding|more than|at least|no fewer than|no less than|as few as|понад|більше|более"
    "|свыше|не менше|не менее",
    "under": "nearly|almost|under|below|up to|at most|less than|fewer than|no more than|as many as"
    "|майже|почти",
}
_BOUNDS = {words: bound for bound, listed in _BOUND_WORDS.items() for words in listed.split("|")}
_NOUN_REACH = 4
_COMPARING = frozenset(
    "less more fewer higher lower each apiece ago later earlier away long wide tall deep".split()
)
_NO_NOUN = _COMPARING | AUXILIARIES | CONJUNCTIONS | PRONOUNS | PAST | SPEECH | PREPOSITIONS
_YEARS = Unit("age", "years")


def bound(found: Sequence[Token], first: int) -> Bound:
    """`about`, `more than`, ... right before the number."""
    for length in (3, 2, 1):
        words = " ".join(token.low for token in found[max(0, first - length) : first])
        if first >= length and words in _BOUNDS:
            return _BOUNDS[words]
    return "exactly"


def currency(found: Sequence[Token], first: int, start: int) -> tuple[int, Unit | None]:
    """`$5`, `US$5`, `UAH 5`: where it begins, and the unit."""
    if first <= start:
        return first, None
    sign = found[first - 1]
    if sign.text in CURRENCY_SIGNS:
        country = found[first - 2].low if first - 1 > start and glued(found[first - 2], sign) else ""
        if sign.text == "$" and country in DOLLARS:
            return first - 2, Unit("money", DOLLARS[country])
        return first - 1, Unit("money", CURRENCY_SIGNS[sign.text])
    unit = UNITS.get(sign.low)
    return (first - 1, unit) if unit and unit.kind == "money" and sign.text.isupper() else (first, None)


def unit_behind(found: Sequence[Token], last: int, stop: int, size: float) -> tuple[Unit | None, int]:
    """The longest unit behind a number, a hyphen allowed between them: `13-kilometre`."""
    hyphen = last < stop and found[last].text in "-‑" and glued(found[last - 1], found[last])
    at = last + 1 if hyphen else last
    for length in range(min(LONGEST_UNIT, stop - at), 0, -1):
        unit = UNITS.get(" ".join(token.low for token in found[at : at + length]))
        if unit is None or _is_no_unit(found, at):
            continue
        if found[at].low in ("pounds", "pound") and size >= POUNDS_ARE_MONEY_FROM:
            unit = Unit("money", "GBP")
        return unit, at + length
    if last < stop and found[last].text in ("C", "F") and glued(found[last - 1], found[last]):
        return UNITS[f"° {found[last].low}"], last + 1
    return None, last


def _is_no_unit(found: Sequence[Token], at: int) -> bool:
    """Some single letters are units only right behind the number: `5g`, not `5 G`."""
    letter = found[at]
    return letter.text in ("M", "L", "G", "T") or (letter.low in "glт" and not glued(found[at - 1], letter))


def noun_behind(found: Sequence[Token], last: int, stop: int, *, plural: bool) -> tuple[str, int]:
    """What is counted: the first plural among the few words behind the number, else the first word."""
    at = last
    if at + 1 < stop and found[at].low == "of" and found[at + 1].low in DETERMINERS:
        at += 2
    first_word = ("", last)
    for i in range(at, min(at + _NOUN_REACH, stop)):
        token = found[i]
        if token.kind != "word" or token.low in _NO_NOUN or token.after_break:
            break
        following = found[i + 1].low if i + 1 < stop else ""
        if not plural or (
            is_plural(token.low) and not (token.low in ADJECTIVES_TOO and is_plural(following))
        ):
            return singular(token.low), i + 1
        if not first_word[0] and token.low not in DETERMINERS and not token.low.endswith(("ed", "ly")):
            first_word = (token.low, i + 1)
    return first_word


def age(
    found: Sequence[Token], first: int, last: int, stop: int, unit: Unit | None
) -> tuple[Unit, int] | None:
    """`aged 54`, `54-year-old`, `54 years old`."""
    if first and found[first - 1].low == "aged" and unit is None:
        return _YEARS, last
    if unit != UNITS["years"]:
        return None
    for i in range(last, min(last + 5, stop)):
        if found[i].low == "old":
            return _YEARS, i + 1
        if found[i].low not in ("-", "‑", "year", "years"):
            break
    return None
