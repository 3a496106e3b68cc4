"""How a pool is ranked: fused once, then again with evidence that is worth its cost near the top only.

    feedback   passages like the first three are likelier: the question's vector moves towards theirs
               (Rocchio 1971); one product a passage, over vectors that are stored
    coverage   how much of what the question asks stands in one sentence, words weighed by their idf;
               needs the texts of the first passages
    repeats    a passage gives way a little for each better one of its own article

Does not fold, group or page. (Pool, question) -> (n,) scores
"""

from functools import cache

import numpy as np

from passage_index.backend import Backend, Handles, Pool
from passage_index.lexical import Words
from passage_index.types import Scores, Vectors
from search_api.fusion import Mode, Parts, corpus_trust, fused_parts, order, total
from search_api.texts import Texts

FEEDBACK_PASSAGES = 3
FEEDBACK_SHIFT = 0.5  # length of their mean vector beside the question's own
FEEDBACK_WEIGHT = 0.375
COVERAGE_PASSAGES = 30
COVERAGE_WEIGHT = 0.25
REPEAT_PENALTY = 0.05  # for each better passage of the same article,
MOST_REPEATS = 2  # of which so many count


def rank(snapshot: Backend, pool: Pool, vector: Vectors | None, words: Words, mode: Mode) -> Scores:
    """What orders the pool, (n,): the sum of `contributions`."""
    return total(contributions(snapshot, pool, vector, words, mode, Texts(snapshot)))


def contributions(
    snapshot: Backend, pool: Pool, vector: Vectors | None, words: Words, mode: Mode, texts: Texts
) -> Parts:
    """What each kind of evidence adds to the score that orders the pool, by name, (n,) each.

    What is looked at for the first passages only adds 0 to the others.
    """
    parts = fused_parts(pool, mode)
    if mode != "hybrid" or vector is None or len(pool) == 0:
        return parts
    top = order(total(parts), pool.ids)
    # In a small corpus hardly three passages are about one thing, and a shared word says little.
    trust = corpus_trust(pool)
    parts["feedback"] = FEEDBACK_WEIGHT * trust * feedback(snapshot, pool, vector, top[:FEEDBACK_PASSAGES])
    if words:
        first = top[:COVERAGE_PASSAGES]
        covered = coverage(snapshot, pool.rows[first], words, texts)
        parts["coverage"] = np.zeros(len(pool))
        parts["coverage"][first] = COVERAGE_WEIGHT * trust * covered
    parts["repeats"] = -REPEAT_PENALTY * trust * repeats(pool, total(parts))
    return parts


def feedback(snapshot: Backend, pool: Pool, vector: Vectors, top: list[int]) -> Scores:
    """How much nearer each passage is to the question moved towards the `top` ones: (n,)."""
    moved = vector + FEEDBACK_SHIFT * snapshot.vectors(pool.rows[top]).mean(axis=0)
    moved /= np.linalg.norm(moved)
    return snapshot.cosines(moved, pool.rows) - pool.dense


def repeats(pool: Pool, scores: Scores) -> Scores:
    """How many passages of its own article stand above each, at most MOST_REPEATS: (n,).

    An article is as likely to answer as its best passage; the next answer rather stands in another one.
    """
    ranked = np.array(order(scores, pool.ids), dtype=np.int64)
    together = ranked[np.argsort(pool.article[ranked], kind="stable")]  # article by article, each best first
    article, place = pool.article[together], np.arange(len(pool))
    begins = np.concatenate([[True], article[1:] != article[:-1]])
    out = np.empty(len(pool))
    out[together] = np.minimum(place - np.maximum.accumulate(np.where(begins, place, 0)), MOST_REPEATS)
    return out


def coverage(snapshot: Backend, rows: Handles, words: Words, texts: Texts) -> Scores:
    """The largest idf-weighted share of the question's words in one sentence of each row's passage: (n,)."""
    known = snapshot.lexical.idf(words.every)
    idf = {term: min(known[one] for one in (term, *words.also.get(term, ()))) for term in words.terms}
    total = sum(idf.values()) or 1.0

    @cache
    def share(found: frozenset[str]) -> float:
        return sum(idf[term] for term in words.held(found)) / total

    held = snapshot.held_by(rows, words.every, texts.of)
    return np.array([max(map(share, own), default=0.0) for own in held])
