"""Vectors alone: our reader beside hnswlib, usearch and chromadb over the same vectors.

Each peer is a process of its own (peer_vectors.py) that builds on all cores and is asked on one; all are
asked the same questions in turn, one at a time. Recall is against all rows, and an equal score is as good.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.indexing import Exported
from bench.peers import Peer, python_of, reported
from bench.scale import linked, sealed, stored_vectors
from passage_index.dense import DenseReader, StoredVectors, search_on_one_thread
from passage_index.types import Vectors

K = 10
ASKED = 300
PEERS = ("hnswlib", "usearch", "chromadb")
BLOCK = 50_000
SAME = 1e-6

Answers = tuple[list[float], list[list[int]]]  # milliseconds and rows, a question
Asked = Callable[[], Answers]


def exact_scores(vectors: Vectors, questions: Vectors) -> Vectors:
    """The K best scores of every question over all rows, best first. (n, dim), (q, dim) -> (q, K)."""
    best = np.full((len(questions), 0), 0.0, dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        scores = questions @ np.asarray(vectors[start : start + BLOCK]).T
        best = -np.sort(-np.concatenate([best, scores], axis=1), axis=1)[:, :K]
    return best


def recall(vectors: Vectors, questions: Vectors, found: list[list[int]], best: Vectors) -> float:
    """The share of the K best rows that was found; a row that scores as the last of them counts too."""
    shares = []
    for question, rows, scores in zip(questions, found, best, strict=True):
        own = vectors[np.array(sorted(set(rows)), dtype=np.int64)] @ question
        shares.append(min(int((own >= scores[-1] - SAME).sum()) / len(scores), 1.0))
    return round(float(np.mean(shares)), 4)


def ours(index: Path, folder: Path, questions: Vectors) -> tuple[dict[str, Any], Asked]:
    """The vectors of the largest segment sealed anew, and how they are asked on one thread."""
    real = stored_vectors(index)
    folder.mkdir()
    starts = linked(real, folder)
    step, figures = sealed(folder, starts, real.dim)
    search_on_one_thread()
    reader = DenseReader(StoredVectors(folder, real.rows, real.dim, starts), step)
    return {"build_s": figures["build_s"], "step": step.name}, lambda: _asked(reader, questions)


def _asked(reader: DenseReader, questions: Vectors) -> Answers:
    ms, rows = [], []
    for question in questions:
        begun = time.perf_counter()
        found, _ = reader.search(question, K)
        ms.append((time.perf_counter() - begun) * 1000)
        rows.append([int(row) for row in found[:K]])
    return ms, rows


def _peer(peer: Peer, questions: Path) -> Answers:
    reply = peer.ask("ask", questions=str(questions), k=K)
    return reply["ms"], reply["rows"]


def compare(
    index: Path, given: Exported, questions: Vectors, folder: Path, failed: dict[str, str], rounds: int
) -> dict[str, Any]:
    """Build all, then ask all in turn: {name: {"build_s", "p50_ms", "recall_at_10"}}.

    questions: (q, dim). The index is of one segment; a peer that fails is in `failed` instead.
    """
    asked_file = folder / "questions.npy"
    np.save(asked_file, questions, allow_pickle=False)
    out: dict[str, Any] = {"rows": given.count, "questions": len(questions), "rounds": rounds}
    with ExitStack() as stack:
        engines: dict[str, Asked] = {}
        built: dict[str, dict[str, Any]] = {}
        for name in PEERS:
            with reported(failed, name):
                peer = stack.enter_context(
                    Peer(python_of(name), "bench.peer_vectors", folder / f"{name}.log")
                )
                done = peer.ask("build", name=name, vectors=str(given.vectors))
                built[name] = {"build_s": round(done["seconds"], 1), "version": done["versions"][name]}
                engines[name] = partial(_peer, peer, asked_file)
        built["ours"], engines["ours"] = ours(index, folder / "sealed", questions)
        vectors = np.load(given.vectors, mmap_mode="r", allow_pickle=False)
        best = exact_scores(vectors, questions)
        out["engines"] = {}
        for name, (ms, found) in _in_turn(engines, failed, rounds):
            out["engines"][name] = {
                **built[name], "p50_ms": ms, "recall_at_10": recall(vectors, questions, found, best)
            }  # fmt: skip
    print(json.dumps(out, indent=1), flush=True)
    return out


def _in_turn(
    engines: dict[str, Asked], failed: dict[str, str], rounds: int
) -> Iterator[tuple[str, tuple[float, list[list[int]]]]]:
    """(name, (the median round's median, rows)); the first round warms up and is not counted."""
    medians: dict[str, list[float]] = {name: [] for name in engines}
    found: dict[str, list[list[int]]] = {}
    for number in range(rounds + 1):
        for name, ask in engines.items():
            if name not in failed:
                with reported(failed, name):
                    ms, found[name] = ask()
                    medians[name] += [statistics.median(ms)] if number else []
    for name in sorted(engines, key=lambda one: one != "ours"):
        if name not in failed:
            yield name, (round(statistics.median(medians[name]), 3), found[name])
