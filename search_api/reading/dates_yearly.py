"""Rules for what comes once a year: days, months, quarters, seasons and feasts, with a year or without.

`9 November 2023` stands for itself, `9 November last year` and `9 November` are found from the article's
date. Part of `dates.py`.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from search_api.reading import periods
from search_api.reading.date_forms import (
    DAY,
    MONTH,
    OFFSET,
    ORDINAL,
    ORDINAL_OF,
    SHORT_WEEKDAYS,
    TO,
    WHICH,
    YEAR_BY_OFFSET,
    Days,
    Meaning,
    Place,
    Rule,
    by_tense,
    fixed,
    form,
    month_number,
    relative,
    weekday_number,
)
from search_api.reading.lexicon import MONTHS_RU, MONTHS_UK, SEASON_FIRST_MONTH, WEEKDAYS
from search_api.reading.periods import Period
from search_api.reading.tense import Tense

_YEAR = (
    r"(?:,? (?:(?:of|in) )?(?P<year>[12]\d{3})(?!\d|[,.]\d|[-–]\d)"
    r"|,? (?:(?:of|in) )?(?P<which>last|this|next) year| of the (?P<this>year))?"
)
_MAYBE_WEEKDAY = rf"(?:(?:on )?(?P<weekday>{'|'.join(WEEKDAYS)}|{SHORT_WEEKDAYS}),? (?:the )?)?"
_CYRILLIC_MONTHS = rf"(?P<month>{'|'.join([*MONTHS_UK, *MONTHS_RU])})"
_NAMES_AN_EVENT = r"(?! (?:attacks|movement|revolution|massacre|uprising)\b)"  # the September 11 attacks
_NO_DAY = r"(?! \d{1,2}(?!\d))"  # in `run 2 Feb. 8` the day is 8
_BEFORE_A_MONTH = frozenset(
    """
    in since until till by last next this early late mid of from during before after for between to and
    through around every - – — (
    """.split()
)
_NAMES_TOO = frozenset({"april", "may", "june", "august", "march"})  # and a verb
_BEFORE_A_SEASON = frozenset({"in the", "during the", "over the", "through the", "throughout the"})
_FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26),
    "new year's eve": (12, 31), "new year's day": (1, 1), "valentine's day": (2, 14), "may day": (5, 1),
    "st patrick's day": (3, 17), "halloween": (10, 31), "all saints' day": (11, 1),
}  # fmt: skip
_FROM_EASTER = {
    "ash wednesday": -46, "palm sunday": -7, "maundy thursday": -3, "good friday": -2, "easter sunday": 0,
    "easter monday": 1,
}  # fmt: skip


def _yearly(
    match: re.Match[str],
    tense: Tense,
    of_year: Callable[[int], Period],
    name: str,
    *,
    over: bool = False,
    loose: bool = False,
) -> Meaning | None:
    """In the year that is written, or named from the article's, or else the one that the tense tells."""
    sample = of_year(2024)  # a leap year; a day that no year has raises ValueError
    if match["year"]:
        return fixed(of_year(int(match["year"])), "as written")
    if match["which"] or match["this"]:
        offset = OFFSET[(match["which"] or "this").lower()]
        says = f"{name} of {YEAR_BY_OFFSET[offset]} the article's date @article"
        return relative(lambda when: of_year(when.year + offset), says, sample.precision)
    days = by_tense(of_year, tense, over=over, loose=loose)
    return relative(days, WHICH[tense].format(name), sample.precision)


def _day(match: re.Match[str], place: Place) -> Meaning | None:
    """A day of the week beside it helps to find the year, and is passed over where the year is written."""
    month, number = month_number(match["month"]), int(match["day"])
    name = f"{number} {calendar.month_name[month]}"
    said = match.groupdict().get("weekday")
    wanted = weekday_number(said) if said and not match["year"] else None
    if wanted is not None:
        name += f" that is a {calendar.day_name[wanted]}"
    meaning = _yearly(match, place.tense, lambda y: periods.day(date(y, month, number)), name, loose=True)
    if meaning is None or wanted is None:
        return meaning
    return replace(meaning, days=_only_on(wanted, meaning.days))


def _only_on(weekday: int, days: Days) -> Days:
    """Left open where the day of the week is another one: then the year is not known."""

    def checked(when: date) -> Period | None:
        found = days(when)
        return found if found and found.first.weekday() == weekday else None

    return checked


def _some_days(match: re.Match[str], place: Place) -> Meaning | None:
    """`3–7 March`, `March 3 and 4`."""
    month, first, last = month_number(match["month"]), int(match["day"]), int(match["until"])
    name = f"{first} to {last} {calendar.month_name[month]}"
    of_year = lambda y: periods.stretch(date(y, month, first), date(y, month, last))  # noqa: E731
    return _yearly(match, place.tense, of_year, name, loose=True)


def _month(match: re.Match[str], place: Place) -> Meaning | None:
    """Without a year it counts where the word before shows that it is no name and no verb."""
    bare = not (match["year"] or match["which"] or match["this"])
    short = len(match["month"]) == 3 and match["month"].lower() != "may"  # `Mar`, without its full stop
    sure = place.before in _BEFORE_A_MONTH or match["month"].lower() not in _NAMES_TOO
    if bare and (short or not match[0][0].isupper() or not sure):
        return None
    number = month_number(match["month"])
    return _yearly(match, place.tense, lambda y: periods.month(y, number), calendar.month_name[number])


def _quarter(match: re.Match[str], place: Place) -> Meaning | None:
    """What was done in a quarter is told when it is over."""
    number = ORDINAL_OF[match["ordinal"].lower()] if match["ordinal"] else int(match["number"])
    return _yearly(match, place.tense, lambda y: periods.quarter(y, number), f"quarter {number}", over=True)


def _half(match: re.Match[str], place: Place) -> Meaning | None:
    if not (match["year"] or match["which"] or match["this"]):
        return None
    first_month = 7 if (match["ordinal"] or match["number"]).lower() in ("second", "2") else 1
    return _yearly(match, place.tense, lambda y: periods.months(y, first_month, 6, "range"), "that half")


def _season(match: re.Match[str], place: Place) -> Meaning | None:
    """Without a year only after `in the`. Of `winter 2022` nobody knows whether it began or ended then."""
    name = match["season"].lower()
    if not (match["year"] or match["which"] or match["this"]) and place.before not in _BEFORE_A_SEASON:
        return None
    if name == "winter" and match["year"]:
        return Meaning(
            lambda _: None, "the winter at either end of that year", relative=False, precision="range"
        )
    return _yearly(
        match,
        place.tense,
        lambda y: periods.months(y, SEASON_FIRST_MONTH[name], 3, "range"),
        f"{name} (of the northern half of the globe)",
    )


def _winter(match: re.Match[str], place: Place) -> Meaning:
    """`the winter of 2020-21`."""
    return fixed(periods.months(int(match["year"]), SEASON_FIRST_MONTH["winter"], 3, "range"), "as written")


def _feast(match: re.Match[str], place: Place) -> Meaning | None:
    name = " ".join(match["feast"].lower().replace("’", "'").replace("st.", "st").split())
    if name == "christmas" and not match["year"]:
        return None
    return _yearly(match, place.tense, lambda year: _feast_in(name, year), match["feast"], loose=True)


def _feast_in(name: str, year: int) -> Period:
    if name in _FROM_EASTER:
        return periods.day(_easter(year) + timedelta(days=_FROM_EASTER[name]))
    return periods.day(date(year, *_FEASTS[name]))


def _easter(year: int) -> date:
    """Western Easter Sunday (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * i) // 451
    month, number = divmod(h + i - 7 * m + 114, 31)
    return date(year, month, number + 1)


_FEAST_NAMES = "|".join(sorted((*_FEASTS, *_FROM_EASTER), key=len, reverse=True)).replace("st p", r"st\.? p")
_UNTIL = rf"(?:{TO}| and )(?P<until>\d{{1,2}})(?:st|nd|rd|th)?"

RULES = [
    Rule("days of a month", form(rf"{DAY}{_UNTIL} (?:of )?{MONTH}{_YEAR}{_NO_DAY}"), _some_days),
    Rule("days of a month", form(rf"{MONTH} {DAY}{_UNTIL}{_YEAR}"), _some_days),
    Rule("day and month", form(rf"{_MAYBE_WEEKDAY}{DAY}(?: |-)(?:of )?{MONTH}{_YEAR}{_NO_DAY}"), _day),
    Rule("day and month", form(rf"{_MAYBE_WEEKDAY}{MONTH} (?:the )?{DAY}{_YEAR}{_NAMES_AN_EVENT}"), _day),
    Rule(
        "day and month",
        form(
            rf"{DAY} {_CYRILLIC_MONTHS}(?: (?P<year>\d{{4}})(?: року| года| р\.| г\.)?)?(?P<which>)(?P<this>)"
        ),
        _day,
    ),
    Rule("month", form(rf"{MONTH}{_YEAR}(?! Madness)"), _month),
    Rule("quarter", form(rf"{ORDINAL}(?: |-)quarter{_YEAR}(?! of )(?P<number>)"), _quarter),
    Rule("quarter", form(rf"Q(?P<number>[1-4]){_YEAR}(?P<ordinal>)"), _quarter),
    Rule("half of a year", form(rf"(?:(?P<ordinal>first|second) half|H(?P<number>[12])){_YEAR}"), _half),
    Rule("season", form(r"winter (?:of )?(?P<year>[12]\d{3})(?:[-–/])\d{2,4}"), _winter),
    Rule("season", form(rf"(?P<season>spring|summer|autumn|fall|winter){_YEAR}"), _season),
    Rule("feast", form(rf"(?P<feast>{_FEAST_NAMES}){_YEAR}"), _feast),
]
