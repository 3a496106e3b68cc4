"""The vectors of one segment: bf16 passage vectors, int8 sentence vectors, and the FAISS search over them.

FAISS only proposes candidates; every score that leaves this file is computed anew, in float64, from
the stored bf16 vectors, so that it does not depend on which index proposed it. A distance never
leaves this module. (n, dim) float32 -> vectors.bf16, sentences.i8, sentences.scale -> cosine scores
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from passage_index.encoder import PassageVectors
from passage_index.types import Rows, Scores, Vectors

VECTORS = "vectors.bf16"
SENTENCES = "sentences.i8"
SCALES = "sentences.scale"
GATHER_SHARE = 16  # FAISS scans that many rows in the time one row is gathered and scored here
GATHER_LIMIT = 20_000  # rows; bounds what gathering holds in memory
TIES = 16  # ties with the k-th row are followed until that many times k rows are in hand
SLACK = 32  # rows asked for beyond k, so that a tie is nearly always seen at once
SCAN_ERROR = 4e-6  # FAISS sums in float32: how far its order may be from the exact one

Bf16 = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]  # (rows,), True where a row may be returned


def search_on_one_thread() -> None:
    """From now on, in this process: as a server does, which says so before FAISS is imported."""
    faiss.omp_set_num_threads(1)


def to_bf16(vectors: Vectors) -> Bf16:
    """Round float32 to the nearest bf16 (ties to even), kept as uint16. (n, dim) or any other shape."""
    bits = np.ascontiguousarray(vectors, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(codes: Bf16) -> Vectors:
    """The inverse of `to_bf16`, exact. (n, dim) or any other shape."""
    return (codes.astype(np.uint32) << 16).view(np.float32)


def quantise(vectors: Vectors) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rows to int8 and one scale a row. (n, dim) -> (n, dim), (n,)."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    return np.rint(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32)


class VectorWriter:
    """Appends vectors in row order; `close` gives where each row's sentences begin."""

    def __init__(self, folder: Path) -> None:
        self._files = [(folder / name).open("wb") for name in (VECTORS, SENTENCES, SCALES)]
        self._sentence_counts: list[int] = []

    def add(self, codes: Bf16, sentences: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]) -> None:
        """One passage: (dim,) bf16, (s, dim) int8 and (s,) float32, as `encode_stored` gives them."""
        for file, array in zip(self._files, (codes, sentences, scales), strict=True):
            file.write(np.ascontiguousarray(array).tobytes())
        self._sentence_counts.append(len(sentences))

    def close(self) -> npt.NDArray[np.int64]:
        """Close the files. Returns (rows + 1,) int64: row r's sentences are [out[r], out[r + 1])."""
        for file in self._files:
            file.close()
        return np.concatenate([[0], np.cumsum(self._sentence_counts, dtype=np.int64)]).astype(np.int64)

    def abandon(self) -> None:
        """Let go of the files, whatever the disk says; they are worth nothing unless closed before."""
        for file in self._files:
            with suppress(OSError):
                file.close()


