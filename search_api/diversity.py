"""Hits that say the same spread out: maximal marginal relevance (Carbonell and Goldstein 1998).

Only reorders, and by nothing that depends on the page. relevance + vectors -> order
"""

import numpy as np

from passage_index.types import Scores, Vectors

SPREAD = 100  # entries that are spread; the others follow as they are


def diversified(relevance: Scores, vectors: Vectors, diversity: float) -> list[int]:
    """Positions in their new order; the first stays first.

    relevance: (n,), falling; vectors: (n, dim), of the same passages; diversity: 0..1, 0 for the order as
    it is. Each next one has the largest (1 - diversity) * relevance - diversity * cosine to the most like
    of those before it, relevance scaled to 0..1 over the n; ties by the order as it is. O(n * n * dim).
    Example: the second of two twins goes behind a third passage that is nearly as relevant.
    """
    count = len(relevance)
    if count == 0:
        return []
    span = float(relevance.max() - relevance.min())
    wanted = (1 - diversity) * (relevance - relevance.min()) / (span or 1.0)
    exact = vectors.astype(np.float64)
    exact /= np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    chosen, nearest, is_left = [0], np.full(count, -1.0), np.ones(count, dtype=bool)
    is_left[0] = False
    while is_left.any():
        nearest = np.maximum(nearest, np.einsum("nd,d->n", exact, exact[chosen[-1]]))
        gain = np.where(is_left, np.round(wanted - diversity * nearest, 6), -np.inf)
        chosen.append(int(np.argmax(gain)))
        is_left[chosen[-1]] = False
    return chosen
