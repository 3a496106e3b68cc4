"""Does the corpus answer the question at all? A chance, from the evidence of the best passages.

A logistic sum of a few figures of a ranked pool, and of products of two of them. Its numbers stand in
answerability.json, made by `python -m bench.answerability`, with the hash of the data they are made of.
Knows arrays only: no texts, no index. (Pool, parts of its scores) -> 0..1
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from passage_index.backend import Pool
from search_api.fusion import (
    BM25_CEILING,
    TERM_BM25,
    Mode,
    Parts,
    corpus_trust,
    dense_leg,
    lexical_leg,
    total,
)
from search_api.ranking import COVERAGE_WEIGHT

ANSWERABLE_FROM = 0.5
MODEL = "answerability.json"
NEXT = 10  # passages that the nearest one is held against
COVERED = 0.5  # weight of the words in one sentence beside its likeness


def answer_probability(pool: Pool, parts: Parts, mode: Mode) -> float:
    """The chance that a passage of the index answers the question, 0..1; 0 of an empty pool."""
    if len(pool) == 0:
        return 0.0
    found, model = evidence(pool, parts), _model()[mode]
    sum_ = model["bias"] + sum(weight * value(found, name) for name, weight in model["weights"].items())
    return round(1 / (1 + math.exp(-max(-50.0, min(50.0, sum_)))), 4)


def evidence(pool: Pool, parts: Parts) -> dict[str, float]:
    """The figures that speak for an answer or against it, by name, of a pool that is not empty.

    passage, sentence: the largest cosines; meaning: dense leg of the first passage; rise: how far the
    nearest passage stands above the next ones; words: how many the question has; information: the share
    of what its words could carry that the best passage has; coverage: the largest share of them in one
    sentence; both: the best of meaning and coverage together; lead: how far the first passage stands above
    the first of another article; size: the logarithm of the number of passages.
    """
    fused, dense, trust = total(parts), dense_leg(pool), corpus_trust(pool)
    first = int(np.argmax(fused))
    others = fused[pool.article != pool.article[first]]
    nearest = np.sort(pool.dense)[::-1]
    covered = parts.get("coverage", np.zeros(len(pool))) / (COVERAGE_WEIGHT * trust)
    return {
        "passage": float(pool.dense.max()),
        "sentence": float(pool.sentence.max()),
        "meaning": float(dense[first]),
        "rise": float(nearest[0] - nearest[1 : NEXT + 1].mean()) if len(nearest) > 1 else 0.0,
        "words": float(pool.terms),
        "information": float(lexical_leg(pool).max()) * TERM_BM25 / (BM25_CEILING * pool.rarest_idf),
        "coverage": float(covered.max()),
        "both": float((dense + COVERED * covered).max()),
        "lead": float(fused[first] - others.max()) if len(others) else 0.0,
        "size": math.log(max(math.exp(pool.rarest_idf) / 2 - 1, 2.0)),
    }


def value(found: Mapping[str, float], name: str) -> float:
    """A figure by name, or the product of two: `size*coverage`."""
    return math.prod(found[part] for part in name.split("*"))


@cache
def _model() -> dict[str, Any]:
    return dict(json.loads((files("search_api") / MODEL).read_text(encoding="utf-8"))["modes"])
