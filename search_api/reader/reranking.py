"""The reader as a reranker: its judgement beside the score that the passages had, not in its place.

(fused scores, relevance) -> scores that order the first passages
"""

import numpy as np

from passage_index.types import Scores

WEIGHT = 0.1  # of a unit of relevance beside a unit of the fused score
HIGHEST = 6.0  # raw relevance beyond it, on either side, says no more


def blended(fused: Scores, relevance: Scores) -> Scores:
    """What orders the passages that were read, (n,); both of them (n,)."""
    return fused + WEIGHT * np.clip(relevance, -HIGHEST, HIGHEST)
