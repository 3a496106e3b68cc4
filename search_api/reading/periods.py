"""Stretches of days, and steps from one to another: the arithmetic below the rules for dates.

Weeks run from Monday to Sunday. Years reach from 1 to 9999; beyond, ValueError or OverflowError.
Knows nothing of words. days, months, years -> Period
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

DatePrecision = Literal["day", "week", "month", "quarter", "year", "decade", "range"]
Unit = Literal["day", "week", "month", "quarter", "year", "decade"]
Part = Literal["early", "mid", "late", "start", "end"]

_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12, "decade": 120}
_THIRD = {"early": 0, "mid": 1, "late": 2}


@dataclass(frozen=True, slots=True)
class Period:
    """Days first..last, both included, and what they are said to be."""

    first: date
    last: date
    precision: DatePrecision


def day(when: date) -> Period:
    """One day."""
    return Period(when, when, "day")


def stretch(first: date, last: date) -> Period:
    """Some days. Raises ValueError where the last lies before the first."""
    if last < first:
        raise ValueError(f"{last} lies before {first}")
    return Period(first, last, "range")


def days_from(when: date, days: int) -> date:
    """The day so many days later, or earlier where `days` is negative."""
    return when + timedelta(days=days)


def month(year: int, number: int) -> Period:
    """One month; 0 is the December before, 13 the January after, and so on."""
    year, number = year + (number - 1) // 12, (number - 1) % 12 + 1
    return Period(date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1]), "month")


def months(year: int, first: int, count: int, precision: DatePrecision) -> Period:
    """So many months on end."""
    return Period(month(year, first).first, month(year, first + count - 1).last, precision)


def quarter(year: int, number: int) -> Period:
    """A quarter of a year, 1 to 4, or beyond."""
    return months(year, 3 * number - 2, 3, "quarter")


def year(number: int) -> Period:
    """A calendar year."""
    return Period(date(number, 1, 1), date(number, 12, 31), "year")


def decade(first_year: int) -> Period:
    """Ten years, from a year that ends in 0."""
    return Period(date(first_year, 1, 1), date(first_year + 9, 12, 31), "decade")


def century(number: int) -> Period:
    """The nth hundred years: the 19th is 1801 to 1900."""
    return stretch(date(100 * number - 99, 1, 1), date(100 * number, 12, 31))


def around(when: date, unit: Unit, offset: int = 0) -> Period:
    """The calendar day, week, month, ... that holds a day, or the one so many further on."""
    if unit == "day":
        return day(days_from(when, offset))
    if unit == "week":
        monday = days_from(when, 7 * offset - when.weekday())
        return Period(monday, days_from(monday, 6), "week")
    if unit == "month":
        return month(when.year, when.month + offset)
    if unit == "quarter":
        return quarter(when.year, (when.month - 1) // 3 + 1 + offset)
    if unit == "year":
        return year(when.year + offset)
    return decade(when.year // 10 * 10 + 10 * offset)


def moved(when: date, unit: Unit, count: int) -> date:
    """The same day so many units later; the last of the month where that month is too short."""
    if unit in ("day", "week"):
        return days_from(when, count * (7 if unit == "week" else 1))
    target = month(when.year, when.month + count * _MONTHS_OF[unit])
    return date(target.first.year, target.first.month, min(when.day, target.last.day))


def weekday(when: date, number: int, offset_weeks: int = 0) -> date:
    """The Monday (0) .. Sunday (6) of the week that holds a day, or of one so many weeks on."""
    return days_from(when, 7 * offset_weeks + number - when.weekday())


def part(of: Period, which: Part) -> Period:
    """Early, middle and late are thirds; start and end the first and last month, week or day in it."""
    if which in ("start", "end"):
        return _edge(of, which)
    if of.precision in ("year", "quarter"):
        size = 4 if of.precision == "year" else 1
        return months(of.first.year, of.first.month + size * _THIRD[which], size, "range")
    if of.precision == "decade":
        first, count = {"early": (0, 4), "mid": (4, 3), "late": (7, 3)}[which]
        return stretch(date(of.first.year + first, 1, 1), date(of.first.year + first + count - 1, 12, 31))
    length = (of.last - of.first).days + 1
    if length < 3:
        return of
    cuts = [days_from(of.first, length * third // 3) for third in range(3)]
    cuts.append(days_from(of.last, 1) if of.last < date.max else of.last)
    return stretch(cuts[_THIRD[which]], days_from(cuts[_THIRD[which] + 1], -1))


def _edge(of: Period, which: Part) -> Period:
    """A year's first or last month, a month's first or last week of days, a week's first or last two days."""
    inner = of.first if which == "start" else of.last
    if of.precision in ("quarter", "year"):
        return around(inner, "month")
    if of.precision == "decade":
        return around(inner, "year")
    if of.precision == "range" and (of.last - of.first).days > 366:
        return part(Period(of.first, of.last, "range"), "early" if which == "start" else "late")
    if of.precision == "day":
        return of
    length = 7 if of.precision == "month" else 2
    if which == "start":
        return stretch(of.first, days_from(of.first, length - 1))
    return stretch(days_from(of.last, 1 - length), of.last)
