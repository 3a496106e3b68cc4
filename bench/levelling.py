"""The confidence that is there, refined: one more figure beside its sum, and the same strictness everywhere.

As a chance it is lower or higher with the number of passages, so that one threshold would refuse much in
one corpus and little in another. Here right and wrong weigh the same in every corpus, and the sum is moved by
the size until the default threshold refuses the same share of what is not answered, in small and large ones.

groups of bench.answers + fitted numbers -> fitted numbers
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.answerability import logistic
from bench.asking import Asked
from search_api.answers.confidence import evidence, summed
from search_api.settings import Settings

ADDED = ("own_named",)
REFUSED = 0.85  # of the questions that are not answered, at the default threshold
LEAST = 2  # right and wrong ones of a kind, or it is not fitted on

Groups = Mapping[str, tuple[list[Asked], list[Asked]]]
Seen = dict[str, float]


def refined(groups: Groups, fitted: Mapping[str, Any]) -> dict[str, Any]:
    """The weights times one number, those of ADDED beside them; then levelled.

    Fitted on the questions as people wrote them, on the half that is not held out.
    """
    cases = []
    for inside, outside in groups.values():
        for small in (False, True):
            kept = [one for one in _plain((*inside, *outside), small) if not one.held_out]
            seen = [(_seen(one), _is_right(one)) for one in kept]
            count = {kind: sum(right == kind for _, right in seen) for kind in (True, False)}
            if min(count.values()) >= LEAST:
                cases += [
                    ({**one, "sum": summed(one, fitted)}, right, 1 / count[right]) for one, right in seen
                ]
    found = logistic(cases, ("sum", *ADDED))
    share = found["weights"]["sum"]
    weights = {name: share * weight for name, weight in fitted["weights"].items()}
    for name in ADDED:
        weights[name] = weights.get(name, 0.0) + found["weights"][name]
    return levelled(groups, {"bias": found["bias"] + share * fitted["bias"], "weights": weights})


def levelled(groups: Groups, fitted: Mapping[str, Any]) -> dict[str, Any]:
    """`size` and bias moved, so that the default threshold refuses REFUSED in small corpora and large ones.

    Two numbers, set by all questions without an answer; every set counts the same.
    """
    ends, sizes = [], []
    for small in (False, True):
        kept = [[_seen(one) for one in _plain(outside, small)] for _, outside in groups.values()]
        kept = [one for one in kept if one]
        ends.append(
            float(np.mean([np.quantile([summed(s, fitted) for s in seen], REFUSED) for seen in kept]))
        )
        sizes.append(float(np.mean([np.mean([s["size"] for s in seen]) for seen in kept])))
    slope = -(ends[0] - ends[1]) / (sizes[0] - sizes[1])
    threshold = Settings.model_fields["ask_from"].default
    bias = fitted["bias"] + math.log(threshold / (1 - threshold)) - ends[1] - slope * sizes[1]
    weights = {**fitted["weights"], "size": fitted["weights"].get("size", 0.0) + slope}
    return {
        "bias": round(float(bias), 5),
        "weights": {name: round(float(weight), 5) for name, weight in weights.items()},
    }


def _plain(asked: Sequence[Asked], small: bool) -> list[Asked]:
    return [one for one in asked if one.small == small and not one.harder and one.every]


def _seen(one: Asked) -> Seen:
    return evidence(one.found, one.ranked())


def _is_right(one: Asked) -> bool:
    return bool(one.right[one.every.index(one.ranked()[0].candidate)])
