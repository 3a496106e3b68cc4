"""Rules for what is counted from the article's date: `last month`, `two weeks ago`, `the past three days`.

Part of `dates.py`.
"""

import calendar
import re
from datetime import date

from search_api.reading import periods
from search_api.reading.date_forms import (
    COUNT,
    LAST,
    MONTH,
    OFFSET,
    Days,
    Meaning,
    Place,
    Rule,
    count_of,
    form,
    month_number,
    relative,
)
from search_api.reading.lexicon import SEASON_FIRST_MONTH
from search_api.reading.periods import DatePrecision, Period, Unit

_STRETCHES = frozenset("over in within during for through".split())
_UNSURE_BEFORE = frozenset("than over least most under".split())
_UNITS: dict[str, Unit] = {
    "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year", "decade": "decade",
}  # fmt: skip
_CYRILLIC_PERIODS: dict[str, tuple[Unit, int]] = {
    "минулого тижня": ("week", -1), "минулого місяця": ("month", -1), "минулого року": ("year", -1),
    "цього тижня": ("week", 0), "цього місяця": ("month", 0), "цього року": ("year", 0),
    "торік": ("year", -1),
    "наступного тижня": ("week", 1), "наступного місяця": ("month", 1), "наступного року": ("year", 1),
    "на прошлой неделе": ("week", -1), "в прошлом месяце": ("month", -1), "в прошлом году": ("year", -1),
    "на этой неделе": ("week", 0), "в этом месяце": ("month", 0), "в этом году": ("year", 0),
    "на следующей неделе": ("week", 1), "в следующем месяце": ("month", 1), "в следующем году": ("year", 1),
}  # fmt: skip


def _unit(match: re.Match[str], place: Place) -> Meaning | None:
    """`last week`, `this year`."""
    if place.before == "the" and match["which"].lower() != "current":
        return None
    return calendar_unit(unit_of(match["unit"]), OFFSET[match["which"].lower().split()[-1]])


def _cyrillic_unit(match: re.Match[str], place: Place) -> Meaning:
    return calendar_unit(*_CYRILLIC_PERIODS[" ".join(match[0].lower().split())])


def calendar_unit(unit: Unit, offset: int) -> Meaning:
    """The calendar week, month, ... of the article`s date, or one so many further on."""
    says = f"the {unit} {('before', 'of', 'after')[offset + 1]} the article's date @article"
    return relative(lambda when: periods.around(when, unit, offset), says, unit)


def unit_of(said: str) -> Unit:
    """`Weeks` -> `week`."""
    return _UNITS[said.lower().rstrip("s")]


def _earlier(match: re.Match[str], place: Place) -> Meaning:
    """`earlier this month`: up to the article's date; `later this month`: from it on."""
    unit, later = unit_of(match["unit"]), match["side"].lower() == "later"

    def days(when: date) -> Period:
        whole = periods.around(when, unit)
        return periods.stretch(when, whole.last) if later else periods.stretch(whole.first, when)

    end = "from the article's date @article on" if later else "up to the article's date @article"
    return relative(days, f"the same {unit} {end}", "range")


