"""What a search has found before its page is cut: the ranked pool, and the ways to order it anew.

Reads no texts and no index. ranked pool (+ verdict of a reranker) -> entries, of all pages
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from passage_index.backend import Pool
from passage_index.lexical import Words
from passage_index.types import Scores, StoredPassage, Vectors
from search_api.diversity import SPREAD, diversified
from search_api.families import families
from search_api.fusion import Parts
from search_api.hits import SearchRequest
from search_api.rerank import Verdict
from search_api.spelling import Respelled
from search_api.texts import Texts

WORTH_FROM = 0.2  # of the best score: from here a hit is worth a place where the order is not by score


@dataclass(frozen=True, slots=True)
class Finding:
    """A pool in its order, with all that a hit tells of how it came there. Scores are (n,), of the pool."""

    request: SearchRequest
    asked: str  # the text that the words were taken from, '' where they were not written by who asks
    words: Words
    vector: Vectors | None  # (dim,)
    pool: Pool
    parts: Parts  # of `fused`
    fused: Scores
    score: Scores  # 0..1, never rising along `ranked`
    fused_order: list[int]  # positions in the pool, best first by `fused`
    ranked: list[int]  # the same, as a reranker left them
    candidates: tuple[StoredPassage, ...]  # the first `request.rerank` of fused_order, or windows of them
    warnings: tuple[str, ...]
    texts: Texts  # that were read so far
    begun_s: float  # by time.perf_counter
    spelled: Respelled | None = None  # what else the words were looked for by
    rerank: dict[int, float] = field(default_factory=dict)  # raw scores of those that were judged anew


def reranked(found: Finding, verdict: Verdict) -> Finding:
    """The first passages by their new scores, the others behind them as they were; the warnings added."""
    warnings = (*found.warnings, *verdict.warnings)
    if verdict.scores is None:
        return replace(found, warnings=warnings)
    first = found.fused_order[: len(verdict.scores)]
    rest = found.fused_order[len(first) :]
    raw = {i: float(score) for i, score in zip(first, np.round(verdict.scores, 6), strict=True)}
    score = found.score.copy()
    if verdict.weight is None:
        first = sorted(first, key=lambda i: (-raw[i], found.pool.ids[i]))
        score[first] = np.round(chance([raw[i] for i in first]), 6)
        score[rest] = np.minimum(score[rest], score[first].min(initial=1.0))
    else:  # beside the score, and chances are those of the places
        both = np.round(blended(found.fused[first], verdict.scores, verdict.weight), 6)
        beside = dict(zip(first, both.tolist(), strict=True))
        chances = score[first]
        first = sorted(first, key=lambda i: (-beside[i], found.pool.ids[i]))
        score[first] = chances
    return replace(found, ranked=first + rest, score=score, rerank=raw, warnings=warnings)


def blended(fused: Scores, raw: Scores, weight: float) -> Scores:
    """Scores with what a reranker's raw ones say of the chance of an answer beside them, (n,) each."""
    return fused + weight * chance(raw)


def chance(raw: Sequence[float] | Scores) -> Scores:
    """Raw scores to 0..1 by the logistic function, which their models are trained under. (n,)."""
    return 1 / (1 + np.exp(-np.clip(np.array(raw, dtype=np.float64), -700, 700)))


class Entry(NamedTuple):
    """What becomes one hit."""

    members: list[int]  # positions in the pool: the passage that is shown, then its near-duplicates
    undiversified: int  # its place without diversity, from 1


def entries(found: Finding, vectors: Callable[[list[int]], Vectors]) -> list[Entry]:
    """All that the pages show, best first. vectors: of positions, (n, dim); asked only for diversity."""
    request = found.request
    folded = families(found.pool, found.ranked, request.collapse, request.group_by_article)
    kept = [family for family in folded if found.score[family[0]] >= request.min_score]
    if request.sort != "relevance":
        kept = _by_date(found, kept, request.sort == "newest")
    every = [Entry(family, place) for place, family in enumerate(kept, start=1)]
    if request.diversity == 0 or request.sort != "relevance":
        return every
    first = [entry.members[0] for entry in every[:SPREAD]]
    spread = diversified(found.score[first], vectors(first), request.diversity)
    return [every[i] for i in spread] + every[SPREAD:]


def _by_date(found: Finding, kept: list[list[int]], newest: bool) -> list[list[int]]:
    """The families that are worth it, by the date of what is shown of them, undated ones last.

    Everything is a little like a question: without a least score the newest would be the most far-fetched.
    """
    pool, score = found.pool, found.score
    least = WORTH_FROM * max((float(score[family[0]]) for family in kept), default=0.0)
    worth = [family for family in kept if score[family[0]] >= least]

    def place(family: list[int]) -> tuple[bool, int]:
        first, last = int(pool.first_day[family[0]]), int(pool.last_day[family[0]])
        return first > last, -first if newest else first

    return sorted(worth, key=place)  # stable: of one day the better first