def encode_stored(vectors: PassageVectors) -> tuple[Bf16, npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """The forms that are stored: bf16 vector (dim,), int8 sentence vectors (s, dim) and their scales (s,)."""
    return to_bf16(vectors.vector), *quantise(vectors.sentences)


class StoredVectors:
    """The vectors of a sealed segment, memory-mapped, as they were written."""

    def __init__(self, folder: Path, rows: int, dim: int, sentence_starts: npt.NDArray[np.int64]) -> None:
        self.rows, self.dim = rows, dim
        self.starts = sentence_starts
        sentences = int(sentence_starts[-1])
        self.codes: Bf16 = _mapped(folder / VECTORS, np.uint16, (rows, dim))
        self.sentences = _mapped(folder / SENTENCES, np.int8, (sentences, dim))
        self.scales = _mapped(folder / SCALES, np.float32, (sentences,))

    def stored(self, row: int) -> tuple[Bf16, npt.NDArray[np.int8], npt.NDArray[np.float32]]:
        """One row as `VectorWriter.add` takes it: (dim,), (s, dim), (s,); byte for byte what was stored."""
        span = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return self.codes[row], self.sentences[span], self.scales[span]


class DenseReader:
    """Exact search over the vectors of one segment, by a FAISS index over the bf16 codes."""

    def __init__(self, vectors: StoredVectors, twin: "DenseReader | None" = None) -> None:
        """twin: a reader of a copy of the same vectors; its FAISS index then serves both."""
        self.rows, self.dim = vectors.rows, vectors.dim
        self._starts = vectors.starts
        self._codes, self._sentences, self._scales = vectors.codes, vectors.sentences, vectors.scales
        self._index: Any = twin._index if twin else _exact_index(self._codes)

    def search(self, question: Vectors, k: int, mask: Mask | None = None) -> tuple[Rows, Scores]:
        """The k best rows by cosine, best first, and all that tie with the last of them (up to TIES * k).

        question: (dim,) float32, unit length; mask: (rows,) bool or None -> rows (n,), scores (n,) as
        `scores` gives them; n < k when fewer rows are allowed. With the ties in hand a caller can cut
        by public id, so that what is found does not depend on row numbers. Exact: O(rows * dim).
        """
        allowed = self.rows if mask is None else int(mask.sum())
        if allowed == 0 or k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0)
        k = min(k, allowed)
        if mask is not None and allowed <= max(min(self.rows // GATHER_SHARE, GATHER_LIMIT), k):
            return _best(np.flatnonzero(mask), self.scores(question, np.flatnonzero(mask)), k)
        selected = None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(self.rows, faiss.swig_ptr(bits))
            selected = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        asked = min(k + SLACK, allowed)
        while True:
            found = self._index.search(question[None, :], asked, params=selected)[1][0]
            rows = found[found >= 0].astype(np.int64)
            by_row = np.sort(rows)
            best, scores = _best(by_row, self.scores(question, by_row), k)
            complete = asked >= min(allowed, k * TIES) or len(rows) < asked
            if complete or self.scores(question, rows[-1:])[0] + SCAN_ERROR < scores[-1]:
                return best, scores
            asked = min(asked * 4, allowed, k * TIES)

    def scores(self, question: Vectors, rows: Rows) -> Scores:
        """Cosine of the question to each row, (n,) float64 rounded to 1e-6, the same on every machine."""
        vectors = from_bf16(self._codes[rows]).astype(np.float64)
        return np.round(np.einsum("nd,d->n", vectors, question.astype(np.float64)), 6)

    def sentence_scores(self, question: Vectors, row: int) -> Scores:
        """Cosine of the question to each sentence of one row, (sentences,)."""
        span = slice(int(self._starts[row]), int(self._starts[row + 1]))
        return self._dequantised_scores(question, span)

    def best_sentences(self, question: Vectors, rows: Rows) -> Scores:
        """The highest sentence score of each row, (n,) float64."""
        if len(rows) == 0:
            return np.empty(0)
        starts, ends = self._starts[rows], self._starts[rows + 1]
        counts = ends - starts
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        flat = np.arange(counts.sum()) - np.repeat(first - starts, counts)
        best: Scores = np.maximum.reduceat(self._dequantised_scores(question, flat), first)
        return best

    def vectors(self, rows: Rows) -> Vectors:
        """(n, dim) float32 as stored."""
        return from_bf16(self._codes[rows])

    def _dequantised_scores(self, question: Vectors, which: Any) -> Scores:
        # float64, so that the sum's order (which BLAS chooses by position) never shows in six digits
        products = self._sentences[which].astype(np.float64) @ question.astype(np.float64)
        return np.round(products * self._scales[which], 6)


def _best(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The k best and what ties with the last of them, best first, ties by row. (n,), (n,) -> (m,), (m,)."""
    order = np.argsort(-scores, kind="stable")
    if len(order) > k:
        order = order[: int(np.searchsorted(-scores[order], -scores[order[k - 1]], side="right"))]
    return rows[order], scores[order]


def _mapped(file: Path, dtype: Any, shape: tuple[int, ...]) -> Any:
    """A read-only map of a raw array; an empty array cannot be mapped and is made."""
    if 0 in shape:
        return np.empty(shape, dtype=dtype)
    return np.memmap(file, dtype=dtype, mode="r", shape=shape)


def _exact_index(codes: Bf16) -> Any:
    index: Any = faiss.IndexScalarQuantizer(
        codes.shape[1], faiss.ScalarQuantizer.QT_bf16, faiss.METRIC_INNER_PRODUCT
    )
    index.is_trained = True
    if len(codes):
        raw = np.ascontiguousarray(codes).view(np.uint8)
        index.add_sa_codes(raw)
    return index
