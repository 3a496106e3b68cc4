"""From evidence to one order: how the legs' scores of a pool are fused.

Knows arrays only: no texts, no index. Pool -> (n,) scores
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from passage_index.snapshot import Pool
from passage_index.types import Scores

Mode = Literal["hybrid", "semantic", "keyword"]

LEXICAL_SHARE = 0.5  # of the convex sum
SENTENCE_SHARE = 0.5  # of the dense leg: the best sentence beside the whole passage
ARTICLE_SHARE = 0.3  # of the lexical leg: the whole article beside the passage


@dataclass(frozen=True, slots=True)
class Fused:
    """(n,) each: what orders a pool, and the two legs it was made of, all in 0..1 within the pool."""

    fused: Scores
    dense: Scores
    lexical: Scores


def fuse(pool: Pool, mode: Mode) -> Fused:
    """Convex sum of the min-max scaled legs; one leg alone outside hybrid mode."""
    dense = min_max((1 - SENTENCE_SHARE) * pool.dense + SENTENCE_SHARE * pool.sentence)
    lexical = (1 - ARTICLE_SHARE) * min_max(pool.lexical) + ARTICLE_SHARE * min_max(pool.article_lexical)
    if mode == "semantic" or not pool.lexical.any():
        return Fused(dense, dense, lexical)
    if mode == "keyword":
        return Fused(lexical, dense, lexical)
    return Fused(LEXICAL_SHARE * lexical + (1 - LEXICAL_SHARE) * dense, dense, lexical)


def min_max(scores: Scores) -> Scores:
    """Scale to 0..1; all equal gives 0 where they are 0, else 1. (n,) -> (n,)."""
    if len(scores) == 0:
        return scores
    low, high = scores.min(), scores.max()
    if high == low:
        return np.full(len(scores), float(high > 0))
    return np.asarray((scores - low) / (high - low))


def order(scores: Scores, ids: list[str]) -> list[int]:
    """Positions by falling score; ties by public id, so that every engine gives the same order."""
    return sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))
