"""How much: the quantities of a text, in base units, so that what two sources say can be held side by side.

`11,000 residents`, `about 12,500 residents`, `$5 million`, `between 10 and 20 km`, `54 years old`. Dates,
times of day, ordinals and numbers inside names are left out. English, with Ukrainian and Russian units.
Knows nothing of sources. text -> list[Quantity]
"""

from collections.abc import Sequence
from dataclasses import dataclass

from passage_index.types import PartialDate, Span
from search_api.reading.dates import event_dates
from search_api.reading.lexicon import PREPOSITIONS
from search_api.reading.measures import Bound, age, bound, currency, noun_behind, unit_behind
from search_api.reading.numbers import Number, numbers
from search_api.reading.tokens import Token, tokens
from search_api.reading.units import QuantityKind, Unit

_ANY_DAY = PartialDate.parse("2000-01-01")  # which days are meant does not matter here, only where they stand
_WRITTEN_DATES = frozenset(
    {
        "date in figures", "day and month", "days of a month", "year", "years", "months", "month", "decade",
        "era", "from to", "since", "century",
    }
)  # fmt: skip
_RANGE_WORDS = frozenset({"to", "and", "or", "-", "–", "—", "‑"})
_TIMES = frozenset({"a.m.", "p.m.", "am", "pm", "o'clock"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit or what it counts, text[start:end]; the number alone, text[slice(*number)].

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
    start, i = 0, 0
    while i < len(read):
        until = _until(found, read[i], read[i + 1]) if i + 1 < len(read) else None
        after = i + 2 if until else i + 1
        stop = read[after].first if after < len(read) else len(found)
        quantity, start = _quantity(found, read[i], until or read[i], start, stop)
        if quantity.kind != "count" or quantity.noun or not _is_of_a_name(found, read[i].first):
            result.append(quantity)
        i = after
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
    figure = found[number.first].text
    if number.last < len(found) and found[number.last].low in _TIMES:
        return True
    written_with_stop = 4 <= len(figure) <= 5 and figure[-3] == "."  # `at 11.40`
    return written_with_stop and number.first > 0 and found[number.first - 1].low == "at"


def _is_of_a_name(found: Sequence[Token], first: int) -> bool:
    """`Boeing 737`; not `in Ukraine 300 fled`."""
    before = [token for token in found[max(0, first - 2) : first]]
    return len(before) == 2 and before[1].capital and before[0].low not in PREPOSITIONS


def _until(found: Sequence[Token], first: Number, second: Number) -> Number | None:
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


def _quantity(
    found: Sequence[Token], number: Number, until: Number, start: int, stop: int
) -> tuple[Quantity, int]:
    """One quantity, and where its last token ends; `until` is the second number of a range."""
    last = until.last
    scale = 1.0 if until is number else _shared_scale(number, until)
    low, high = number.value * scale, until.value
    first, unit = currency(found, number.first, start)
    noun, end = "", last
    if unit is None:
        unit, end = unit_behind(found, last, stop, max(abs(low), abs(high)))
    if unit is None:
        noun, end = noun_behind(found, last, stop, plural=number.form == "share" or high != 1)
    aged = age(found, number.first, last, stop, unit)
    if aged is not None:
        unit, end = aged
        noun = ""
    measure = unit or Unit("share" if number.form == "share" else "count", "")
    low, high = (round(value * measure.factor + measure.shift, 6) for value in (low, high))
    quantity = Quantity(
        start=found[first].start,
        end=found[end - 1].end,
        number=(found[number.first].start, found[last - 1].end),
        low=low,
        high=high,
        kind=measure.kind,
        unit=measure.base,
        noun=noun,
        bound=bound(found, first),
    )
    return quantity, end


def _shared_scale(number: Number, until: Number) -> float:
    """`2 to 3 million`: the scale of the second is the first's too."""
    if number.value >= 1000 or until.value < 1000 or until.last - until.first < 2:
        return 1.0
    return next(scale for scale in (1e12, 1e9, 1e6, 1e3) if until.value >= scale)
