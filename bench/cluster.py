"""`make bench-cluster`: an index on a Milvus cluster of this machine, beside the same index on disk.

    publish      passages a second, and what the cluster takes in memory
    search       first candidates of both, in turn: p50 and p99, and how many of ours are the exact ones;
                 the same once more, when the reader has kept the passages that it was sent
    node killed  one of two query nodes is killed under load: failed questions, wrong answers, the slowest
    all killed   every process but the log is killed and started again: rows lost, seconds until answers

Runs inside a network namespace of its own (tests/cluster/machines.py). Questions are sentences of the
index, which is only read.

    python -m bench.cluster INDEX PACKAGES

Figures go to bench/results/cluster.json.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench.places import RESULTS, commit
from indexer.publishing import PublishOptions, publish
from passage_index.columns import Where
from passage_index.dense import search_on_one_thread
from passage_index.errors import ClusterUnavailable
from passage_index.lexical import Words
from passage_index.milvus.cluster import Cluster as Client
from passage_index.milvus.publication import served
from passage_index.milvus.snapshot import MilvusSnapshot
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import Vectors
from tests.cluster.machines import URI, Cluster

QUESTIONS = 200
DEPTH = 200
NODE_DOWN_S, NODE_BACK_S = 20.0, 10.0
NO_WORDS = Words(())


def told(stage: str, done: int, total: int | None) -> None:
    """A line now and then."""
    if total is None or done % 5000 < 10:
        print(f"{stage} {done:,}", file=sys.stderr, flush=True)


def first(backend: Any, vector: Vectors) -> list[str]:
    """Passage ids of one question by vectors alone, best first: as many as a search asks for."""
    pool = backend.pool(vector, NO_WORDS, Where(), DEPTH)
    return [name for _, name in sorted(zip((-pool.dense).tolist(), pool.ids, strict=True))]


def timed(backend: Any, vectors: Vectors) -> tuple[list[list[str]], list[float]]:
    """The answers to all questions, and milliseconds each."""
    answers, took_ms = [], []
    for vector in vectors:
        begun_s = time.perf_counter()
        answers.append(first(backend, vector))
        took_ms.append((time.perf_counter() - begun_s) * 1000)
    return answers, took_ms


def times(took_ms: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    return {f"p{part}_ms": round(float(np.percentile(took_ms, part)), 1) for part in (50, 99)}


def recalled(found: list[list[str]], wanted: list[list[str]], depth: int) -> float:
    """The mean share of the first `depth` that was found."""
    shares = [
        len({*ours[:depth]} & {*theirs[:depth]}) / depth for ours, theirs in zip(found, wanted, strict=True)
    ]
    return round(float(np.mean(shares)), 4)


def under_load(published: MilvusSnapshot, machines: Cluster, vectors: Vectors) -> dict[str, Any]:
    """One query node is killed while questions are asked, and started again."""
    wanted = [{*first(published, vector)[:10]} for vector in vectors[:20]]
    told: dict[str, Any] = {"asked": 0, "failed": 0, "wrong": 0, "slowest_s": 0.0}
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            place = told["asked"] % len(wanted)
            begun_s = time.monotonic()
            try:
                told["wrong"] += {*first(published, vectors[place])[:10]} != wanted[place]
            except ClusterUnavailable:
                told["failed"] += 1
            told["slowest_s"] = max(told["slowest_s"], round(time.monotonic() - begun_s, 2))
            told["asked"] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        time.sleep(2)
        machines.kill("query-2")
        time.sleep(NODE_DOWN_S)
        machines.start()
        time.sleep(NODE_BACK_S)
    finally:
        is_over.set()
        thread.join()
    return told


def restarted(published: MilvusSnapshot, machines: Cluster, client: Client) -> dict[str, Any]:
    """Everything but the log is killed, which keeps nothing on a disk here."""
    machines.kill_everything(keep=("log",))
    begun_s = time.monotonic()
    machines.start()
    while True:
        try:
            published.check()
            break
        except ClusterUnavailable:
            continue
    answers_after_s = time.monotonic() - begun_s
    (row,) = client.ask(
        "query", published.published.passages, filter="", output_fields=["count(*)"],
        consistency_level="Strong", within_s=120,
    )  # fmt: skip
    lost = published.manifest.passages - int(row["count(*)"])
    return {"rows_lost": lost, "answers_after_s": round(answers_after_s, 1)}


def measured(index: Path, packages: Path, folder: Path) -> dict[str, Any]:
    """All figures of one index."""
    embedded: Snapshot = open_snapshot(index, folder / "stamps.json")
    largest = max(embedded.segments, key=lambda one: one.record.passages)
    vectors, _ = largest.vectors.questions(QUESTIONS)
    machines = Cluster(packages, folder / "machines")
    try:
        up_s = machines.start()
        with closing(Client(URI, timeout_s=30)) as client:
            options = PublishOptions(shards=2, replicas=2)
            done = publish(index, client, options, folder / "cache", told)
            names = served(client, options.name)
            assert names is not None
            published = MilvusSnapshot(client, names, folder / "cache")
            published.check()
            wanted, on_disk_ms = timed(embedded, vectors)
            found, in_cluster_ms = timed(published, vectors)
            _, again_ms = timed(published, vectors)
            figures = {
                "passages": embedded.manifest.passages,
                "questions": len(vectors),
                "depth": DEPTH,
                "server": client.version_text,
                "vector_index": published.proposing.kind,
                "up_s": round(up_s, 1),
                "publish_s": done.took_s,
                "memory_gb": round(machines.resident_bytes() / 1e9, 2),
                "embedded": times(on_disk_ms),
                "milvus": times(in_cluster_ms)
                | {f"recall_at_{depth}": recalled(found, wanted, depth) for depth in (10, DEPTH)},
                "again": times(again_ms),
                "node_killed": under_load(published, machines, vectors),
                "all_killed": restarted(published, machines, client),
            }
            published.close()
            return figures
    finally:
        machines.kill_everything()
        embedded.close()


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(prog="bench.cluster")
    parser.add_argument("index", type=Path)
    parser.add_argument("packages", type=Path)
    arguments = parser.parse_args()
    search_on_one_thread()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster's processes end too
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(arguments.index, arguments.packages.resolve(), Path(folder))
    figures |= {"commit": commit(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    (RESULTS / "cluster.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
