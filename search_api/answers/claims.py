"""What other articles say to the same question: who agrees, whose numbers differ, what is newer.

Two sentences say the same when their stored vectors are near, or when both hold the span that answers.
Copies of one text count once: near-duplicate passages are one source. Candidates -> Corroboration
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passage_index.near_duplicates import kin
from passage_index.snapshot import Snapshot
from passage_index.types import Vectors
from search_api.answers.candidates import Candidate
from search_api.answers.choice import Scored
from search_api.finding import Finding
from search_api.reading.comparing import agreement
from search_api.reading.quantities import Quantity, quantities

SAME = 0.7  # cosine of two sentences from which they say the same
ABOUT_THE_SAME = 0.5  # from which their numbers can be held side by side
CONSIDERED = 40  # of the best candidates
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


def corroborated(snapshot: Snapshot, found: Finding, ranked: Sequence[Scored]) -> Corroboration:
    """Hold the best candidate against the next ones."""
    answer, *others = [one.candidate for one in ranked[:CONSIDERED]]
    cosines = _cosines(snapshot, found, answer, others)
    relatives = kin(found.pool.signature)
    counted = {answer.position} | relatives(answer.position)
    articles = {answer.stored.article.id}
    ours = quantities(answer.text)
    agreeing, disagreeing, newer = [], [], []
    for other, cosine in zip(others, cosines, strict=True):
        if other.stored.article.id in articles or other.position in counted:
            continue
        if cosine < ABOUT_THE_SAME and not _same_span(answer, other):
            continue
        differing = _differing(answer, ours, other)
        later = _is_later(other, answer)
        if differing is not None:
            disagreeing.append(differing)
        elif cosine < SAME and not _same_span(answer, other):
            if not (later and _CORRECTS.search(other.text)):
                continue
        elif not (later and _CORRECTS.search(other.text)):
            agreeing.append(other)
        if later and (differing is not None or _CORRECTS.search(other.text)):
            newer.append(other)
        articles.add(other.stored.article.id)
        counted |= {other.position} | relatives(other.position)
    return Corroboration(1 + len(agreeing), tuple(agreeing), tuple(disagreeing), tuple(newer))


def _cosines(
    snapshot: Snapshot, found: Finding, answer: Candidate, others: Sequence[Candidate]
) -> list[float]:
    def vector(one: Candidate) -> Vectors:
        own = snapshot.sentence_vectors(int(found.pool.rows[one.position]))[one.number]
        return own / max(float(np.linalg.norm(own)), 1e-9)

    ours = vector(answer)
    return [float(ours @ vector(one)) for one in others]


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
