"""Rules for dates in figures, years, decades and centuries: what stands for itself. Part of `dates.py`."""

import re
from datetime import date

from search_api.reading import periods
from search_api.reading.date_forms import MONTH, TO, Meaning, Place, Rule, fixed, form, month_number
from search_api.reading.lexicon import ORDINALS

_LATEST_YEAR = 2150
_BARE_YEARS = (1600, 2060)
_YEAR = r"(?P<year>[12]\d{3})(?!\d|[,.]\d)"
# Four digits are a year after these.
_BEFORE_A_YEAR = frozenset(
    """
    in since until till by during of from to between and through throughout early late mid before after
    the for at around circa year summer winter spring autumn fall end beginning start following ( [ - – —
    """.split()
)
_BEFORE_A_COUNT = frozenset(
    "about some nearly almost over under than least most approximately roughly exactly only number @".split()
)
_NOT_A_COUNT = (
    r"(?! (?:[a-z]{1,20} )?(?:people|residents|men|women|children|deaths|cases|miles|km|kilomet|met|feet|"
    r"tons|tonnes|dollars|euros|soldiers|troops|workers|homes|votes|points|seats|copies|acres|hectares|kg|times|per)\b|percent)"
)
_AS_WRITTEN = "as written"
_CENTURIES = ORDINALS | {"twenty-first": 21}


def _iso(match: re.Match[str], place: Place) -> Meaning:
    return fixed(periods.day(date(*(int(match[part]) for part in ("year", "month", "day")))), _AS_WRITTEN)


def _in_figures(match: re.Match[str], place: Place) -> Meaning | None:
    """Dots put the day first; slashes count only where one number can be no month."""
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if match["mark"] == "." or first > 12 else (second, first)
    if match["mark"] == "/" and first <= 12 and second <= 12 and first != second:
        return Meaning(lambda _: None, "the day or the month may stand first", relative=False)
    return fixed(periods.day(date(int(match["year"]), month, day)), _AS_WRITTEN)


def _months(match: re.Match[str], place: Place) -> Meaning:
    """`October to December 2021`; the first lies in the year before where it comes later in a year."""
    year, first, last = int(match["year"]), month_number(match["first"]), month_number(match["month"])
    begin = periods.month(year - (first > last), first).first
    return fixed(periods.stretch(begin, periods.month(year, last).last), _AS_WRITTEN)


def _years(match: re.Match[str], place: Place) -> Meaning | None:
    """`2014–16`, `2014 to 2016`; a hyphen and a number that could be a month count only if it is the next."""
    first, said = int(match["year"]), match["until"]
    last = int(said) if len(said) == 4 else first // 100 * 100 + int(said)
    if not first < last <= _LATEST_YEAR or (len(said) == 2 and int(said) <= 12 and last - first > 1):
        return None
    return fixed(periods.stretch(date(first, 1, 1), date(last, 12, 31)), _AS_WRITTEN)


def _year(match: re.Match[str], place: Place) -> Meaning | None:
    if place.before not in _BEFORE_A_YEAR or int(match["year"]) > _LATEST_YEAR:
        return None
    return fixed(periods.year(int(match["year"])), _AS_WRITTEN)


def _bare_year(match: re.Match[str], place: Place) -> Meaning | None:
    """Whole hundreds are more often counts; counts of thousands have a comma in newspapers."""
    year = int(match["year"])
    if place.before in _BEFORE_A_COUNT or not _BARE_YEARS[0] < year < _BARE_YEARS[1] or year % 100 == 0:
        return None
    return fixed(periods.year(year), _AS_WRITTEN)


def _month_in_figures(match: re.Match[str], place: Place) -> Meaning:
    return fixed(periods.month(int(match["year"]), int(match["month"])), _AS_WRITTEN)


def _era(match: re.Match[str], place: Place) -> Meaning:
    return fixed(periods.year(int(match["behind"] or match["before"])), _AS_WRITTEN)


def _before_the_era(match: re.Match[str], place: Place) -> Meaning:
    return Meaning(lambda _: None, "before the first year that a calendar of days knows", relative=False)


def _decade(match: re.Match[str], place: Place) -> Meaning:
    return fixed(periods.decade(int(match["year"])), _AS_WRITTEN)


def _century(match: re.Match[str], place: Place) -> Meaning:
    return fixed(periods.century(_century_number(match["number"])), _AS_WRITTEN)


def _centuries(match: re.Match[str], place: Place) -> Meaning:
    """`the 18th and 19th centuries`."""
    first, last = (periods.century(_century_number(match[part])) for part in ("first", "number"))
    return fixed(periods.stretch(first.first, last.last), _AS_WRITTEN)


def _century_number(said: str) -> int:
    return _CENTURIES.get(said.lower()) or int(re.sub(r"\D", "", said))


_FIRST_MONTH = MONTH.replace("month", "first", 1)
_CENTURY_NAMES = "|".join(sorted(_CENTURIES, key=len, reverse=True))

_ORDINAL = rf"(?:{_CENTURY_NAMES}|\d{{1,2}}(?:st|nd|rd|th))"
_NUMBERED = rf"(?P<number>{_ORDINAL})"
_BC = r"(?:BCE?|B\.C\.(?:E\.)?)"

RULES = [
    Rule(
        "date in figures",
        form(r"(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)(?:T\d\d:\d\d(?::\d\d)?Z?)?"),
        _iso,
    ),
    Rule(
        "date in figures",
        form(r"(?P<first>\d{1,2})(?P<mark>[./])(?P<second>\d{1,2})(?P=mark)(?P<year>[12]\d{3})"),
        _in_figures,
    ),
    Rule("date in figures", form(r"(?P<month>0?[1-9]|1[0-2])/(?P<year>[12]\d{3})(?!/)"), _month_in_figures),
    Rule("months", form(rf"{_FIRST_MONTH}(?:{TO}| and ){MONTH},? (?:of )?{_YEAR}"), _months),
    Rule("years", form(rf"{_YEAR}{TO}(?P<until>\d{{4}}|\d{{2}})(?!\d)"), _years),
    Rule("decade", form(r"(?P<year>[12]\d{2}0)'?s"), _decade),
    Rule("era", form(r"(?:A\.?D\.? (?P<behind>\d{1,4})|(?P<before>\d{1,4}) (?:AD|CE|A\.D\.|C\.E\.))"), _era),
    Rule("era", form(rf"\d{{1,3}}(?:,?\d{{3}})?(?:{TO}\d{{1,4}})? {_BC}"), _before_the_era),
    Rule("era", form(rf"\d{{1,2}}(?:st|nd|rd|th) (?:century|millennium) {_BC}"), _before_the_era),
    Rule(
        "century",
        form(
            rf"(?P<first>{_ORDINAL})(?:,? and | to | through )(?:to )?(?:the )?{_NUMBERED} centuries(?! BC)"
        ),
        _centuries,
    ),
    Rule("century", form(rf"{_NUMBERED}(?: |-)century(?! BC)"), _century),
    Rule("year", form(_YEAR + _NOT_A_COUNT), _bare_year),
    Rule("year", form(_YEAR + r"(?: року| году| році| года| р\.| г\.)?"), _year),
]