def _ago(match: re.Match[str], place: Place) -> Meaning | None:
    """Counted in weeks it is right to a week, in months to a month, and so on."""
    count = count_of(match["count"])
    said = match["unit"].lower().rstrip("s")
    unsure = not count or place.before in _UNSURE_BEFORE
    if said in ("hour", "minute", "second"):
        back = -(-count // 24) if said == "hour" else 0
        precision: DatePrecision = "range" if back else "day"
        days: Days = lambda when: periods.stretch(periods.days_from(when, -back), when)  # noqa: E731
        return relative(days, f"{count} {said}s before the article's date @article", precision)
    unit: Unit = "week" if said == "fortnight" else unit_of(said)
    steps = -2 * count if said == "fortnight" else -count
    says = f"{match['count'].lower()} {said}{'s' if count != 1 else ''} before the article's date @article"
    if unsure:
        return relative(lambda _: None, says, unit)
    if unit == "decade":
        return relative(lambda when: periods.around(periods.moved(when, unit, steps), "year"), says, "year")
    return relative(lambda when: periods.around(periods.moved(when, unit, steps), unit), says, unit)


def _span_of(match: re.Match[str], place: Place) -> Meaning | None:
    """`the last 24 hours`, `the next two weeks`."""
    said, count = match["unit"].lower().rstrip("s"), count_of(match["count"] or "one")
    if not count or (count == 1) == match["unit"].lower().endswith("s"):  # `the previous 85-year sentence`
        return None
    ahead = OFFSET[match["which"].lower().split()[-1]] > 0
    if said in ("hour", "minute"):
        unit: Unit = "day"
        count = -(-count // 24) if said == "hour" else 1
    elif said == "fortnight":
        unit, count = "week", 2 * count
    else:
        unit = unit_of(said)

    def days(when: date) -> Period:
        other = periods.moved(when, unit, count if ahead else -count)
        return periods.stretch(min(when, other), max(when, other))

    side = "after" if ahead else "before"
    return relative(
        days, f"{match['count'] or 'one'} {match['unit']} {side} the article's date @article", "range"
    )


def _one_unit(match: re.Match[str], place: Place) -> Meaning | None:
    """`over the past week`; `the next week he left` counts from elsewhere."""
    if match["which"].lower() in ("last", "next") and place.before not in _STRETCHES:
        return None
    return _span_of(match, place)


def _in_time(match: re.Match[str], place: Place) -> Meaning | None:
    """`in two weeks`, where the sentence looks ahead."""
    if place.before != "in" or (place.tense != "future" and not match["time"]):
        return None
    count, unit = count_of(match["count"]), unit_of(match["unit"])
    if not count:
        return None
    says = f"{count} {match['unit']} after the article's date @article"
    return relative(lambda when: periods.around(periods.moved(when, unit, count), unit), says, unit)


def _month(match: re.Match[str], place: Place) -> Meaning:
    """`last September`: the latest that was over; `this September`: of the same year."""
    number, which = month_number(match["month"]), OFFSET[match["which"].lower().split()[-1]]

    def days(when: date) -> Period | None:
        if (
            match["which"].lower() == "last"
            and number == periods.month(when.year, when.month - 1).first.month
        ):
            return None  # in October, last September may be a year ago
        same = periods.month(when.year, number)
        passed = number < when.month
        if which == 0 or (which < 0 and passed) or (which > 0 and number > when.month):
            return same
        return periods.month(when.year + which, number)

    where = {-1: "the latest {} before", 0: "the {} of the year of", 1: "the first {} after"}[which]
    return relative(days, f"{where.format(calendar.month_name[number])} the article's date @article", "month")


def _season(match: re.Match[str], place: Place) -> Meaning:
    name, which = match["season"].lower(), OFFSET[match["which"].lower().split()[-1]]

    def days(when: date) -> Period:
        near = [periods.months(when.year + n, SEASON_FIRST_MONTH[name], 3, "range") for n in (-2, -1, 0, 1)]
        if which < 0:
            return [one for one in near if one.last < when][-1]
        if which > 0 or place.tense == "future":
            return next(one for one in near if (one.first > when if which > 0 else one.last >= when))
        return [one for one in near if one.first <= when][-1]

    where = {-1: "the latest {} before", 0: "the {} of", 1: "the first {} after"}[which].format(name)
    return relative(
        days, f"{where} the article's date @article, as on the northern half of the globe", "range"
    )


def _elsewhere(match: re.Match[str], place: Place) -> Meaning:
    """`the next day` counts from what was told before, not from the article's date."""
    return Meaning(lambda _: None, "counted from another event in the text", relative=False)


_UNIT = r"(?P<unit>day|week|month|quarter|year|decade)"
_LONG_UNIT = r"(?P<unit>week|month|quarter|year|decade)"
_ANY_UNIT = r"(?P<unit>minutes?|hours?|days?|weeks?|fortnights?|months?|years?|decades?)"
_NEXT = r"(?P<which>last|past|next|coming|previous)"

RULES = [
    Rule("calendar period", form(rf"(?P<which>last|this|next|current) {_LONG_UNIT}"), _unit),
    Rule("calendar period", form("|".join(_CYRILLIC_PERIODS)), _cyrillic_unit),
    Rule("part of a period", form(rf"(?P<side>earlier|later) (?:this|in the) {_LONG_UNIT}"), _earlier),
    Rule("counted back", form(rf"{COUNT} {_ANY_UNIT} ago"), _ago),
    Rule("counted stretch", form(rf"(?:the )?{_NEXT} {COUNT} {_ANY_UNIT}"), _span_of),
    Rule("counted stretch", form(rf"(?:the|this) {_NEXT} {_UNIT}(?P<count>)"), _one_unit),
    Rule("counted ahead", form(rf"{COUNT} {_UNIT}s?(?P<time>(?:' | )time)?"), _in_time),
    Rule("month", form(rf"{LAST} {MONTH}(?! ?\d)"), _month),
    Rule("season", form(rf"{LAST} (?P<season>spring|summer|autumn|fall|winter)"), _season),
    Rule(
        "counted elsewhere", form(rf"(?:the|that) (?:next|following|same|previous|very) {_UNIT}"), _elsewhere
    ),
    Rule("counted elsewhere", form("the (?:day|week|month|year|night) (?:before|after|earlier)"), _elsewhere),
    Rule(
        "counted elsewhere",
        form(rf"(?:{COUNT} )?(?:hours?|days?|weeks?|months?|years?) (?:later|earlier)"),
        _elsewhere,
    ),
]
