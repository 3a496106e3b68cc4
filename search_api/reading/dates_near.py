"""Rules for the days near the article's: weekdays, `yesterday`, `overnight`, weekends. Part of `dates.py`."""

import calendar
import re
from datetime import date

from search_api.reading import periods
from search_api.reading.date_forms import (
    LAST,
    OFFSET,
    WEEKDAY,
    WHICH,
    Days,
    Meaning,
    Place,
    Rule,
    form,
    relative,
    weekday_number,
)
from search_api.reading.lexicon import NAMED_WEEKDAYS, WEEKDAYS_RU, WEEKDAYS_UK
from search_api.reading.periods import Period
from search_api.reading.tense import Tense

_NEAR_DAYS = 2  # so near, `last Thursday` may be this week's or the one before
_AGAIN_AND_AGAIN = frozenset("every each a an any most some one".split())
_NO_PAPER = r"(?! (?:Times|Telegraph|Mail|Mirror|Express|Herald|Post|League|School|Night Live)\b)"
_DAYTIME = r"(?: (?:early )?(?:morning|afternoon|evening|night|lunchtime))?"
_TODAY = {
    "today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "yesterday": -1,
    "last night": -1, "last evening": -1, "the day before yesterday": -2, "tomorrow": 1,
    "the day after tomorrow": 2, "вчора": -1, "вчера": -1, "сьогодні": 0, "сегодня": 0, "завтра": 1,
    "позавчора": -2, "позавчера": -2, "післязавтра": 2, "послезавтра": 2,
}  # fmt: skip


def weekday_days(number: int, tense: Tense) -> Days:
    """The day itself counts: a paper that comes out on Thursday says `on Thursday` of its own day."""

    def days(when: date) -> Period:
        back = (when.weekday() - number) % 7
        ahead = -back % 7
        if tense == "past" or (tense == "unclear" and back <= ahead):
            return periods.day(periods.days_from(when, -back))
        return periods.day(periods.days_from(when, ahead))

    return days


def _weekday(match: re.Match[str], place: Place) -> Meaning | None:
    if place.before in NAMED_WEEKDAYS or place.before in _AGAIN_AND_AGAIN:
        return None
    number = weekday_number(match["weekday"])
    name = calendar.day_name[number]
    if match["week"]:
        offset = OFFSET[match["week"].lower()]
        says = f"{name} of the week {('before', 'of', 'after')[offset + 1]} the article's date @article"
        return relative(lambda when: periods.day(periods.weekday(when, number, offset)), says)
    which = (match["which"] or "this").lower().split()[-1]
    if which in ("last", "previous", "past"):
        return relative(
            _last(number, sure=which == "past"), f"the latest {name} before the article's date @article"
        )
    if which in ("next", "coming"):
        return relative(
            _next(number, sure=which == "coming"), f"the first {name} after the article's date @article"
        )
    return relative(weekday_days(number, place.tense), WHICH[place.tense].format(name))


def _last(number: int, *, sure: bool) -> Days:
    def days(when: date) -> Period | None:
        back = (when.weekday() - number - 1) % 7 + 1
        if not sure and back <= _NEAR_DAYS and back <= when.weekday():
            return None
        return periods.day(periods.days_from(when, -back))

    return days


def _next(number: int, *, sure: bool) -> Days:
    """`next Saturday` said on a Thursday is in two days or in nine."""

    def days(when: date) -> Period | None:
        ahead = (number - when.weekday() - 1) % 7 + 1
        if not sure and when.weekday() + ahead <= 6:
            return None
        return periods.day(periods.days_from(when, ahead))

    return days


def _cyrillic_weekday(match: re.Match[str], place: Place) -> Meaning:
    number = weekday_number(match["weekday"])
    return relative(weekday_days(number, place.tense), WHICH[place.tense].format(calendar.day_name[number]))


def _today(match: re.Match[str], place: Place) -> Meaning | None:
    if place.before in ("usa", "u.s.a."):  # the newspaper
        return None
    said = " ".join(match["said"].lower().split())
    offset = _TODAY[said]
    names = {
        -2: "two days before",
        -1: "the day before",
        0: "the same day as",
        1: "the day after",
        2: "two days after",
    }
    return relative(
        lambda when: periods.day(periods.days_from(when, offset)),
        f"{names[offset]} the article's date @article",
    )


def _overnight(match: re.Match[str], place: Place) -> Meaning:
    return relative(
        lambda when: periods.stretch(periods.days_from(when, -1), when),
        "the night that led to the article's date @article", "range",
    )  # fmt: skip


def _weekend(match: re.Match[str], place: Place) -> Meaning:
    which = (match["which"] or "the").lower().split()[-1]

    def days(when: date) -> Period | None:
        this = periods.weekday(when, 5)
        if which in ("last", "past"):
            first = periods.days_from(this, -7)
        elif which in ("next", "coming"):
            if which == "next" and when < this:
                return None
            first = periods.days_from(this, 7) if when >= this else this
        else:
            gone = place.tense != "future" and (which == "the" or when.weekday() <= _NEAR_DAYS)
            first = periods.days_from(this, -7) if gone and when < this else this
        return periods.stretch(first, periods.days_from(first, 1))

    return relative(days, "the weekend beside the article's date @article, as the tense tells", "range")


_SAID = "|".join(sorted(_TODAY, key=len, reverse=True))

RULES = [
    Rule(
        "weekday",
        form(
            rf"(?:(?:the )?{LAST} )?{WEEKDAY}{_DAYTIME}(?: (?:of )?(?P<week>last|this|next) week)?{_NO_PAPER}"
        ),
        _weekday,
    ),
    Rule(
        "weekday",
        form(rf"(?:в|у|во) (?P<weekday>{'|'.join([*WEEKDAYS_UK, *WEEKDAYS_RU])})"),
        _cyrillic_weekday,
    ),
    Rule(
        "day near the article's",
        form(rf"(?:(?:earlier|later|late|early) )?(?P<said>{_SAID}){_DAYTIME}"),
        _today,
    ),
    Rule("night", form("overnight"), _overnight),
    Rule("weekend", form(r"(?:the |(?P<which>last|this past|this coming|this|next) )weekend"), _weekend),
]
