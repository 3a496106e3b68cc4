"""Spans of a text that could be the answer a question asks for, each with a score between 0 and 1.

The score says how well a span fits the type that is expected, not whether it is the answer: a number
followed by the noun that was asked for has 1.0, any number .5. Knows nothing of indexes and rankings.
text, Expectation -> list[AnswerSpan]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from passage_index.types import PartialDate
from search_api.reading.clauses import Clause, definitions, manners, reasons
from search_api.reading.dates import EventDate, event_dates
from search_api.reading.expectation import AnswerType, Expectation
from search_api.reading.lexicon import AUXILIARIES, CONJUNCTIONS, DETERMINERS, PAST, PREPOSITIONS, PRONOUNS
from search_api.reading.names import Name, names
from search_api.reading.nouns import singular
from search_api.reading.numbers import numbers
from search_api.reading.quantities import Quantity, quantities
from search_api.reading.question_nouns import ORGANISATION_NOUNS, PEOPLE, PERSON_NOUNS, PLACE_NOUNS
from search_api.reading.tokens import Token, tokens

_LONGEST_NAME = 100  # characters; what is longer says more than the question
_ASKED_ITSELF = 0.3  # what a span is worth whose words all stand in the question
_SECOND_BEST = 0.6  # what a type that would do as well is worth
_NOUN_NEAR = 8  # tokens before a number in which its noun counts: `residents: 11,000`
_COMMON_NOUNS: dict[AnswerType, tuple[frozenset[str], float]] = {
    "person": (PERSON_NOUNS, 0.45), "place": (PLACE_NOUNS, 0.4), "organisation": (ORGANISATION_NOUNS, 0.4),
}  # fmt: skip
_STOPS = AUXILIARIES | CONJUNCTIONS | PREPOSITIONS | PRONOUNS | PAST
_PHRASE_WORDS = 4


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """text[start:end] fits `type` with `score`; `why` says by which rule."""

    start: int
    end: int
    type: AnswerType
    score: float
    why: str


def spans(text: str, expectation: Expectation, published: PartialDate | None = None) -> list[AnswerSpan]:
    """The candidate spans of a text, best first, then in its order; none for `yes-no` and `other`.

    published: the date of the article, for dates. Time in proportion to the length of text.
    """
    found = tokens(text)
    result = list(_of_type(text, found, expectation, expectation.type, published))
    for other in expectation.also:
        for span in _of_type(text, found, expectation, other, published):
            result.append(
                AnswerSpan(span.start, span.end, span.type, round(span.score * _SECOND_BEST, 3), span.why)
            )
    best: dict[tuple[int, int], AnswerSpan] = {}
    for span in _in_question_last(text, result, expectation.words):
        kept = best.get((span.start, span.end))
        if kept is None or span.score > kept.score:
            best[span.start, span.end] = span
    return sorted(best.values(), key=lambda span: (-span.score, span.start, span.end))


def _in_question_last(text: str, found: list[AnswerSpan], words: frozenset[str]) -> Iterator[AnswerSpan]:
    """`Who met Anna Moroz?` is not answered by Anna Moroz."""
    for span in found:
        if span.end - span.start > _LONGEST_NAME:
            yield span
            continue
        said = [token.low for token in tokens(text, span.start, span.end) if token.kind != "mark"]
        known = bool(said) and all(word in words or word in _STOPS or word in DETERMINERS for word in said)
        yield replace(span, score=round(span.score * _ASKED_ITSELF, 3)) if known else span


def _of_type(
    text: str,
    found: Sequence[Token],
    expectation: Expectation,
    kind: AnswerType,
    published: PartialDate | None,
) -> Iterator[AnswerSpan]:
    if kind in _COMMON_NOUNS:
        yield from _named(found, kind)
        yield from _common(found, kind)
    elif kind == "number":
        yield from _numbers(text, found, expectation)
    elif kind == "date":
        yield from _dates(text, found, expectation, published)
    elif kind in _CLAUSES:
        for first, last, score, cue in _CLAUSES[kind](found, expectation):
            yield AnswerSpan(found[first].start, found[last - 1].end, kind, score, f"behind {cue!r}")


_CLAUSES: dict[AnswerType, Callable[[Sequence[Token], Expectation], list[Clause]]] = {
    "reason": lambda found, _: reasons(found),
    "manner": lambda found, _: manners(found),
    "definition": lambda found, expectation: definitions(found, frozenset(expectation.nouns)),
}


def _named(found: Sequence[Token], kind: AnswerType) -> Iterator[AnswerSpan]:
    for name in names(found):
        yield AnswerSpan(found[name.first].start, found[name.last - 1].end, kind, _fit(name, kind), "a name")


def _fit(name: Name, kind: AnswerType) -> float:
    return {"person": name.person, "place": name.place}.get(kind, name.organisation)


def _common(found: Sequence[Token], kind: AnswerType) -> Iterator[AnswerSpan]:
    """`the old mayor`, `two villages`: a noun of the type, with the few words before it."""
    nouns, score = _COMMON_NOUNS[kind]
    for i, token in enumerate(found):
        if token.kind != "word" or token.capital or singular(token.low) not in nouns:
            continue
        first = i
        while (
            first > 0
            and i - first < _PHRASE_WORDS
            and found[first - 1].kind != "mark"
            and not found[first].after_break
        ):
            before = found[first - 1].low
            if before in DETERMINERS:
                first -= 1
                break
            if before in _STOPS:
                break
            first -= 1
        yield AnswerSpan(found[first].start, token.end, kind, score, "a common noun")


def _numbers(text: str, found: Sequence[Token], expectation: Expectation) -> Iterator[AnswerSpan]:
    starts = {token.start: i for i, token in enumerate(found)}
    for one in quantities(text):
        score, why = _number_fit(one, found, starts.get(one.start, 0), expectation)
        yield AnswerSpan(one.start, one.end, "number", score, why)
    for number in numbers(found):
        if number.form == "vague":
            behind = {singular(token.low) for token in found[number.last : number.last + 5]}
            asked = bool(behind & {*expectation.nouns})
            yield AnswerSpan(
                found[number.first].start,
                found[number.last - 1].end,
                "number",
                0.8 if asked else 0.4,
                "a vague number of what was asked" if asked else "a vague number",
            )


def _number_fit(
    one: Quantity, found: Sequence[Token], at: int, expectation: Expectation
) -> tuple[float, str]:
    """1.0 where kind and noun are what was asked, .5 where it is a number of something else."""
    wanted = {*expectation.nouns}
    if expectation.measures and one.kind not in expectation.measures:
        return 0.3, f"another kind of quantity: {one.kind}"
    if one.kind != "count" and one.kind != "share":
        return (1.0 if expectation.measures[:1] == (one.kind,) else 0.8), f"the kind of quantity: {one.kind}"
    if not expectation.nouns:
        return 0.5, "a number"
    if one.noun in wanted:
        return (1.0 if one.noun == expectation.nouns[0] else 0.85), "a number followed by the asked noun"
    if expectation.nouns[0] in PEOPLE and one.noun in PEOPLE | PERSON_NOUNS:
        return 0.9, "a number of people"
    if one.noun:
        return 0.5, "a number of something else"
    if wanted & {singular(token.low) for token in found[max(0, at - _NOUN_NEAR) : at]}:
        return 0.75, "a number behind the asked noun"
    return 0.6, "a number without a noun"


def _dates(
    text: str, found: Sequence[Token], expectation: Expectation, published: PartialDate | None
) -> Iterator[AnswerSpan]:
    detail = expectation.detail
    for one in event_dates(text, published):
        score, why = _date_fit(text[one.start : one.end], one, detail)
        yield AnswerSpan(one.start, one.end, "date", score, why)
    for first, last in _times(found):
        score = 1.0 if detail == "time" else 0.5 if not detail else 0.2
        yield AnswerSpan(found[first].start, found[last - 1].end, "date", score, "a time of day")


def _date_fit(said: str, one: EventDate, detail: str) -> tuple[float, str]:
    if one.rule == "counted elsewhere":
        return 0.4, one.rule
    if detail == "year":
        written = any(said[i : i + 4].isdecimal() for i in range(len(said) - 3))
        return (1.0, "a date with its year") if written else (0.5, "a date without a year")
    if detail == "time":
        return 0.4, "a date, where a time of day is asked"
    if detail in ("day", "month"):
        return (
            (1.0, "a date")
            if one.precision == detail or one.precision == "day"
            else (0.6, "a longer stretch")
        )
    return (1.0, "a date") if one.rule != "counted back" or one.resolved else (0.8, "a date, not to the day")


def _times(found: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """`3:40 p.m.`, `10 am`, `noon`, `15:00`."""
    for i, token in enumerate(found):
        if token.low in ("noon", "midnight", "midday", "dawn", "dusk"):
            yield i, i + 1
        elif token.kind == "number" and len(token.text) <= 2 and not (i and found[i - 1].text == ":"):
            last = i + 1
            if (
                last + 1 < len(found)
                and found[last].text in ":."
                and len(found[last + 1].text) == 2
                and found[last + 1].kind == "number"
            ):
                last += 2
            half = last < len(found) and found[last].low in ("a.m.", "p.m.", "am", "pm", "o'clock")
            if half or (last > i + 1 and found[i + 1].text == ":"):
                yield i, last + half
