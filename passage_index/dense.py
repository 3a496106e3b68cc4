"""The vectors of one segment: bf16 passage vectors, int8 sentence vectors, and the search over them.

FAISS only proposes candidates, by the step of the ladder that the segment has (ladder.py); every score
that leaves this file is computed anew, in float64, from the stored bf16 vectors, so that it does not
depend on which index proposed it. A distance never leaves this module.
(n, dim) float32 -> vectors.bf16, sentences.i8, sentences.scale, dense.faiss -> cosine scores
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from passage_index import calibration, ladder
from passage_index.encoder import PassageVectors, unit
from passage_index.errors import MEND, CorruptIndex
from passage_index.ladder import EXACT, Proposals, Step
from passage_index.types import Rows, Scores, Vectors

VECTORS = "vectors.bf16"
SENTENCES = "sentences.i8"
SCALES = "sentences.scale"
GATHER_SHARE = 128  # FAISS scans that many rows in the time one row is gathered and scored here
GATHER_LIMIT = 20_000  # rows that are gathered rather than scanned, at most
BLOCK = 128  # rows scored at once; what that takes stays in the cache, larger blocks take twice as long
SLACK = 64  # rows asked for beyond half as many again as wanted: nearly always enough at once
SCAN_ERROR = 4e-6  # FAISS sums in float32: how far that may be from the exact sum, and from six digits
FLOAT_ERROR = 2.0**-24  # of a float32 sum of products of unit vectors: at most that times their dimensions
DIGITS = 1e-6  # to which scores are rounded: what is nearer to each other may tie
LONGEST = 1.004  # a unit vector rounded to bf16 is no longer than that

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
    halves = np.zeros((*codes.shape, 2), dtype="<u2")
    halves[..., 1] = codes
    return halves.view("<f4")[..., 0]


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
        self.folder, self.rows, self.dim = folder, rows, dim
        self.starts = sentence_starts
        sentences = int(sentence_starts[-1])
        self.codes: Bf16 = _mapped(folder / VECTORS, np.uint16, (rows, dim))
        self.sentences = _mapped(folder / SENTENCES, np.int8, (sentences, dim))
        self.scales = _mapped(folder / SCALES, np.float32, (sentences,))

    def stored(self, row: int) -> tuple[Bf16, npt.NDArray[np.int8], npt.NDArray[np.float32]]:
        """One row as `VectorWriter.add` takes it: (dim,), (s, dim), (s,); byte for byte what was stored."""
        span = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return self.codes[row], self.sentences[span], self.scales[span]

    def questions(self, count: int) -> tuple[Vectors, Rows]:
        """Sentences of `count` different rows, (n, dim) of unit length, (n,): they are much like questions.

        Of rows with several sentences where there are enough: a lone one has the vector of its row.
        """
        random, sentences = np.random.default_rng(0), np.diff(self.starts)
        rows = np.flatnonzero(sentences > 1)
        rows = rows if len(rows) >= count else np.flatnonzero(sentences)
        rows = random.choice(rows, min(count, len(rows)), replace=False)
        which = self.starts[rows] + random.integers(sentences[rows])
        return unit(self.sentences[which] * self.scales[which][:, None]), rows


def seal(folder: Path, sentence_starts: npt.NDArray[np.int64]) -> Step:
    """Choose how a segment's vectors are searched, and write what that takes beside them.

    sentence_starts: (rows + 1,), of `VectorWriter.close`. Raises OSError or WriteFailed.
    """
    rows = len(sentence_starts) - 1
    dim = (folder / VECTORS).stat().st_size // 2 // max(rows, 1)
    if ladder.steps_for(rows, dim)[0] == EXACT:
        return Step()
    stored = StoredVectors(folder, rows, dim, sentence_starts)
    questions = stored.questions(calibration.QUESTIONS)
    return calibration.climb(
        lambda which: from_bf16(stored.codes[which]), rows, dim, questions, folder / ladder.FILE
    )


class DenseReader:
    """Search over the vectors of one segment, by the step of the ladder that it was sealed with."""

    def __init__(
        self, vectors: StoredVectors, step: Step | None = None, twin: "DenseReader | None" = None
    ) -> None:
        """step: none is the exact one. twin: a reader of a copy of the same files; its index serves both."""
        self.rows, self.dim = vectors.rows, vectors.dim
        self._starts, self._step = vectors.starts, step or Step()
        self._codes = np.asarray(vectors.codes)  # a memmap takes its time over every slice
        self._sentences, self._scales = np.asarray(vectors.sentences), np.asarray(vectors.scales)
        if twin:
            self._index: Any = twin._index
        elif self._step.name == EXACT:
            self._index = _exact_index(self._codes)
        else:
            file = vectors.folder / ladder.FILE
            self._index = ladder.open_proposals(file, self._step, self.rows, self.dim)

    def search(self, question: Vectors, k: int, mask: Mask | None = None) -> tuple[Rows, Scores]:
        """The k best rows by cosine, best first, and all that tie with the last of them.

        question: (dim,) float32, unit length; mask: (rows,) bool or None -> rows (n,), scores (n,) as
        `scores` gives them; n < k when fewer rows are allowed. With the ties in hand a caller can cut
        by public id, so that what is found does not depend on row numbers. On the exact step it is all
        of them, in O(rows * dim), and more only where very many rows are about as near as the last one;
        on the others the recall of the step, in O(rows * dim / 200) or less.
        """
        allowed = self.rows if mask is None else int(np.count_nonzero(mask))
        if allowed == 0 or k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0)
        k = min(k, allowed)
        if isinstance(self._index, Proposals):
            return self._proposed(self._index, question, k, mask, allowed)
        if mask is not None and allowed <= max(min(self.rows // GATHER_SHARE, GATHER_LIMIT), k):
            return _best(np.flatnonzero(mask), self.scores(question, np.flatnonzero(mask)), k)
        selected = None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(self.rows, faiss.swig_ptr(bits))
            selected = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        error, asked = scan_error(question), min(k + k // 2 + SLACK, allowed)
        while True:
            (distances,), (found,) = self._index.search(question[None, :], asked, params=selected)
            rows = found[found >= 0].astype(np.int64)
            by_row = np.sort(rows)
            best, scores = _best(by_row, self.scores(question, by_row), k)
            # What was not found has less than the last found one by FAISS, so less than this by us.
            if asked == allowed or distances[len(rows) - 1] + error < scores[-1]:
                return best, scores
            asked = min(asked * 4, allowed)

    def _proposed(
        self, proposals: Proposals, question: Vectors, k: int, mask: Mask | None, allowed: int
    ) -> tuple[Rows, Scores]:
        """As `search`, of what the codes propose. (dim,), (rows,) -> (n,), (n,)."""
        wanted = self._step.wanted(k, allowed / self.rows)
        if mask is not None and proposals.gathering_is_cheaper(allowed, wanted):
            rows = np.flatnonzero(mask)
            return _best(rows, self.scores(question, rows), k)
        while True:
            rows, near = proposals.propose(question, wanted, mask, allowed)
            by_row = np.argsort(rows)
            best, scores = self._best_of(question, rows[by_row], k)
            # Copies of the k-th row have its codes: none is missing unless the codes reach to the end.
            last = near[np.isin(rows, best[scores == scores[-1]])].min()
            if wanted >= allowed or last > near[-1]:
                return best, scores
            wanted *= 4

    def _best_of(self, question: Vectors, rows: Rows, k: int) -> tuple[Rows, Scores]:
        """The k best of some rows, and what ties with the last. (dim,), (n,) -> (m,), (m,).

        Sums in float32 leave out what surely is none of them; the others are scored as ever.
        """
        if len(rows) > k:
            rough = np.concatenate(
                [
                    from_bf16(self._codes.take(rows[start : start + BLOCK], axis=0)) @ question
                    for start in range(0, len(rows), BLOCK)
                ]
            )
            margin = 2 * FLOAT_ERROR * self.dim * LONGEST + DIGITS
            rows = rows[rough >= np.partition(rough, -k)[-k] - margin]
        return _best(rows, self.scores(question, rows), k)

    def scores(self, question: Vectors, rows: Rows) -> Scores:
        """Cosine of the question to each row, (n,) float64 rounded to 1e-6, the same on every machine."""
        exact, out = question.astype(np.float64), np.empty(len(rows))
        for start in range(0, len(rows), BLOCK):
            block = slice(start, start + BLOCK)
            vectors = from_bf16(self._codes.take(rows[block], axis=0)).astype(np.float64)
            out[block] = np.round(np.einsum("nd,d->n", vectors, exact), 6)
        return out

    def sentence_scores(self, question: Vectors, row: int) -> Scores:
        """Cosine of the question to each sentence of one row, (sentences,)."""
        span = slice(int(self._starts[row]), int(self._starts[row + 1]))
        return self._dequantised_scores(question, span)

    def best_sentences(self, question: Vectors, rows: Rows) -> Scores:
        """The highest sentence score of each row, (n,) float64."""
        if len(rows) == 0:
            return np.empty(0)
        which, first = self._sentences_of(rows)
        best: Scores = np.maximum.reduceat(self._dequantised_scores(question, which), first)
        return best

    def nearest_sentences(self, question: Vectors, rows: Rows) -> Rows:
        """Which sentence of each row is nearest, counted from the row's first: (n,)."""
        which, first = self._sentences_of(rows)
        parts = np.split(self._dequantised_scores(question, which), first[1:]) if len(rows) else []
        return np.array([part.argmax() for part in parts], dtype=np.int64)

    def _sentences_of(self, rows: Rows) -> tuple[Rows, Rows]:
        """The sentences of all rows, (s,), and where each row's own begin among them, (n,)."""
        starts = self._starts[rows]
        counts = self._starts[rows + 1] - starts
        first = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(starts - first, counts), first

    def vectors(self, rows: Rows) -> Vectors:
        """(n, dim) float32 as stored."""
        return from_bf16(self._codes[rows])

    def _dequantised_scores(self, question: Vectors, which: Any) -> Scores:
        """(s,) or a slice of sentences -> (s,)."""
        scales, exact = self._scales[which], question.astype(np.float64)
        out, codes = np.empty(len(scales)), self._sentences[which]
        # float64, so that the sum's order (which BLAS chooses by position) never shows in six digits
        for start in range(0, len(codes), BLOCK):
            out[start : start + BLOCK] = codes[start : start + BLOCK].astype(np.float64) @ exact
        return np.round(out * scales, 6)


def scan_error(question: Vectors) -> float:
    """How far a score by FAISS may be from ours, for unit vectors and a (dim,) question.

    With AVX512-BF16 FAISS rounds the question to bf16 too, and the dot product of what is rounded off
    with a unit vector is at most its length; elsewhere it does not, and errs less than this.
    """
    lost = question.astype(np.float64) - from_bf16(to_bf16(question))
    return float(np.linalg.norm(lost)) * LONGEST + SCAN_ERROR


def _best(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The k best and what ties with the last of them, best first, ties by row. (n,), (n,) -> (m,), (m,)."""
    order = np.argsort(-scores, kind="stable")
    if len(order) > k:
        order = order[: int(np.searchsorted(-scores[order], -scores[order[k - 1]], side="right"))]
    return rows[order], scores[order]


def _mapped(file: Path, dtype: Any, shape: tuple[int, ...]) -> Any:
    """A read-only map of a raw array; an empty array cannot be mapped and is made."""
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    size = file.stat().st_size
    if min(shape) < 0 or size != wanted:
        raise CorruptIndex(f"{file} has {size} bytes, the {shape} of the manifest take {wanted}; {MEND}")
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
