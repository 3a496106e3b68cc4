"""Vector indexes by others: built over vectors from a file, asked one question at a time on one core.

Run by the peers' own Python. hnswlib with the parameters of its own example, usearch and chromadb as they
are by default. (n, dim) float32 -> the rows of the k nearest
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.peer_loop import serve, versions

Search = Callable[[Any, int], Any]  # (dim,), k -> rows (k,)
STATE: dict[str, Any] = {}


def hnswlib(vectors: Any) -> Search:
    """Its README's parameters."""
    import hnswlib as library

    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors, np.arange(len(vectors)))
    index.set_ef(50)
    index.set_num_threads(1)
    return lambda question, k: index.knn_query(question[None, :], k=k)[0][0]


def usearch(vectors: Any) -> Search:
    """Its defaults."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos")
    index.add(np.arange(len(vectors)), vectors)
    return lambda question, k: index.search(question, k, threads=1).keys


def chromadb(vectors: Any) -> Search:
    """A persistent client with its defaults, by cosine, the vectors given."""
    import chromadb as library

    STATE["folder"] = tempfile.TemporaryDirectory(prefix="chroma-")
    client = library.PersistentClient(STATE["folder"].name)
    collection = client.create_collection(
        "passages", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    most = client.get_max_batch_size()
    for start in range(0, len(vectors), most):
        part = vectors[start : start + most]
        collection.add(ids=[str(start + at) for at in range(len(part))], embeddings=part)
    return lambda question, k: [
        int(one)
        for one in collection.query(query_embeddings=question[None, :], n_results=k, include=[])["ids"][0]
    ]


def build(name: str, vectors: str) -> dict[str, Any]:
    """Build one of the above on all cores, then keep to one core."""
    loaded = np.load(vectors, allow_pickle=False)
    begun = time.perf_counter()
    STATE["search"] = {"hnswlib": hnswlib, "usearch": usearch, "chromadb": chromadb}[name](loaded)
    seconds = time.perf_counter() - begun
    core = min(os.sched_getaffinity(0))
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    return {"seconds": seconds, "versions": versions(name)}


def ask(questions: str, k: int) -> dict[str, Any]:
    """Every question of a file, (n, dim), alone: milliseconds and rows of each."""
    search, ms, rows = STATE["search"], [], []
    for question in np.load(questions, allow_pickle=False):
        begun = time.perf_counter()
        found = search(question, k)
        ms.append((time.perf_counter() - begun) * 1000)
        rows.append([int(row) for row in found])
    return {"ms": ms, "rows": rows}


if __name__ == "__main__":
    serve({"build": build, "ask": ask})
