"""How much: the quantities of a text, in base units, so that what two sources say can be held side by side.

`11,000 residents`, `about 12,500 residents`, `$5 million`, `between 10 and 20 km`, `54 years old`. Dates,
times of day, ordinals and numbers inside names are left out. English, with Ukrainian and Russian units.
Knows nothing of sources. text -> list[Quantity]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from passage_index.types import PartialDate, Span
from search_api.reading.dates import event_dates
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
from search_api.reading.numbers import Number, numbers
from search_api.reading.tokens import Token, glued, tokens
from search_api.reading.units import (
    CURRENCY_SIGNS,
    DOLLARS,
    LONGEST_UNIT,
    POUNDS_ARE_MONEY_FROM,
    UNITS,
    QuantityKind,
    Unit,
)

Bound = Literal["exactly", "about", "over", "under"]

_BOUNDS: dict[str, Bound] = {
    "about": "about", "around": "about", "some": "about", "roughly": "about", "approximately": "about",
    "nearly": "under", "almost": "under", "circa": "about", "estimated": "about", "близько": "about",
    "около": "about", "понад": "over", "более": "over", "більше": "over", "свыше": "over",
    "майже": "under", "почти": "under", "over": "over", "above": "over", "exceeding": "over", "under": "under", "below": "under",
    "up to": "under", "more than": "over", "at least": "over", "at most": "under", "less than": "under",
    "fewer than": "under", "no more than": "under", "no fewer than": "over", "as many as": "under",
    "as few as": "over", "close to": "about", "не менше": "over", "не менее": "over",
}  # fmt: skip
_ANY_DAY = PartialDate.parse("2000-01-01")  # which days are meant does not matter here, only where they stand
_WRITTEN_DATES = frozenset(
    {"date in figures", "day and month", "days of a month", "year", "years", "months", "month", "decade", "era",
     "from to", "since", "century"}
)  # fmt: skip
_NOUN_REACH = 4
_RANGE_WORDS = frozenset({"to", "and", "or", "-", "–", "—", "‑"})
_PERIODS = frozenset({"century", "a.m.", "p.m.", "am", "pm", "o'clock"})
_NO_NOUN = AUXILIARIES | CONJUNCTIONS | PRONOUNS | PAST | SPEECH | PREPOSITIONS


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit or what it counts: text[start:end]; the number alone: text[number[0]:number[1]].

    low..high: in `unit`, equal but for a range. unit: the base unit, "" for a count. noun: what is counted,
    singular, lower case, "" where nothing is. bound: how the text puts it (`nearly` is `under`).
    """

    start: int
    end: int
    number: Span
    low: float
    high: float
    kind: QuantityKind
    unit: str
    noun: str
    bound: Bound

    @property
    def value(self) -> float:
        """The middle of low and high."""
        return (self.low + self.high) / 2


def quantities(text: str) -> list[Quantity]:
    """The quantities of a text, in order, none overlapping another. In time in proportion to its length."""
    found = tokens(text)
    dated = [(one.start, one.end) for one in event_dates(text, _ANY_DAY) if one.rule in _WRITTEN_DATES]
    read = [one for one in numbers(found) if one.form != "vague" and not _is_time(found, one)]
    read = _outside(found, read, dated)
    result: list[Quantity] = []
    skip = -1
    for i, number in enumerate(read):
        if i == skip:
            continue
        other = _range(found, number, read[i + 1]) if i + 1 < len(read) else None
        skip = i + 1 if other else -1
        quantity = _quantity(found, number, other)
        if quantity.kind != "count" or quantity.noun or not _is_of_a_name(found, number.first):
            result.append(quantity)
    return result


def _outside(found: Sequence[Token], read: list[Number], dated: list[Span]) -> list[Number]:
    """Numbers that are no part of a written date; both lists ascend."""
    kept: list[Number] = []
    d = 0
    for number in read:
        start, end = found[number.first].start, found[number.last - 1].end
        while d < len(dated) and dated[d][1] <= start:
            d += 1
        if d == len(dated) or dated[d][0] >= end:
            kept.append(number)
    return kept


def _is_time(found: Sequence[Token], number: Number) -> bool:
    return number.last < len(found) and found[number.last].low in _PERIODS


def _is_of_a_name(found: Sequence[Token], first: int) -> bool:
    """`Boeing 737`; not `in Ukraine 300 fled`."""
    before = [token for token in found[max(0, first - 2) : first]]
    return len(before) == 2 and before[1].capital and before[0].low not in PREPOSITIONS


def _range(found: Sequence[Token], first: Number, second: Number) -> Number | None:
    """`10 to 20`, `between 10 and 20`, `10–20`; not `2-1`."""
    if second.first != first.last + 1 or second.value <= first.value or first.form != second.form:
        return None
    link = found[first.last].low
    if link not in _RANGE_WORDS:
        return None
    between = first.first > 0 and found[first.first - 1].low == "between"
    return (
        second if (link == "and") == between and (link != "or" or second.value - first.value == 1) else None
    )


