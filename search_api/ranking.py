"""How a pool is ranked: fused once, then again with evidence that is worth its cost near the top only.

    feedback   passages like the first three are likelier: the question's vector moves towards theirs
               (Rocchio 1971); one product a passage, over vectors that are stored
    coverage   how much of what the question asks stands in one sentence, words weighed by their idf;
               needs the texts of the first passages

Does not fold, group or page. (Pool, question) -> (n,) scores
"""

import numpy as np

from passage_index.lexical import Words
from passage_index.snapshot import Pool, Snapshot
from passage_index.types import Scores, StoredPassage, Vectors
from search_api.fusion import Mode, corpus_trust, fuse, order

FEEDBACK_PASSAGES = 3
FEEDBACK_SHIFT = 0.5  # length of their mean vector beside the question's own
FEEDBACK_WEIGHT = 0.5
COVERAGE_PASSAGES = 60
COVERAGE_WEIGHT = 0.2


def rank(snapshot: Snapshot, pool: Pool, vector: Vectors | None, words: Words, mode: Mode) -> Scores:
    """What orders the pool, (n,). The parts below the first passages are the fused scores as they are."""
    fused = fuse(pool, mode)
    if mode != "hybrid" or vector is None or len(pool) == 0:
        return fused
    top = order(fused, pool.ids)
    # In a small corpus hardly three passages are about one thing, and a shared word says little.
    trust = corpus_trust(pool)
    ranked = fused + FEEDBACK_WEIGHT * trust * feedback(snapshot, pool, vector, top[:FEEDBACK_PASSAGES])
    if words:
        first = top[:COVERAGE_PASSAGES]
        covered = coverage(snapshot, snapshot.fetch(pool.rows[first]), words)
        ranked[first] += COVERAGE_WEIGHT * trust * covered
    return ranked


def feedback(snapshot: Snapshot, pool: Pool, vector: Vectors, top: list[int]) -> Scores:
    """How much nearer each passage is to the question moved towards the `top` ones: (n,)."""
    moved = vector + FEEDBACK_SHIFT * snapshot.vectors(pool.rows[top]).mean(axis=0)
    moved /= np.linalg.norm(moved)
    return snapshot.cosines(moved, pool.rows) - pool.dense


def coverage(snapshot: Snapshot, passages: list[StoredPassage], words: Words) -> Scores:
    """The largest idf-weighted share of the question's words in one sentence of each passage: (n,)."""
    idf = snapshot.lexical.idf(words.terms)
    total = sum(idf.values()) or 1.0
    return np.array([max(_shares(snapshot, passage, idf, total), default=0.0) for passage in passages])


def _shares(snapshot: Snapshot, stored: StoredPassage, idf: dict[str, float], total: float) -> list[float]:
    sentences = (stored.article.text[start:end] for start, end in stored.passage.sentences)
    held = (idf.keys() & set(snapshot.lexical.terms(sentence)) for sentence in sentences)
    return [sum(idf[term] for term in terms) / total for terms in held]
