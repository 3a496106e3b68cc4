"""Dates as people and machines write them -> PartialDate, with no more precision than was written.

Knows nothing of articles or files, and never guesses: what can be read in two ways is no date.
str | int | datetime -> PartialDate | None.
"""

import math
import re
from datetime import UTC, date, datetime
from email.utils import parsedate

from passage_index.types import PartialDate

FIRST_YEAR, LAST_YEAR = 1000, 2200
MAX_DATE_CHARS = 100  # the longest form met, JavaScript's, has 62; patterns never see more

_EPOCH_S = range(100_000_000, 7_258_118_400)  # 1973 .. 2200; below it a number is more likely a count
_EPOCH_MS = range(_EPOCH_S.start * 1000, _EPOCH_S.stop * 1000)

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july",
    "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_OF = {name: n for n, full in enumerate(_MONTHS, 1) for name in (full, full[:3])} | {"sept": 9}

# Every pattern sees one line whose runs of blanks are single spaces.
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_TIME = (
    r"(?:(?:t|,? (?:at )?)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[ap]\.?m\.?)?"
    r"(?: ?[a-z]{1,5})?(?: ?[+-]\d{2}:?\d{2})?(?: ?\([a-z ]*\))?)?"
)


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form, re.IGNORECASE | re.ASCII)


_YEAR_FIRST = _pattern(rf"{_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?:(?P=mark){_DAY}{_TIME})?")
_DAY_FIRST = _pattern(rf"{_WEEKDAY}{_DAY}\.?[ -](?:of )?{_MONTH},?[ -]{_YEAR}{_TIME}")
_MONTH_FIRST = _pattern(rf"{_WEEKDAY}{_MONTH} {_DAY},? {_YEAR}{_TIME}")
_MONTH_ALONE = _pattern(rf"{_MONTH},? {_YEAR}")
_YEAR_LAST = _pattern(rf"(?P<a>\d{{1,2}})(?P<mark>[-/.])(?P<b>\d{{1,2}})(?P=mark){_YEAR}{_TIME}")
_CHINESE = _pattern(r"(?P<year>\d{4})年 ?(?P<month>\d{1,2})月(?: ?(?P<day>\d{1,2})日)?")
_COMPACT = _pattern(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:t?\d{6}z?)?")
_RFC_822 = _pattern(
    r"(?:[a-z]{3,9},? )?(?:\d{1,2} [a-z]{3,9} \d{2}|[a-z]{3,9} \d{1,2}) \d{1,2}:\d{2}(?::\d{2})?(?: .*)?"
)

_LABEL = _pattern(r"(?:date|dated|published|publication date|posted)(?: on| at)? ?[:\u2013\u2014-]? ?(.+)")
_INLINE = _pattern(r"date ?:? ?(\d{4}-\d{2}-\d{2})(?=\s)")


def parse_published(value: object) -> PartialDate | None:
    """The date a value states, or None where it states none or more than one.

    Read are ISO forms (`2023`, `2023-11`, `2023-11-09T23:30:00-05:00`: the day as written), RFC 822,
    `20231109`, epoch seconds and milliseconds (1973 to 2200, in UTC), English month names
    (`Nov. 9, 2023`, `9 November 2023`, `November 2023`), `2023年11月9日` and `13/11/2023`, whose order only
    one reading fits; `9/11/2023` is None, `9.11.2023` has the day first as everywhere dots are used.
    Years 1000 to 2200. Never raises; O(1), for a text of more than 100 characters is no date.
    """
    if isinstance(value, PartialDate):
        return value
    if isinstance(value, date):  # datetime is one
        return _day(value.year, value.month, value.day)
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        whole = int(value) if math.isfinite(value) else 0
        return _from_number(whole) if whole == value or whole in _EPOCH_S else None
    if isinstance(value, int):
        return _from_number(value)
    if isinstance(value, str) and len(value) <= MAX_DATE_CHARS:
        return _from_text(" ".join(value.split()))
    return None


def split_date_line(text: str) -> tuple[PartialDate | None, str]:
    """A text that begins with its own date -> (the date, the text after it), else (None, text).

    Taken is a first line that is a date to the day and nothing else, one that says so
    (`Published: 12 March 2021`, `Date: 2021-03`), and the prefix `date 2023-11-09 ` of a longer
    line. The text must be normalised; it is left alone if nothing would remain of it.
    """
    line = text[: MAX_DATE_CHARS * 2].partition("\n")[0]
    rest = text[len(line) :].strip()
    published: PartialDate | None = None
    if len(line) <= MAX_DATE_CHARS:
        labelled = _LABEL.fullmatch(" ".join(line.split()))
        published = parse_published(labelled[1] if labelled else line)
        if not labelled and published and (published.precision != "day" or line.strip().isdigit()):
            published = None
    if published is None and (inline := _INLINE.match(text)):
        published, rest = parse_published(inline[1]), text[inline.end() :].strip()
    return (published, rest) if published and rest else (None, text)


def _from_number(number: int) -> PartialDate | None:
    if FIRST_YEAR <= number <= LAST_YEAR:
        return PartialDate.parse(f"{number:04d}")
    if number in _EPOCH_MS:
        number //= 1000
    if number in _EPOCH_S:
        return parse_published(datetime.fromtimestamp(number, UTC))
    return _from_compact(str(number))


def _from_compact(text: str) -> PartialDate | None:
    found = _COMPACT.fullmatch(text)
    return _day(int(found["year"]), int(found["month"]), int(found["day"])) if found else None


def _from_text(text: str) -> PartialDate | None:
    if text.isascii() and text.isdigit() and len(text) <= 13:
        return _from_number(int(text))
    if found := _YEAR_FIRST.fullmatch(text):
        if found["day"] is None and found["mark"] == ".":
            return None  # 2023.11 is more likely a number
        return _day(int(found["year"]), int(found["month"]), int(found["day"]) if found["day"] else None)
    if found := _CHINESE.fullmatch(text):
        return _day(int(found["year"]), int(found["month"]), int(found["day"]) if found["day"] else None)
    if found := _YEAR_LAST.fullmatch(text):
        return _year_last(int(found["a"]), int(found["b"]), int(found["year"]), found["mark"])
    for pattern in (_DAY_FIRST, _MONTH_FIRST, _MONTH_ALONE):
        found = pattern.fullmatch(text)
        if found and (month := _MONTH_OF.get(found["month"].lower())):
            day = found.groupdict().get("day")
            return _day(int(found["year"]), month, int(day) if day else None)
    if _RFC_822.fullmatch(text) and (parts := parsedate(text)):  # two-digit years, asctime
        return _day(*parts[:3])
    return _from_compact(text)


def _year_last(a: int, b: int, year: int, mark: str) -> PartialDate | None:
    if mark == "." or a > 12 or a == b:
        return _day(year, b, a)
    return _day(year, a, b) if b > 12 else None


def _day(year: int, month: int, day: int | None = None) -> PartialDate | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return PartialDate.parse(f"{year:04d}-{month:02d}" + (f"-{day:02d}" if day is not None else ""))
    except ValueError:
        return None
