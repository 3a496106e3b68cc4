"""When: the expressions of time in a text, resolved against the date of its article.

What is relative (`on Thursday`, `last month`, `9 November`) is resolved from the article's date, what is
written out stands for itself, and what cannot be known stays open: without a date nothing relative is
resolved, and with a month or a year only what is the same on every day of it. Follows the conventions of
English newspapers, with some Ukrainian and Russian; docs/decisions/0009-dates-in-sentences.md.
Knows nothing of articles or indexes. text, date -> list[EventDate]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from passage_index.types import PartialDate
from search_api.reading.date_forms import ARTICLE, Meaning
from search_api.reading.date_phrases import FIRST_WORDS, LEADING_WORDS, PhraseReader, Reading
from search_api.reading.periods import DatePrecision, Period
from search_api.reading.tense import Tenses
from search_api.reading.tokens import Token, tokens


@dataclass(frozen=True, slots=True)
class EventDate:
    """An expression of time: text[start:end], and the days first..last (both included) that it means.

    first and last are None where the days cannot be told; `rule` is the rule that read it, `explanation`
    says in plain words how.
    """

    start: int
    end: int
    first: date | None
    last: date | None
    precision: DatePrecision
    rule: str
    explanation: str

    @property
    def resolved(self) -> bool:
        """Its days are known."""
        return self.first is not None


def event_dates(text: str, published: PartialDate | None) -> list[EventDate]:
    """The expressions of time in a text, in order, none overlapping another.

    published: the article's date, or None where there is none. Time in proportion to the length of text.
    """
    return list(_found(text, published))


def _found(text: str, published: PartialDate | None) -> Iterator[EventDate]:
    words = tokens(text)
    reader = PhraseReader(text, Tenses(words))
    done = 0
    for i, word in enumerate(words):
        if word.start < done or not _may_begin(words, i):
            continue
        reading = reader.read(word.start, words[i - 1].low if i else "")
        if reading is not None:
            done = reading.end
            yield _resolved(word.start, reading, published)


def _may_begin(words: list[Token], i: int) -> bool:
    word = words[i]
    if word.kind != "number" and word.low not in FIRST_WORDS and word.low not in LEADING_WORDS:
        return False
    return not (i and words[i - 1].end == word.start and words[i - 1].text in "-‑–.$€£#/:+'’")


def _resolved(start: int, reading: Reading, published: PartialDate | None) -> EventDate:
    meaning = reading.meaning
    period = _period(meaning, published)
    says = meaning.says.replace(ARTICLE, str(published))
    if period is None:
        if meaning.relative and published is None:
            says = "counted from the article's date, which is not known"
        elif meaning.relative and published is not None and published.precision != "day":
            says = f"counted from the article's date, of which only {published} is known"
        elif meaning.relative:
            says += ": it could be another one, so it is left open"
        return EventDate(start, reading.end, None, None, meaning.precision, reading.rule, says)
    return EventDate(start, reading.end, period.first, period.last, period.precision, reading.rule, says)


def _period(meaning: Meaning, published: PartialDate | None) -> Period | None:
    """The days; for an article of some day of a month, those that are the same whichever day it was."""
    try:
        if not meaning.relative:
            return meaning.days(date.min)
        if published is None:
            return None
        early, late = meaning.days(published.first), meaning.days(published.last)
    except (ValueError, OverflowError):
        return None
    if early == late or early is None or late is None:
        return early if early == late else None
    if published.first <= early.first and late.last <= published.last:
        return Period(early.first, late.last, published.precision)
    return None
