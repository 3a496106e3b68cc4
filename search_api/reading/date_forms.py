"""What a rule for dates is, and the pieces of pattern that several rules share.

A rule sees at most `REACH` characters from the start of a word on, and every repetition in a pattern is
bounded. It says which days are meant as a function of the day on which the article was published.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from search_api.reading.lexicon import MONTH_OF, MONTHS, ONES, TENS, WEEKDAY_OF, WEEKDAYS
from search_api.reading.periods import DatePrecision, Period
from search_api.reading.tense import Tense
from search_api.reading.tokens import BLANK

_NEARER_BY_FAR = 4
_NEAR_DAYS = 45

REACH = 120  # characters; the longest expression in the tests has 51

ARTICLE = "@article"  # stands for the article's date in an explanation

Days = Callable[[date], Period | None]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which days an expression means, given the article's day; `days` gives None where that is unsure."""

    days: Days
    says: str
    relative: bool
    precision: DatePrecision = "day"  # what it would be, where it cannot be resolved


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: the word before it, and the tense of what is said there."""

    before: str
    tense: Tense


@dataclass(frozen=True, slots=True)
class Rule:
    """A form of words, and its reading; None where the words turn out to mean something else."""

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Place], Meaning | None]


def form(pattern: str) -> re.Pattern[str]:
    """A pattern in which a blank stands for one or two, in any case, ending where a word ends."""
    spaced = re.sub(r" (\??)", lambda blank: BLANK + ("{0,2}" if blank[1] else "{1,2}"), pattern)
    spaced = spaced.replace("'", "['’ʼ]")
    return re.compile(rf"(?:{spaced})(?![^\W_])", re.IGNORECASE)


def fixed(period: Period, says: str) -> Meaning:
    """Days that do not depend on the article's date."""
    return Meaning(lambda _: period, says, relative=False, precision=period.precision)


def relative(days: Days, says: str, precision: DatePrecision = "day") -> Meaning:
    """Days counted from the article's date."""
    return Meaning(days, says, relative=True, precision=precision)


def by_tense(
    of_year: Callable[[int], Period], tense: Tense, *, over: bool = False, loose: bool = False
) -> Days:
    """Of periods that come once a year, or in some years only, the one meant.

    `of_year` raises ValueError for a year without it. Past: the latest that has begun, or that is `over`;
    future: the first not over; unclear: the nearest. Where the nearest goes against the tense and is nearer
    by far, none is sure, for nobody writes `in March` of 11 months ago; but `loose` ones may then look the
    other way: `weeks before the November 8 election`.
    """

    def days(when: date) -> Period | None:
        near = [*_in_years(of_year, range(max(1, when.year - 8), min(9999, when.year + 9)))]
        nearest = min(near, key=lambda one: abs((one.first - when).days), default=None)
        gone = [one for one in near if (one.last if over else one.first) <= when]
        coming = [one for one in near if one.last >= when]
        fitting = {"past": gone[-1:], "future": coming[:1]}.get(tense, [])
        chosen = fitting[0] if fitting else nearest if tense == "unclear" else None
        if chosen is None or nearest is None or over:
            return chosen
        distance = abs((nearest.first - when).days)
        if abs((chosen.first - when).days) <= _NEARER_BY_FAR * distance:
            return chosen
        return nearest if loose and distance <= _NEAR_DAYS else None

    return days


def _in_years(of_year: Callable[[int], Period], years: range) -> Iterator[Period]:
    for year in years:
        with suppress(ValueError):
            yield of_year(year)


WHICH = {
    "past": "the latest {} on or before the article's date " + ARTICLE,
    "future": "the first {} on or after the article's date " + ARTICLE,
    "unclear": "the {} nearest to the article's date " + ARTICLE,
}
YEAR_BY_OFFSET = {-1: "the year before", 0: "the year of", 1: "the year after"}
OFFSET = {"last": -1, "past": -1, "previous": -1, "this": 0, "current": 0, "next": 1, "coming": 1}

_MONTH_NAMES = "|".join([*MONTHS, r"(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"])
_WEEKDAY_NAMES = "|".join(WEEKDAYS)
SHORT_WEEKDAYS = r"(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b\.?"
_NUMBERS = "|".join(sorted((*ONES, *TENS), key=len, reverse=True))

MONTH = rf"(?P<month>{_MONTH_NAMES})"
WEEKDAY = rf"(?P<weekday>{_WEEKDAY_NAMES})"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
COUNT = rf"(?P<count>\d{{1,4}}|{_NUMBERS}|a few|several|an?|a couple of|a dozen|half a dozen|couple of)"
TO = r"(?: ?[-‐‑–—] ?| to | through | until | till )"
LAST = r"(?P<which>last|next|this past|this coming|this|past|coming|previous|current)"
ORDINAL = r"(?P<ordinal>first|second|third|fourth|final|1st|2nd|3rd|4th)"
ORDINAL_OF = {"first": 1, "second": 2, "third": 3, "fourth": 4, "final": 4} | {
    "1st": 1, "2nd": 2, "3rd": 3, "4th": 4,
}  # fmt: skip


def month_number(name: str) -> int:
    """`Nov.` -> 11."""
    return MONTH_OF[name.lower().rstrip(".")]


def weekday_number(name: str) -> int:
    """`Thurs.` -> 3, Monday being 0."""
    return WEEKDAY_OF[name.lower().rstrip(".").replace("’", "'").replace("ʼ", "'")]


def count_of(said: str) -> int:
    """`24`, `three`, `a`, `a couple of` -> how many."""
    low = said.lower()
    if low.isdecimal():
        return int(low)
    special = {"a": 1, "an": 1, "a dozen": 12, "half a dozen": 6}
    return special.get(low) or ONES.get(low) or TENS.get(low) or (2 if low.endswith("of") else 0)
