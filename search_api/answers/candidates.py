"""Sentences that may answer a question, each with what speaks for it.

The sentences of the first passages, by their stored vectors, their words, what kind of answer the
question waits for and what a reader makes of them, where there is one. Encodes nothing.
(Backend, Finding) -> Candidates
"""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from passage_index.backend import Backend
from passage_index.types import Scores, Span, StoredPassage
from search_api.finding import Finding
from search_api.question import matters
from search_api.reader.narrowing import narrowed, worth
from search_api.reader.reading import Reading
from search_api.reading.expectation import Expectation, expected
from search_api.reading.spans import AnswerSpan, spans

PASSAGES = 20  # of the ranking, that are read sentence by sentence
WHOLE = 5  # of them, that a reader reads to their end: what answers is not always what is nearest
SHORT_WORDS = 4
FITS = 1.0  # score of a typed span from which it is shown
MARKED_FROM = 0.2  # chance of what the reader marks, from which it is shown
SUREST = 8.0  # raw values of a reader beyond it say no more
SHARPNESS = 0.05  # cosines by which one sentence of a passage is e times as likely as another
STEM = 5  # letters by which two names are one here: `Russia`, `Russian`

_WORD = re.compile(r"[^\W_][\w'’-]*")

Terms = Callable[[str], Sequence[str]]
Read = Callable[[str, Sequence[StoredPassage]], tuple[list[Reading], str]]


class Evidence(NamedTuple):
    """What speaks for a sentence. All rise with relevance but `short` and `question`."""

    cosine: float  # question and sentence
    fused: float  # of the passage, below the first one's: 0 or less
    place: float  # 1 / rank of the passage
    coverage: float  # share of the question's words in the sentence, weighed by idf
    beside: float  # the further share in the sentences before and after it
    around: float  # the further share in the passage and the title
    typed: float  # how well a span fits what is asked for, 0..1
    answers: float  # how sure the reader is that the passage answers, a raw value; 0 without a reader
    share: float  # the chance by the reader that the answer stands in this sentence rather than another
    read: float  # both together: the chance that the answer is here
    short: float  # 1 of a sentence of a word or two: a caption, a heading
    question: float  # 1 of a sentence that asks
    named: float  # share of the question's names that its article has; 1 of a question without one


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage. start, end: code points in the article's text."""

    stored: StoredPassage
    position: int  # of the passage in the pool
    number: int  # of the sentence in the passage
    start: int
    end: int
    evidence: Evidence
    span: AnswerSpan | None  # what in it fits the question best; offsets in the article's text
    marked: tuple[Span, float] | None = None  # what the reader marks in it as the answer, and its chance
    was_read: bool = False  # whether a reader has seen its passage

    @property
    def text(self) -> str:
        """The sentence as it stands."""
        return self.stored.article.text[self.start : self.end]

    @property
    def shortest(self) -> AnswerSpan | None:
        """The part of it that is enough: what the reader marks, else what fits the question fully, if any.

        Of the kind that was asked for where both meet in one place.
        """
        fits = self.span if self.span and self.span.score >= FITS else None
        if self.marked is None or self.marked[1] < MARKED_FROM:
            return fits
        (start, end), chance = self.marked
        meets = fits is not None and fits.start < end and start < fits.end
        kind = fits.type if fits and meets else "other"
        return AnswerSpan(start, end, kind, chance, "marked by the reader")


class Candidates(NamedTuple):
    """judged: raw values of the reader for the first passages of the ranking, (n,); none without one."""

    every: list[Candidate]
    judged: Scores
    warnings: tuple[str, ...]


def candidates(snapshot: Backend, found: Finding, read: Read | None = None) -> Candidates:
    """Every sentence of the first passages once, in the order of the ranking.

    read: (question, passages) -> readings of the first of them; where it gives any, only of these. Of
    those behind the first ones it is given the sentences round the best.
    """
    if found.vector is None or not found.ranked:
        return Candidates([], np.zeros(0), ())
    first = found.ranked[:PASSAGES]
    asked = _Asked(snapshot, found)
    stored_passages = snapshot.fetch(found.pool.rows[first])
    places = [
        _Place(
            stored, position, rank, snapshot.sentence_cosines(found.vector, found.pool.rows[position]), asked
        )
        for rank, (position, stored) in enumerate(zip(first, stored_passages, strict=True), 1)
    ]
    parts = [
        one.stored if one.rank <= WHOLE else narrowed(one.stored, worth(one.cosines, one.shares))
        for one in places
    ]
    readings, warning = read(found.request.question, parts) if read else ([], "")
    seen: set[tuple[str, int]] = set()
    out = []
    those: Sequence[Reading | None] = readings or [None] * len(first)
    for one, reading in zip(places, those, strict=False):
        for candidate in _of_passage(one, reading):
            place = (one.stored.article.id, candidate.start)
            if place not in seen:
                seen.add(place)
                out.append(candidate)
    judged = np.array([one.answerable for one in readings], dtype=np.float64)
    return Candidates(out, judged, (warning,) if warning else ())


