"""Is the best candidate an answer? A logistic sum over it and over what the search found.

The numbers stand in answers.json, made by `python -m bench.answers --fit`. (Finding, ranked) -> 0..1
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from passage_index.errors import InputError
from search_api.answerability import evidence as evidence_of_pool
from search_api.answerability import value
from search_api.answers.choice import Scored, model, was_read
from search_api.finding import Finding

OWN = ("cosine", "coverage", "beside", "around", "typed", "answers", "share", "read", "named")


def confidence(found: Finding, ranked: Sequence[Scored]) -> float:
    """The chance that the first candidate answers, 0..1; 0 without one."""
    if not ranked:
        return 0.0
    sum_ = summed(evidence(found, ranked), model(was_read([ranked[0].candidate]))["confidence"])
    return round(1 / (1 + math.exp(-max(-50.0, min(50.0, sum_)))), 4)


def summed(seen: Mapping[str, float], fitted: Mapping[str, Any]) -> float:
    """The sum whose logistic value is the confidence. seen: by `evidence`; fitted: bias and weights."""
    weights: Mapping[str, float] = fitted["weights"]
    return float(fitted["bias"]) + sum(weight * value(seen, name) for name, weight in weights.items())


def threshold_for(error: float, read: bool) -> float:
    """The lowest confidence from which so small a share of the answers given is expected to be wrong.

    By a curve measured where half of the questions had no answer; with a reader or without one. Raises
    InputError where no confidence is enough.
    """
    curve = model(read)["errors"]
    for threshold, expected in curve:
        if expected <= error:
            return float(threshold)
    threshold, least = curve[-1]
    raise InputError(
        f"no confidence keeps the share of wrong answers at {error:g}: at {threshold:g} it is {least:g}; "
        f"set SEARCH_ASK_ERROR to that or more"
    )


def evidence(found: Finding, ranked: Sequence[Scored]) -> dict[str, float]:
    """The figures of the pool (answerability.py) and of the best candidate, by name.

    choice: its score; margin: how far it stands above the best one of another article; the others as
    candidates.Evidence has them.
    """
    best = ranked[0]
    article = best.candidate.stored.article.id
    other = next((one.score for one in ranked if one.candidate.stored.article.id != article), None)
    own = best.candidate.evidence._asdict()
    return {
        **evidence_of_pool(found.pool, found.parts),
        "choice": best.score,
        "margin": best.score - other if other is not None else 0.0,
        **{f"own_{name}": own[name] for name in OWN},
    }
