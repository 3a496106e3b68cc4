"""txtai as its documentation sets it up: hybrid, with contents, an encoder by path or vectors given.

Run by the peers' own Python. The given vectors come by txtai's way for external vectors (peer_transform.py).
{"id", "text"} a line -> an index that txtai's own API serves
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from txtai import Embeddings

from bench import peer_transform
from bench.peer_loop import serve, versions

TRANSFORM = "bench.peer_transform.transform"
STATE: dict[str, Any] = {}


def load(model: str) -> dict[str, Any]:
    """Load the encoder and warm it up; no part of what is timed."""
    STATE["embeddings"] = Embeddings(path=model, hybrid=True, content=True)
    encode(["A few words to begin with."] * 32)
    return {"versions": _versions()}


def index(passages: str, folder: str) -> dict[str, Any]:
    """Index a file of passages and save it; seconds of both."""
    return _indexed(STATE["embeddings"], passages, folder)


def index_given(passages: str, vectors: str, folder: str) -> dict[str, Any]:
    """The same with vectors from a file, one a line of `passages`."""
    peer_transform.know([text for _, text, _ in _rows(passages)], vectors)
    config = {"method": "external", "transform": TRANSFORM, "hybrid": True, "content": True}
    return {**_indexed(Embeddings(config), passages, folder), "versions": _versions()}


def encode(texts: list[str]) -> dict[str, Any]:
    """Vectors as its index gets them: (n, dim)."""
    vectors = STATE["embeddings"].batchtransform(texts)
    return {"vectors": [[float(number) for number in one] for one in vectors]}


def _versions() -> dict[str, str]:
    return versions("txtai", "torch", "transformers", "faiss-cpu", "fastapi", "uvicorn")


def _indexed(embeddings: Any, passages: str, folder: str) -> dict[str, Any]:
    begun = time.perf_counter()
    embeddings.index(_rows(passages))
    indexed_s = time.perf_counter() - begun
    embeddings.save(folder)
    return {
        "seconds": time.perf_counter() - begun, "indexed_s": indexed_s, "passages": embeddings.count()
    }  # fmt: skip


def _rows(file: str) -> Iterator[tuple[str, str, None]]:
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["id"], row["text"], None


if __name__ == "__main__":
    serve({"load": load, "index": index, "index_given": index_given, "encode": encode})
