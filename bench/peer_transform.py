"""External vectors for txtai: a known text has the vector it was given, any other is encoded by txtai itself.

Named in txtai's config as `transform`. While it indexes, all texts are known; while it serves, none is, so
that every question goes through txtai's own encoder for the model folder in PEER_MODEL.
"""

import os
from typing import Any

import numpy as np

_rows: dict[str, int] = {}
_given: list[Any] = []
_encoder: list[Any] = []


def know(texts: list[str], vectors: str) -> None:
    """From now on these texts have the vectors of a file, (n, dim) float32."""
    _given.append(np.load(vectors, mmap_mode="r", allow_pickle=False))
    _rows.update({text: row for row, text in enumerate(texts)})


def transform(texts: list[str]) -> Any:
    """(n, dim) float32."""
    if all(text in _rows for text in texts):
        return np.array(_given[0][[_rows[text] for text in texts]], dtype=np.float32)
    return _own().encode(list(texts), "query")


def _own() -> Any:
    """What txtai makes of a path that is given to it."""
    if not _encoder:
        from txtai.vectors import VectorsFactory

        _encoder.append(VectorsFactory.create({"path": os.environ["PEER_MODEL"]}, None))
    return _encoder[0]
