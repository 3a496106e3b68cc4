"""What other articles say to the same question: who agrees, whose numbers differ, what is newer.

Two sentences say the same when their vectors are near, each encoded alone, or when both hold the span that
answers.
Copies of one text count once: near-duplicate passages are one source. Candidates -> Corroboration
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from passage_index.near_duplicates import Kin
from passage_index.types import Vectors
from search_api.answers.candidates import Candidate
from search_api.answers.choice import Scored
from search_api.finding import Finding
from search_api.reading.comparing import agreement
from search_api.reading.quantities import Quantity, quantities

SAME = 0.7  # cosine of two sentences from which they say the same
ABOUT_THE_SAME = 0.55  # from which their numbers can be held side by side
CONSIDERED = 12  # other articles

Encode = Callable[[Sequence[str]], Vectors]
_CORRECTS = re.compile(
    r"\b(correct(?:s|ed|ion)|retract(?:s|ed|ion)|withdr[ae]wn?|withdrew|revis(?:es|ed)|clarif(?:ies|ied|ication)"
    r"|earlier (?:version|figure|report|count)|no longer|den(?:ies|ied)|mistaken(?:ly)?|wrongly)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two sentences whose numbers for one thing differ. `ours` is of the answer, as written."""

    ours: str
    theirs: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Corroboration:
    """What stands beside the answer. independent: sources that say it, the answer's own among them."""

    independent: int
    agreeing: tuple[Candidate, ...]  # one of each further independent source
    disagreeing: tuple[Disagreement, ...]
    newer: tuple[Candidate, ...]  # of a later day, with another number or a word of correction


def corroborated(found: Finding, ranked: Sequence[Scored], encode: Encode) -> Corroboration:
    """Hold the best candidate against the next ones. encode: texts to (n, dim) vectors of unit length."""
    answer, others = ranked[0].candidate, [one.candidate for one in ranked[1:]]
    relatives = found.pool.kin
    others = _elsewhere(answer, others, relatives)[:CONSIDERED]
    if not others:
        return Corroboration(1, (), (), ())
    own, *vectors = encode([answer.text, *(one.text for one in others)])
    ours = quantities(answer.text)
    agreeing, disagreeing, newer = [], [], []
    for other, vector in zip(others, vectors, strict=True):
        cosine, later = float(own @ vector), _is_later(other, answer)
        corrects = later and cosine >= ABOUT_THE_SAME and bool(_CORRECTS.search(other.text))
        differing = _differing(answer, ours, other) if cosine >= ABOUT_THE_SAME else None
        if differing is not None:
            disagreeing.append(differing)
        elif (cosine >= SAME or _same_span(answer, other)) and not corrects:
            agreeing.append(other)
        if corrects or (later and differing is not None):
            newer.append(other)
    agreeing = _independent(agreeing, relatives)
    return Corroboration(1 + len(agreeing), tuple(agreeing), tuple(disagreeing), tuple(newer))


def _elsewhere(answer: Candidate, others: Sequence[Candidate], relatives: Kin) -> list[Candidate]:
    """The best candidate of each other article, copies of the answer's passage left out."""
    copies = {answer.position} | relatives.of(answer.position)
    first: dict[str, Candidate] = {}
    for one in others:
        if one.position not in copies:
            first.setdefault(one.stored.article.id, one)
    first.pop(answer.stored.article.id, None)
    return list(first.values())


def _independent(agreeing: Sequence[Candidate], relatives: Kin) -> list[Candidate]:
    """One of each family of near-duplicates."""
    kept: list[Candidate] = []
    counted: set[int] = set()
    for one in agreeing:
        if one.position not in counted:
            kept.append(one)
            counted |= {one.position} | relatives.of(one.position)
    return kept


def _same_span(answer: Candidate, other: Candidate) -> bool:
    """Both hold the span that answers best, and it is sure enough to mean something."""
    if answer.span is None or other.span is None or min(answer.span.score, other.span.score) < 1.0:
        return False
    said = [one.stored.article.text[one.span.start : one.span.end] for one in (answer, other) if one.span]
    return said[0].casefold() == said[1].casefold()


def _differing(answer: Candidate, ours: Sequence[Quantity], other: Candidate) -> Disagreement | None:
    theirs = quantities(other.text)
    for one in ours:
        verdicts = [(agreement(one, each), each) for each in theirs]
        if any(verdict in ("same", "close") for verdict, _ in verdicts):
            continue
        for verdict, each in verdicts:
            if verdict == "different":
                return Disagreement(
                    answer.text[one.start : one.end], other.text[each.start : each.end], other
                )
    return None


def _is_later(one: Candidate, than: Candidate) -> bool:
    first, second = than.stored.article.published, one.stored.article.published
    return first is not None and second is not None and second.first > first.last
