"""From evidence to one order: how the legs' scores of a pool are fused.

Both legs are taken on absolute scales, not stretched to 0..1 within the pool: a question whose words
the corpus hardly has must lean on its meaning, and stretching would make the best of bad word matches
look perfect. BM25 is divided by the information that its words could carry at most, so that a match
weighs little in three articles, where no word is rare, and much in a large corpus.
Knows arrays only: no texts, no index. Pool -> (n,) scores
"""

from typing import Literal

import numpy as np

from passage_index.snapshot import Pool
from passage_index.types import Scores

Mode = Literal["hybrid", "semantic", "keyword"]

# Chosen on SciFact, three SQuADShifts sets and QAMR together (docs/decisions/0004).
SENTENCE_SHARE = 0.7  # of the dense leg: the best sentence beside the whole passage
ARTICLE_SHARE = 0.5  # of the lexical leg: the whole article beside the passage
LEXICAL_WEIGHT = 2.0  # of the lexical leg beside the dense one
TERM_BM25 = 13.2  # what one matched word is worth at most in a large corpus: idf 6 times (k1 + 1)

# Logistic fit of "one of the first three passages is relevant" on the same sets.
_SLOPE, _BIAS = 2.25, -2.83


def fuse(pool: Pool, mode: Mode) -> Scores:
    """What orders a pool, (n,), rising with relevance; one leg alone outside hybrid mode."""
    if mode == "semantic":
        return dense_leg(pool)
    if mode == "keyword":
        return lexical_leg(pool)
    return dense_leg(pool) + LEXICAL_WEIGHT * lexical_leg(pool)


def dense_leg(pool: Pool) -> Scores:
    """Cosine of the question to passage and best sentence, mixed. (n,)."""
    return (1 - SENTENCE_SHARE) * pool.dense + SENTENCE_SHARE * pool.sentence


def lexical_leg(pool: Pool) -> Scores:
    """BM25 a word of the question, passage and article mixed; about 0..1. (n,)."""
    mixed = (1 - ARTICLE_SHARE) * pool.lexical + ARTICLE_SHARE * pool.article_lexical
    return mixed / (TERM_BM25 * max(pool.terms, 1))


def calibrated(fused: Scores) -> Scores:
    """A fused score as the chance that a passage at the top is relevant, 0..1. (n,)."""
    return np.round(1 / (1 + np.exp(-(_SLOPE * fused + _BIAS))), 6)


def order(scores: Scores, ids: list[str]) -> list[int]:
    """Positions by falling score; ties by public id, so that every engine gives the same order."""
    rounded = np.round(scores, 6)
    return sorted(range(len(ids)), key=lambda i: (-rounded[i], ids[i]))
