"""Which step of the ladder a segment gets, and how many proposals are enough: measured on its own vectors.

    questions       sentence vectors of some rows; what a row says of itself does not count
    first half      the cheapest parameters that lose half of what the target lets them lose
    second half     recall with these parameters, which goes into the manifest
    missed          the next more exact step

Recall is counted by scores: a row as near as the k-th is as good as the k-th, whatever its number.
Vectors of a segment, questions -> dense.faiss, Step
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from passage_index import ladder
from passage_index.ladder import BLOCK, EXACT, IVF, Proposals, Read, Step
from passage_index.types import Rows, Scores, Vectors

logger = logging.getLogger(__name__)

TARGET = 0.98  # recall at FIRST and at ladder.DEPTH that a step must reach
FIRST = 10
QUESTIONS = 200
MOST = 128  # times DEPTH: proposals beyond that are not worth a step
_PROBES_GROW = 1.25  # from one number of probes that is tried to the next
_SAME = 1e-6  # scores that differ by less are equal, as everywhere


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions, and what an exact search finds for them, the row each was taken from left out."""

    questions: Vectors  # (q, dim)
    own: Rows  # (q,)
    rows: npt.NDArray[np.int64]  # (q, depth), best first
    scores: npt.NDArray[np.float32]  # (q, depth)

    def __len__(self) -> int:
        return len(self.own)

    def part(self, which: slice) -> "Sample":
        """Some of the questions."""
        return Sample(self.questions[which], self.own[which], self.rows[which], self.scores[which])

    def depths(self) -> tuple[int, int]:
        """The two k that recall is measured at; fewer where the segment has fewer rows."""
        depth = self.rows.shape[1]
        return min(FIRST, depth), depth


def climb(read: Read, rows: int, dim: int, asked: tuple[Vectors, Rows], file: Path) -> Step:
    """Choose the step, make its index, write it to `file` unless it is the exact one.

    read: (n,) rows or a slice -> (n, dim); asked: questions (q, dim) and the rows they were taken
    from (q,). Raises OSError or WriteFailed where the disk refuses.
    """
    begun = time.perf_counter()
    refused: list[str] = []
    names = ladder.steps_for(rows, dim)
    if names[0] == EXACT or len(asked[1]) < 2:
        return Step()
    sample = exact_answers(read, rows, *asked)
    for name in names[:-1]:
        index = ladder.make(name, read, rows, dim)
        step = _calibrated(index, name, read, sample)
        if step is not None:
            ladder.write(index, file)
            seconds = time.perf_counter() - begun
            logger.info("%s for %d rows, recall %s, made in %.1f s", name, rows, dict(step.recall), seconds)
            return replace(step, refused=tuple(refused))
        logger.warning("%s finds too little in %d rows; they get a more exact step", name, rows)
        refused.append(name)
    return Step(refused=tuple(refused))


def exact_answers(read: Read, rows: int, questions: Vectors, own: Rows) -> Sample:
    """The best of all rows for each question, its own left out. (q, dim), (q,) -> Sample. Reads all rows."""
    depth = min(ladder.DEPTH, rows - 1)
    scores = np.full((len(own), depth), -np.inf, dtype=np.float32)
    found = np.full((len(own), depth), -1, dtype=np.int64)
    for start in range(0, rows, BLOCK):
        block = read(slice(start, min(start + BLOCK, rows)))
        near, ids = faiss.knn(questions, block, min(depth + 1, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        near[ids + start == own[:, None]] = -np.inf
        scores, found = np.hstack([scores, near]), np.hstack([found, ids + start])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        scores, found = np.take_along_axis(scores, order, 1), np.take_along_axis(found, order, 1)
    return Sample(questions, own, found, scores)


def _calibrated(index: Any, name: str, read: Read, sample: Sample) -> Step | None:
    """The step with its parameters and the recall that they reach, or None where that misses TARGET."""
    half = len(sample) // 2
    chosen = _cheapest(index, name, read, sample.part(slice(half)))
    if chosen is None:
        return None
    reached = measured_recall(Proposals(index, chosen), chosen, read, sample.part(slice(half, None)))
    if min(reached.values()) < TARGET:
        return None
    recall = {str(k): round(share, 4) for k, share in reached.items()}
    return replace(chosen, recall=recall, questions=len(sample) - half)


def _cheapest(index: Any, name: str, read: Read, sample: Sample) -> Step | None:
    """The parameters that reach the goal at the least cost; the goal is halfway from TARGET to all."""
    goal, best, least = (1 + TARGET) / 2, None, np.inf
    for probes in _probes(index, read, sample, goal) if name == IVF else [0]:
        lists = index.nlist if name == IVF else 0
        proposals = Proposals(index, Step(name, lists=lists, probes=probes))
        curves = _curves(proposals, probes, read, sample)
        enough = np.flatnonzero((curves >= goal).all(axis=0))
        if len(enough):
            count = max(int(enough[0]) + 1, ladder.DEPTH)
            step = Step(name, ladder.DEPTH, count, lists, probes)
            if (cost := ladder.cost(step, index.ntotal)) < least:
                best, least = step, cost
    return best


def _probes(index: Any, read: Read, sample: Sample, goal: float) -> Iterator[int]:
    """Numbers of probes worth a try: from the least that reaches the lists of `goal` of the answers."""
    lists = index.nlist
    order = index.quantizer.search(sample.questions, lists)[1]
    place = np.argsort(order, axis=1)  # of each list in the question's order
    owner = index.quantizer.search(read(sample.rows.ravel()), 1)[1].reshape(sample.rows.shape)
    needed = np.take_along_axis(place, owner, 1)
    probes = max(int(np.quantile(needed[:, :k], goal, method="inverted_cdf")) + 1 for k in sample.depths())
    while probes < lists:
        yield probes
        probes = int(probes * _PROBES_GROW) + 1
    yield lists


def _curves(proposals: Proposals, probes: int, read: Read, sample: Sample) -> Scores:
    """Mean recall at both depths by the number of proposals: (2, most)."""
    most = MOST * ladder.DEPTH
    curves = np.zeros((2, most))
    for question, own, truth in zip(sample.questions, sample.own, sample.scores, strict=True):
        rows = proposals.nearest(question, most + 1, probes)
        scores = read(rows[rows != own][:most]) @ question
        for i, k in enumerate(sample.depths()):
            found = np.minimum(np.cumsum(scores >= truth[k - 1] - _SAME) / k, 1.0)
            curves[i, : len(found)] += found
            curves[i, len(found) :] += found[-1] if len(found) else 0.0
    return curves / len(sample)


def measured_recall(proposals: Proposals, step: Step, read: Read, sample: Sample) -> dict[int, float]:
    """Share of the true k best that a search with these parameters finds, for both k."""
    shares: dict[int, list[float]] = {k: [] for k in sample.depths()}
    for question, own, truth in zip(sample.questions, sample.own, sample.scores, strict=True):
        rows, _ = proposals.propose(question, step.wanted(step.depth))
        scores = read(rows[rows != own]) @ question
        for k, found in shares.items():
            found.append(min(np.count_nonzero(scores >= truth[k - 1] - _SAME) / k, 1.0))
    return {k: float(np.mean(found)) for k, found in shares.items()}
