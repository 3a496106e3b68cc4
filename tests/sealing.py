"""Scaffolding for tests of the ladder of search: a few thousand vectors, sealed as a segment's are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from passage_index import dense, ladder
from passage_index.dense import DenseReader, StoredVectors, VectorWriter, encode_stored
from passage_index.encoder import PassageVectors, unit
from passage_index.types import Vectors

DIM = 64
ROWS = 4000
DEPTH = 40
EVERY = np.ones(ROWS, dtype=bool)
RANDOM = np.random.default_rng(11)


def small(patch: pytest.MonkeyPatch) -> None:
    """Make a few hundred rows many, and a pool of DEPTH deep."""
    patch.setattr(ladder, "EXACT_ROWS", 300)
    patch.setattr(ladder, "DEPTH", DEPTH)


def around(vectors: Vectors, distance: float) -> Vectors:
    """One vector near each, (n, dim)."""
    return unit(vectors + distance * unit(RANDOM.normal(size=vectors.shape).astype(np.float32)))


def bundles() -> Vectors:
    """(ROWS, DIM) unit vectors in 60 loose bundles, every twentieth row a copy of the one before."""
    made = around(np.repeat(unit(RANDOM.normal(size=(60, DIM)).astype(np.float32)), ROWS // 60 + 1, 0), 1.0)
    made = made[:ROWS]
    made[20::20] = made[19:-1:20]
    return made[RANDOM.permutation(ROWS)]


def sealed(folder: Path, vectors: Vectors, sentences: Sequence[Vectors] | None = None) -> DenseReader:
    """As a segment is sealed and opened again; two sentences near each row unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = VectorWriter(folder)
    pairs = sentences or np.stack([around(vectors, 0.7), around(vectors, 0.7)], axis=1)
    for row, vector in enumerate(vectors):
        writer.add(*encode_stored(PassageVectors(vector, pairs[row])))
    starts = writer.close()
    step = dense.seal(folder, starts)
    return DenseReader(StoredVectors(folder, *vectors.shape, starts), step)
