"""Sentences that may answer a question, each with what speaks for it.

The sentences of the first passages, by their stored vectors, their words and what kind of answer the
question waits for. Encodes nothing. (Snapshot, Finding) -> Candidates
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from passage_index.snapshot import Snapshot
from passage_index.types import Scores, StoredPassage
from search_api.finding import Finding
from search_api.reading.expectation import Expectation, expected
from search_api.reading.spans import AnswerSpan, spans

PASSAGES = 20  # of the ranking, that are read sentence by sentence
SHORT_WORDS = 4

Terms = Callable[[str], Sequence[str]]


class Evidence(NamedTuple):
    """What speaks for a sentence. All rise with relevance but `short` and `question`."""

    cosine: float  # question and sentence
    fused: float  # of the passage, below the first one's: 0 or less
    place: float  # 1 / rank of the passage
    coverage: float  # share of the question's words in the sentence, weighed by idf
    beside: float  # the further share in the sentences before and after it
    around: float  # the further share in the passage and the title
    typed: float  # how well a span fits what is asked for, 0..1
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

    @property
    def text(self) -> str:
        """The sentence as it stands."""
        return self.stored.article.text[self.start : self.end]


def candidates(snapshot: Snapshot, found: Finding, passages: int = PASSAGES) -> list[Candidate]:
    """Every sentence of the first passages once, in the order of the ranking."""
    if found.vector is None or not found.ranked:
        return []
    first = found.ranked[:passages]
    idf = snapshot.lexical.idf(found.words.terms)
    asked = expected(found.request.question)
    seen: set[tuple[str, int]] = set()
    out = []
    top = float(found.fused[first[0]])
    for rank, (position, stored) in enumerate(
        zip(first, snapshot.fetch(found.pool.rows[first]), strict=True), start=1
    ):
        cosines = snapshot.sentence_cosines(found.vector, int(found.pool.rows[position]))
        known = (float(found.fused[position]) - top, 1 / rank)
        for one in _of_passage(stored, position, known, cosines, idf, snapshot.lexical.terms, asked):
            place = (stored.article.id, one.start)
            if place not in seen:
                seen.add(place)
                out.append(one)
    return out


def _of_passage(
    stored: StoredPassage,
    position: int,
    known: tuple[float, float],
    cosines: Scores,
    idf: dict[str, float],
    terms: Terms,
    asked: Expectation,
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
                    short=float(len(said[i]) < SHORT_WORDS),
                    question=float(text[start:end].rstrip(" \"”'’").endswith("?")),
                ),
                span=span,
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