@dataclass(frozen=True)
class _Asked:
    """A question: its words, its names, and what kind of answer it waits for."""

    snapshot: Backend
    found: Finding

    @cached_property
    def expected(self) -> Expectation:
        return expected(self.found.request.question)

    @cached_property
    def idf(self) -> dict[str, float]:
        return self.snapshot.lexical.idf(self.found.words.terms)

    @cached_property
    def names(self) -> list[str]:
        """What begins with a capital, but for the first word, and figures."""
        question = self.found.request.question
        return [
            one[0].casefold()[:STEM]
            for one in _WORD.finditer(question)
            if one.start() and not one[0][0].islower() and matters(one[0], question)
        ]

    def terms(self, text: str) -> list[str]:
        return list(self.snapshot.lexical.terms(text))

    def share(self, held: Collection[str]) -> float:
        """Of the question's words, weighed by idf."""
        return sum(self.idf[term] for term in held) / (sum(self.idf.values()) or 1.0)

    def named(self, stored: StoredPassage) -> float:
        """Share of the names that the article has."""
        said = f"{stored.article.title} {stored.article.text}".casefold()
        return sum(name in said for name in self.names) / len(self.names) if self.names else 1.0


@dataclass(frozen=True)
class _Place:
    """A passage of the ranking beside the question."""

    stored: StoredPassage
    position: int
    rank: int  # from 1
    cosines: Scores  # (sentences,)
    asked: _Asked
    said: list[list[str]] = field(init=False)  # terms of each sentence

    def __post_init__(self) -> None:
        text = self.stored.article.text
        said = [self.asked.terms(text[start:end]) for start, end in self.stored.passage.sentences]
        object.__setattr__(self, "said", said)

    @cached_property
    def held(self) -> list[set[str]]:
        """The question's words in each sentence, in another spelling too."""
        words = self.asked.found.words
        return [set(words.held(set(one))) for one in self.said]

    @cached_property
    def shares(self) -> list[float]:
        return [self.asked.share(one) for one in self.held]

    def parts(self, reading: Reading | None) -> list[float]:
        """The chance of each sentence, by the reader, that the answer stands in it.

        A yes or no stands nowhere: there the sentence that is about the matter is taken.
        """
        if reading is None:
            return [0.0] * len(self.held)
        if self.asked.expected.type == "yes-no":
            likely = np.exp((self.cosines - self.cosines.max()) / SHARPNESS)
            return list(map(float, likely / likely.sum()))
        return [reading.share(start, end) for start, end in self.stored.passage.sentences]


def _of_passage(place: _Place, reading: Reading | None) -> list[Candidate]:
    asked, stored, held = place.asked, place.stored, place.held
    text, fused = stored.article.text, asked.found.fused
    everywhere = set().union(*held, asked.idf.keys() & set(asked.terms(stored.article.title)))
    parts, named = place.parts(reading), asked.named(stored)
    sure = float(np.clip(reading.answerable, -SUREST, SUREST)) if reading else 0.0
    out = []
    for i, (start, end) in enumerate(stored.passage.sentences):
        near = set().union(*held[max(0, i - 1) : i + 2])
        span = best_span(stored, (start, end), asked.expected, asked.idf.keys(), asked.terms)
        marked = reading.best(start, end) if reading else None
        out.append(
            Candidate(
                stored=stored,
                position=place.position,
                number=i,
                start=start,
                end=end,
                evidence=Evidence(
                    cosine=float(place.cosines[i]),
                    fused=float(fused[place.position]) - float(fused[asked.found.ranked[0]]),
                    place=1 / place.rank,
                    coverage=asked.share(held[i]),
                    beside=asked.share(near - held[i]),
                    around=asked.share(everywhere - near),
                    typed=span.score if span else 0.0,
                    answers=sure,
                    share=parts[i],
                    read=parts[i] / (1 + math.exp(-sure)),
                    short=float(len(place.said[i]) < SHORT_WORDS),
                    question=float(text[start:end].rstrip(" \"”'’").endswith("?")),
                    named=named,
                ),
                span=span,
                marked=marked,
                was_read=reading is not None,
            )
        )
    return out


def best_span(
    stored: StoredPassage, sentence: tuple[int, int], asked: Expectation, words: Collection[str], terms: Terms
) -> AnswerSpan | None:
    """The span of what is asked for that says something new, with offsets in the article's text."""
    text, (start, end) = stored.article.text, sentence
    for span in spans(text[start:end], asked, stored.article.published):  # best first
        if set(terms(text[start + span.start : start + span.end])).difference(words):
            return replace(span, start=start + span.start, end=start + span.end)
    return None
