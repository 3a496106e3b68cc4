"""Main path 3: a question -> one sentence that answers, cited and checked; or a plain no.

    searcher.find   the ranking of a search     candidates.py   its sentences, with what speaks for each
    choice.py       which answers best          confidence.py   whether it answers at all
    citations.py    the proof                   claims.py       who else says so, or otherwise
    reranking.py    the order of the hits, by what was read for the answer

Needs no language model. Knows nothing of HTTP. SearchRequest -> AskReply
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from passage_index.types import StoredPassage
from search_api.answers.candidates import Candidate, candidates
from search_api.answers.choice import Scored, ranked
from search_api.answers.citations import Citation, cite
from search_api.answers.claims import Corroboration, corroborated
from search_api.answers.confidence import confidence, threshold_for
from search_api.finding import Finding
from search_api.hits import SearchReply, SearchRequest
from search_api.reader.reader import NONE
from search_api.reader.reranking import page_reranked
from search_api.reading.spans import AnswerSpan
from search_api.searcher import Searcher
from search_api.settings import Settings

MOST_CITATIONS = 5


@dataclass(frozen=True, slots=True)
class CitedDisagreement:
    """Another number for the same thing: as the answer has it, as the other has it, and where."""

    ours: str
    theirs: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class AskReply:
    """`answer` is None where the articles do not say. confidence: the chance that it is right, 0..1."""

    answer: Citation | None
    span: AnswerSpan | None  # in the answer's article: the part that says it shortest, where one is clear
    confidence: float
    independent: int  # sources that say it, copies of one text counted once
    citations: tuple[Citation, ...]  # the answer first, then one of each further source that agrees
    disagreements: tuple[CitedDisagreement, ...]
    newer: tuple[Citation, ...]
    search: SearchReply
    took_ms: float
    read: tuple[StoredPassage, ...] = ()  # the passages of an answer: that with the best sentence first

    @property
    def answerable(self) -> bool:
        """Whether an answer is given."""
        return self.answer is not None


def ask_from(settings: Settings) -> float:
    """The confidence from which an answer is given, as the operator has set it. Raises InputError."""
    if settings.ask_error is None:
        return settings.ask_from
    return threshold_for(settings.ask_error, settings.reader != NONE)


def ask(searcher: Searcher, request: SearchRequest, threshold: float) -> AskReply:
    """Answer a question in hybrid mode. threshold: the confidence from which an answer is given."""
    return answered(searcher, searcher.find(replace(request, mode="hybrid")), threshold)


def answered(
    searcher: Searcher, found: Finding, threshold: float, read_within_s: float = float("inf")
) -> AskReply:
    """As `ask`, for a ranked pool that is there. read_within_s: how long a reader may read, at most."""
    read = partial(searcher.reader.read, within_s=read_within_s) if searcher.reader else None
    sentences = candidates(searcher.snapshot, found, read)
    found = replace(found, warnings=(*found.warnings, *sentences.warnings))
    scored = ranked(sentences.every)
    chance = confidence(found, scored)
    hits = searcher.show(page_reranked(found, sentences.judged))
    refused = AskReply(None, None, chance, 0, (), (), (), hits, 0.0)
    reply = refused if not scored or chance < threshold else _cited(searcher, found, scored, refused)
    return replace(reply, took_ms=round((time.perf_counter() - found.begun_s) * 1000, 2))


def _cited(searcher: Searcher, found: Finding, scored: Sequence[Scored], refused: AskReply) -> AskReply:
    beside: Corroboration = corroborated(found, scored, searcher.questions.encode_all)
    score = {id(one.candidate): one.score for one in scored}

    def cited(one: Candidate) -> Citation:
        return cite(searcher.snapshot, one, score[id(one)])

    best = scored[0].candidate
    answer = cited(best)
    return replace(
        refused,
        answer=answer,
        span=best.shortest,
        independent=beside.independent,
        citations=(answer, *(cited(one) for one in beside.agreeing[: MOST_CITATIONS - 1])),
        disagreements=tuple(
            CitedDisagreement(one.ours, one.theirs, cited(one.candidate))
            for one in beside.disagreeing[:MOST_CITATIONS]
        ),
        newer=tuple(cited(one) for one in beside.newer[:MOST_CITATIONS]),
        read=_read(found, scored),
    )


def _read(found: Finding, scored: Sequence[Scored]) -> tuple[StoredPassage, ...]:
    """The passages by their best sentence, copies of one text once."""
    kept: dict[int, StoredPassage] = {}
    for one in (each.candidate for each in scored):
        if one.position not in kept and kept.keys().isdisjoint(found.pool.kin.of(one.position)):
            kept[one.position] = one.stored
    return tuple(kept.values())
