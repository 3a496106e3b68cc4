"""Which sentence answers best: a linear score over the evidence, its numbers fitted on question sets.

The numbers stand in answers.json, made by `python -m bench.answers --fit`. Candidates -> ranked, with scores
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from search_api.answers.candidates import Candidate, Evidence

MODEL = "answers.json"


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate and how well it answers, comparable within one question only."""

    candidate: Candidate
    score: float


def ranked(found: Sequence[Candidate]) -> list[Scored]:
    """Best first; ties in the order of the ranking."""
    if not found:
        return []
    weights = model(was_read(found))["choice"]
    scores = np.round(table(found) @ np.array([weights[name] for name in Evidence._fields]), 6)
    return [Scored(found[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]


def table(found: Sequence[Candidate]) -> Any:
    """The evidence as an array: (candidates, kinds of evidence) float64."""
    return np.array([one.evidence for one in found], dtype=np.float64)


def was_read(found: Sequence[Candidate]) -> bool:
    """Whether a reader has seen the candidates."""
    return any(one.was_read for one in found)


@cache
def model(read: bool) -> dict[str, Any]:
    """The fitted numbers, with a reader and without one."""
    stored = json.loads((files("search_api.answers") / MODEL).read_text(encoding="utf-8"))
    return dict(stored["read" if read else "plain"])