def _quantity(found: Sequence[Token], number: Number, until: Number | None) -> Quantity:
    last = (until or number).last
    scale = _shared_scale(found, number, until)
    low, high = number.value * scale, (until or number).value
    first, unit = _currency(found, number.first)
    noun, noun_last = "", last
    if unit is None:
        unit, noun_last = _unit(found, last, number.form, max(abs(low), abs(high)))
    if unit is None and number.form != "share":
        noun, noun_last = _noun(found, last, high)
    elif unit is None:
        noun, noun_last = _noun(found, last, 2.0)
        unit = Unit("share", "")
    age = _age(found, number.first, last, unit)
    if age is not None:
        unit, noun_last = age
    kept = unit or Unit("count", "")
    start, end = found[first].start, found[noun_last - 1].end
    figures = (found[number.first].start, found[last - 1].end)
    low, high = (round(value * kept.factor + kept.shift, 6) for value in (low, high))
    return Quantity(start, end, figures, low, high, kept.kind, kept.base, noun, _bound(found, first))


def _shared_scale(found: Sequence[Token], number: Number, until: Number | None) -> float:
    """`2 to 3 million`: the scale of the second is the first's too."""
    if until is None or number.value >= 1000 or until.value < 1000 or until.last - until.first < 2:
        return 1.0
    return next((scale for scale in (10**12, 10**9, 10**6, 10**3) if until.value >= scale), 1)


def _currency(found: Sequence[Token], first: int) -> tuple[int, Unit | None]:
    """`$5`, `US$5`, `UAH 5`: where it begins, and the unit."""
    if not first:
        return first, None
    sign = found[first - 1]
    if sign.text in CURRENCY_SIGNS:
        if (
            sign.text == "$"
            and first > 1
            and glued(found[first - 2], sign)
            and found[first - 2].low in DOLLARS
        ):
            return first - 2, Unit("money", DOLLARS[found[first - 2].low])
        return first - 1, Unit("money", CURRENCY_SIGNS[sign.text])
    unit = UNITS.get(sign.low)
    if unit and unit.kind == "money" and sign.text.isupper():
        return first - 1, unit
    return first, None


def _unit(found: Sequence[Token], last: int, form: str, size: float) -> tuple[Unit | None, int]:
    """The longest unit behind a number, a hyphen allowed between them: `13-kilometre`."""
    at = (
        last + 1
        if last < len(found) and found[last].text in "-‑" and glued(found[last - 1], found[last])
        else last
    )
    for length in range(LONGEST_UNIT, 0, -1):
        words = found[at : at + length]
        name = " ".join(token.low for token in words)
        unit = UNITS.get(name) if len(words) == length else None
        if unit is None:
            continue
        if words[0].text in ("M", "L", "G", "T") or (
            len(name) == 1 and not glued(found[at - 1], words[0]) and name in "glт"
        ):
            continue
        if name in ("pounds", "pound") and size >= POUNDS_ARE_MONEY_FROM:
            unit = Unit("money", "GBP")
        return unit, at + length
    if last < len(found) and found[last].text in ("C", "F") and glued(found[last - 1], found[last]):
        return UNITS[f"° {found[last].low}"], last + 1
    return None, last


def _noun(found: Sequence[Token], last: int, value: float) -> tuple[str, int]:
    """What is counted: the first plural among the few words behind the number, else the first word."""
    at = last
    if at + 1 < len(found) and found[at].low == "of" and found[at + 1].low in DETERMINERS:
        at += 2
    first_word = ("", last)
    for i in range(at, min(at + _NOUN_REACH, len(found))):
        token = found[i]
        if token.kind != "word" or token.low in _NO_NOUN or token.after_break:
            break
        if is_plural(token.low) or value == 1:
            following = found[i + 1].low if i + 1 < len(found) else ""
            if token.low not in ADJECTIVES_TOO or not is_plural(following):
                return singular(token.low), i + 1
        if first_word[0] == "" and token.low not in DETERMINERS:
            first_word = (token.low, i + 1)
    return first_word


def _age(found: Sequence[Token], first: int, last: int, unit: Unit | None) -> tuple[Unit, int] | None:
    """`aged 54`, `54-year-old`, `54 years old`."""
    years = Unit("age", "years")
    if first and found[first - 1].low == "aged" and unit is None:
        return years, last
    if unit is None or unit.kind != "duration" or unit.base != "s" or unit.factor < 300 * 86_400:
        return None
    for i in range(last, min(last + 5, len(found))):
        if found[i].low == "old":
            return years, i + 1
        if found[i].low not in ("-", "‑", "year", "years"):
            break
    return None


def _bound(found: Sequence[Token], first: int) -> Bound:
    """`about`, `more than`, ... right before the number."""
    for length in (3, 2, 1):
        words = " ".join(token.low for token in found[max(0, first - length) : first])
        if first >= length and words in _BOUNDS:
            return _BOUNDS[words]
    return "exactly"
