"""Sentences that may answer a question, each with what speaks for it.

The sentences of the first passages, by their stored vectors, their words, what kind of answer the
question waits for and what a reader makes of them, where there is one. Encodes nothing.
(Backend, Finding) -> Candidates
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from passage_index.backend import Backend
from passage_index.types import Scores, Span, StoredPassage
from search_api.finding import Finding
from search_api.reader.reading import Reading
from search_api.reading.expectation import Expectation, expected
from search_api.reading.spans import AnswerSpan, spans

PASSAGES = 20  # of the ranking, that are read sentence by sentence
SHORT_WORDS = 4
FITS = 1.0  # score of a typed span from which it is shown
MARKED_FROM = 0.2  # chance of what the reader marks, from which it is shown
SUREST = 8.0  # raw values of a reader beyond it say no more

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


def candidates(
    snapshot: Backend, found: Finding, read: Read | None = None
) -> tuple[list[Candidate], tuple[str, ...]]:
    """Every sentence of the first passages once, in the order of the ranking; and what to warn of.

    read: (question, passages) -> readings of the first of them; where it gives any, only of these.
    """
    if found.vector is None or not found.ranked:
        return [], ()
    first = found.ranked[:PASSAGES]
    stored_passages = snapshot.fetch(found.pool.rows[first])
    readings, warning = read(found.request.question, stored_passages) if read else ([], "")
    idf = snapshot.lexical.idf(found.words.terms)
    asked = expected(found.request.question)
    seen: set[tuple[str, int]] = set()
    out = []
    top = float(found.fused[first[0]])
    those: Sequence[Reading | None] = readings or [None] * len(first)
    for rank, (position, stored, reading) in enumerate(zip(first, stored_passages, those, strict=False), 1):
        cosines = snapshot.sentence_cosines(found.vector, found.pool.rows[position])
        known = (float(found.fused[position]) - top, 1 / rank)
        for one in _of_passage(stored, position, known, cosines, idf, snapshot.lexical.terms, asked, reading):
            place = (stored.article.id, one.start)
            if place not in seen:
                seen.add(place)
                out.append(one)
    return out, ((warning,) if warning else ())


def _of_passage(
    stored: StoredPassage,
    position: int,
    known: tuple[float, float],
    cosines: Scores,
    idf: dict[str, float],
    terms: Terms,
    asked: Expectation,
    reading: Reading | None,
) -> list[Candidate]:
    text, sentences = stored.article.text, stored.passage.sentences
    total = sum(idf.values()) or 1.0
    said = [list(terms(text[start:end])) for start, end in sentences]
    held = [idf.keys() & set(words) for words in said]
    everywhere = set().union(*held, idf.keys() & set(terms(stored.article.title)))

    def share(found: set[str]) -> float:
        return sum(idf[term] for term in found) / total

    out = []
    for i, (start, end) in enumerate(sentences):
        near = set().union(*held[max(0, i - 1) : i + 2])
        span = best_span(stored, (start, end), asked, idf.keys(), terms)
        part = reading.share(start, end) if reading else 0.0
        sure = float(np.clip(reading.answerable, -SUREST, SUREST)) if reading else 0.0
        out.append(
            Candidate(
                stored=stored,
                position=position,
                number=i,
                start=start,
                end=end,
                evidence=Evidence(
                    cosine=float(cosines[i]),
                    fused=known[0],
                    place=known[1],
                    coverage=share(held[i]),
                    beside=share(near - held[i]),
                    around=share(everywhere - near),
                    typed=span.score if span else 0.0,
                    answers=sure,
                    share=part,
                    read=part / (1 + math.exp(-sure)),
                    short=float(len(said[i]) < SHORT_WORDS),
                    question=float(text[start:end].rstrip(" \"”'’").endswith("?")),
                ),
                span=span,
                marked=reading.best(start, end) if reading else None,
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
