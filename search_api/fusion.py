"""From evidence to one order: how the legs' scores of a pool are fused.

Both legs are taken on absolute scales, not stretched to 0..1 within the pool: a question whose words
the corpus hardly has must lean on its meaning, and stretching would make the best of bad word matches
look perfect. BM25 is divided by the information that its words could carry, so that a match weighs
little in three articles, where no word is rare, and much in a large corpus.
Knows arrays only: no texts, no index. Pool -> (n,) scores
"""

from itertools import pairwise
from typing import Literal

import numpy as np

from passage_index.backend import Pool
from passage_index.types import Scores

Mode = Literal["hybrid", "semantic", "keyword"]
Parts = dict[str, Scores]  # what each kind of evidence adds to the fused score, by name; (n,) each

# Chosen on SciFact, three SQuADShifts sets, QAMR and Cranfield together (docs/decisions/0004).
SENTENCE_SHARE = 0.6  # of the dense leg: the best sentence beside the whole passage
ARTICLE_SHARE = 0.5  # of the lexical leg: the whole article beside the passage
LEXICAL_WEIGHT = 1.5  # of the lexical leg beside the dense one
FULL_IDF = 9.0  # a corpus whose largest idf is lower (under 4,000 passages) has few rare words to go by
BM25_CEILING = 2.2  # k1 + 1: BM25 of one word is at most its idf times this
TERM_BM25 = 6 * BM25_CEILING  # a rare word of a large corpus, the unit of the lexical leg

# Logistic fit of "this passage is relevant" on the first three hits of eight sets, each asked its own
# questions and those of the others: (bias, cosine, share of the information that the words could carry)
# by mode, and how fast the chance falls below the first hit.
_LOG_ODDS: dict[Mode, tuple[float, float, float]] = {
    "hybrid": (-4.86, 6.07, 6.35),
    "semantic": (-4.44, 6.94, 0.0),
    "keyword": (-2.52, 0.0, 9.45),
}
_FALL = 3.81


def fuse(pool: Pool, mode: Mode) -> Scores:
    """What orders a pool, (n,), rising with relevance; one leg alone outside hybrid mode."""
    return total(fused_parts(pool, mode))


def fused_parts(pool: Pool, mode: Mode) -> Parts:
    """What `fuse` is the sum of, (n,) each."""
    if mode == "semantic":
        return dense_parts(pool)
    if mode == "keyword":
        return lexical_parts(pool)
    weight = LEXICAL_WEIGHT * corpus_trust(pool)
    return dense_parts(pool) | {name: weight * part for name, part in lexical_parts(pool).items()}


def total(parts: Parts) -> Scores:
    """The sum of parts, (n,)."""
    return np.sum(list(parts.values()), axis=0)


def dense_leg(pool: Pool) -> Scores:
    """Cosine of the question to passage and best sentence, mixed. (n,)."""
    return total(dense_parts(pool))


def dense_parts(pool: Pool) -> Parts:
    """What the dense leg is the sum of, (n,) each."""
    return {"passage": (1 - SENTENCE_SHARE) * pool.dense, "sentence": SENTENCE_SHARE * pool.sentence}


def lexical_leg(pool: Pool) -> Scores:
    """BM25 a word of the question, passage and article mixed; about 0..1. (n,)."""
    return total(lexical_parts(pool))


def lexical_parts(pool: Pool) -> Parts:
    """What the lexical leg is the sum of, (n,) each."""
    unit = TERM_BM25 * max(pool.terms, 1)
    return {
        "words": (1 - ARTICLE_SHARE) * pool.lexical / unit,
        "article": ARTICLE_SHARE * pool.article_lexical / unit,
    }


def corpus_trust(pool: Pool) -> float:
    """How far statistics of a corpus of this size can be believed, 0..1."""
    return min(1.0, pool.rarest_idf / FULL_IDF) ** 2


def calibrated(pool: Pool, fused: Scores, mode: Mode) -> Scores:
    """The chance that each passage is relevant, 0..1, comparable between questions, in the order of `fused`.

    Estimated for the best passage from its own evidence; the others fall with their distance to it. (n,).
    """
    if len(pool) == 0:
        return fused
    best = int(np.argmax(fused))
    information = lexical_leg(pool)[best] * TERM_BM25 / (BM25_CEILING * pool.rarest_idf)
    bias, cosine, words = _LOG_ODDS[mode]
    log_odds = bias + cosine * dense_leg(pool)[best] + words * information
    return np.round(1 / (1 + np.exp(-(log_odds + _FALL * (fused - fused[best])))), 6)


def order(scores: Scores, ids: list[str]) -> list[int]:
    """Positions by falling score, (n,); ties by public id, so that every engine gives the same order."""
    rounded = np.round(scores, 6)
    positions = np.argsort(-rounded, kind="stable")
    ranked, falling = positions.tolist(), rounded[positions]
    edges = np.flatnonzero(falling[1:] != falling[:-1]) + 1
    for start, end in pairwise([0, *edges.tolist(), len(ids)]) if len(edges) + 1 < len(ids) else ():
        if end - start > 1:
            ranked[start:end] = sorted(ranked[start:end], key=ids.__getitem__)
    return ranked
