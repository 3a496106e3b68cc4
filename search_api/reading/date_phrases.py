"""Phrases around a date: `on`, `since`, `from .. to`, `early in`, `the end of`; the longest reading wins.

Part of `dates.py`: asks each rule at a place, and puts what they read together.
"""

import re
from dataclasses import dataclass, replace
from datetime import date

from search_api.reading import dates_counted, dates_fixed, dates_near, dates_yearly, periods
from search_api.reading.date_forms import ARTICLE, REACH, Meaning, Place, Rule, form
from search_api.reading.lexicon import MONTH_OF, ONES, ORDINALS, SEASON_FIRST_MONTH, TENS, WEEKDAY_OF
from search_api.reading.periods import DatePrecision, Part, Period
from search_api.reading.tense import Tenses
from search_api.reading.tokens import BLANK


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read at a place: where it ends, by which rule, and what it means."""

    end: int
    rule: str
    meaning: Meaning


_RULES: list[Rule] = [*dates_fixed.RULES, *dates_yearly.RULES, *dates_near.RULES, *dates_counted.RULES]

# What one rule reads begins with a number or with one of these; before it may stand one of the others.
FIRST_WORDS = frozenset(
    """
    the that this last next past coming previous current earlier later late early a an couple half dozen q
    h ad few several christmas boxing new valentine valentine's st halloween all good easter ash palm
    maundy today tonight yesterday tomorrow overnight final hours days weeks months years hour day week
    month year в у во на вчора вчера сьогодні сегодня завтра позавчора позавчера післязавтра послезавтра
    минулого цього наступного торік
    """.split()
) | {*MONTH_OF, *WEEKDAY_OF, *ONES, *TENS, *ORDINALS, *SEASON_FIRST_MONTH, "a.d."}
LEADING_WORDS = frozenset(
    """
    on in at during over within for by until till through throughout from around as since ever between mid
    beginning start end middle close
    """.split()
)
_WORD = re.compile(r"[^\W\d_]{1,30}|\d")

_LEAD = re.compile(
    r"(?P<lead>on|in|at|during|over|within|for|by|until|till|through|throughout|from|around|as of)"
    rf"{BLANK}{{1,2}}(?!earlier|later)",
    re.IGNORECASE,
)
_THE = re.compile(rf"the{BLANK}{{1,2}}", re.IGNORECASE)
_SINCE = re.compile(rf"(?:ever )?since{BLANK}{{1,2}}", re.IGNORECASE)
_RANGE = re.compile(rf"(?P<form>from|between){BLANK}{{1,2}}", re.IGNORECASE)
_TO = re.compile(rf"{BLANK}{{0,2}}(?P<word>to|until|till|through|and|[-–—]){BLANK}{{0,2}}", re.IGNORECASE)
_PART = re.compile(
    rf"(?:the{BLANK})?(?P<part>earlier|later|early|late|mid)(?:{BLANK}{{1,2}}|[-‑–])(?:(?:on|in){BLANK})?(?:the{BLANK})?",
    re.IGNORECASE,
)
_EDGE = re.compile(
    rf"(?:the{BLANK})?(?:very{BLANK})?(?P<edge>beginning|start|end|middle|close){BLANK}of{BLANK}",
    re.IGNORECASE,
)
_HOURS = re.compile(
    rf"(?:the{BLANK})?(?:(?:early|late|small){BLANK})?(?:hours|morning|afternoon|evening|night){BLANK}(?:of|on){BLANK}",
    re.IGNORECASE,
)
_THE_UNIT = form(r"the (?P<unit>week|month|quarter|year|decade)")
_EDGES: dict[str, Part] = {
    "beginning": "start",
    "start": "start",
    "end": "end",
    "close": "end",
    "middle": "mid",
}
_PARTS: dict[str, Part] = {
    "early": "early",
    "earlier": "early",
    "late": "late",
    "later": "late",
    "mid": "mid",
}
_OPEN_ENDED = frozenset({"until", "till", "by", "through"})


class PhraseReader:
    """Reads the longest expression at a place; each look ahead is bounded by `REACH`."""

    def __init__(self, text: str, tenses: Tenses) -> None:
        self._text = text
        self._tenses = tenses

    def read(self, start: int, before: str) -> Reading | None:
        """With the preposition that leads it in: `on Thursday`, `since Monday`, `from May to July`."""
        whole = self._range(start) or self._since(start)
        if whole is not None:
            return whole
        lead = _LEAD.match(self._text, start)
        if lead is None:
            return self._phrase(start, before, led=False)
        word = lead["lead"].lower()
        found = self._phrase(lead.end(), word.split()[-1], lean=word in _OPEN_ENDED)
        return found if found is None or word not in ("by", "until", "till") else _up_to(found)

    def _phrase(self, start: int, before: str, *, led: bool = True, lean: bool = False) -> Reading | None:
        """`early in March`, `the end of last year`, `the night of 3 May`, or what is no part of anything."""
        text = self._text
        found = [self._plain(start, before, lean)]
        if led and (the := _THE.match(text, start)):
            found.append(self._plain(the.end(), f"{before} the", lean))
        if part := _PART.match(text, start):
            inner = self._plain(part.end(), "early", lean)
            found.append(inner and _part_of(inner, _PARTS[part["part"].lower()], part["part"].lower()))
        if edge := _EDGE.match(text, start):
            inner = (
                self._the_unit(edge.end())
                or self._plain(edge.end(), "of", lean)
                or self._after_the(edge.end())
            )
            found.append(
                inner and _part_of(inner, _EDGES[edge["edge"].lower()], f"{edge['edge'].lower()} of")
            )
        if hours := _HOURS.match(text, start):
            inner = self._plain(hours.end(), "of", lean) or self._after_the(hours.end())
            found.append(inner if inner and inner.meaning.precision == "day" else None)
        return max((one for one in found if one), key=lambda one: one.end, default=None)

    def _plain(self, start: int, before: str, lean: bool) -> Reading | None:
        """The longest that one rule reads here."""
        word = _WORD.match(self._text, start)
        if word is None or not (word[0][0].isdigit() or word[0].lower() in FIRST_WORDS):
            return None
        best: Reading | None = None
        for rule in _RULES:
            match = rule.pattern.match(self._text, start, start + REACH)
            if match is None or (best is not None and match.end() <= best.end):
                continue
            tense = self._tenses.at(start, match.end())
            place = Place(before, "unclear" if lean and tense == "past" else tense)
            try:
                meaning = rule.read(match, place)
            except (ValueError, OverflowError):  # 31 April
                continue
            if meaning is not None:
                best = Reading(match.end(), rule.name, meaning)
        return best

    def _after_the(self, start: int) -> Reading | None:
        the = _THE.match(self._text, start)
        return self._plain(the.end(), "the", lean=False) if the else None

    def _the_unit(self, start: int) -> Reading | None:
        """`the year` after `the end of` is the article's."""
        match = _THE_UNIT.match(self._text, start, start + REACH)
        if match is None or self._plain(start, "of", lean=False):
            return None
        meaning = dates_counted.calendar_unit(dates_counted.unit_of(match["unit"]), 0)
        return Reading(match.end(), "calendar period", meaning)

    def _since(self, start: int) -> Reading | None:
        since = _SINCE.match(self._text, start)
        inner = self._phrase(since.end(), "since") if since else None
        if inner is None:
            return None
        begin = inner.meaning

        def days(when: date) -> Period | None:
            period = begin.days(when)
            return period and periods.stretch(period.first, max(when, period.first))

        says = f"from then ({begin.says}) to the article's date {ARTICLE}"
        return replace(inner, rule="since", meaning=Meaning(days, says, relative=True, precision="range"))

    def _range(self, start: int) -> Reading | None:
        """`from Monday to Wednesday`: the last is found first, and the first is the one before it."""
        lead = _RANGE.match(self._text, start)
        first = self._phrase(lead.end(), lead["form"].lower()) if lead else None
        link = _TO.match(self._text, first.end) if first else None
        if (
            lead is None
            or first is None
            or link is None
            or (link["word"].lower() == "and") != (lead["form"].lower() == "between")
        ):
            return None
        last = self._phrase(link.end(), "to")
        if last is None:
            return None
        begin, end = first.meaning, last.meaning

        def days(when: date) -> Period | None:
            until = end.days(when)
            since = begin.days(when)
            if until and since and since.first > until.last:
                since = begin.days(until.first)
            return since and until and periods.stretch(since.first, until.last)

        says = begin.says if begin.says == end.says else f"from ({begin.says}) to ({end.says})"
        return Reading(last.end, "from to", Meaning(days, says, begin.relative or end.relative, "range"))


def _part_of(inner: Reading, part: Part, said: str) -> Reading:
    meaning = inner.meaning

    def days(when: date) -> Period | None:
        period = meaning.days(when)
        return period and periods.part(period, part)

    precision: DatePrecision = "day" if meaning.precision == "day" else "range"
    return replace(
        inner, meaning=replace(meaning, days=days, says=f"{said} {meaning.says}", precision=precision)
    )


def _up_to(found: Reading) -> Reading:
    """`by the end of the year`: from the article's date to its end, where that is to come."""
    if found.rule != "calendar period" or not found.meaning.relative:
        return found
    meaning = found.meaning

    def days(when: date) -> Period | None:
        period = meaning.days(when)
        return period if period is None or period.last < when else periods.stretch(when, period.last)

    return replace(
        found,
        meaning=replace(
            meaning, days=days, says=f"from the article's date {ARTICLE} to {meaning.says}", precision="range"
        ),
    )
