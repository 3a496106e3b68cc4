"""The ladder of search: which step serves how many rows, its FAISS index made, written, read and asked.

    exact   every row is scored from the stored vectors; no index on disk
    pq      product quantisation in 4 bits (IndexPQFastScan), all codes scanned
    ivf     the same codes in lists by nearest centroid, some lists scanned (IndexIVFPQFastScan)

The last two only propose rows: dense.py scores what they propose from the stored vectors. Knows
nothing of how vectors are stored, nor of how many proposals are enough; calibration.py does.
Vectors in row order -> dense.faiss -> proposed rows
"""

import hashlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from passage_index.errors import MEND, CorruptIndex, WriteFailed
from passage_index.model_files import file_sha256
from passage_index.types import Rows, Vectors

logger = logging.getLogger(__name__)

EXACT, PQ, IVF = "exact", "pq", "ivf"
FILE = "dense.faiss"
EXACT_ROWS = 50_000  # a segment up to that size is scanned exactly
PQ_ROWS = 2_000_000  # up to that size all codes are scanned
DEPTH = 200  # candidates a pool asks for; parameters are chosen for that many

VALUES_A_CODE = 4  # dimensions that share one code of 4 bits
TRAINED_ON = 65_536  # rows, at least; and for ivf so many a list:
TRAINED_ON_A_LIST = 64
BLOCK = 20_000  # rows read, coded and added at once
STRICT = 0.1  # share of rows from which on a filter that strikes them out gets twice the proposals
SIFT_SLACK = 64  # proposals asked for beyond what a filter should leave

# What can be done in the time that one row is gathered and scored exactly (.4 us); docs/scale.md.
_SCANNED_FOR_ONE = 200  # codes scanned
_SIFTED_FOR_ONE = 6  # proposals asked for and struck out by a filter

Mask = npt.NDArray[np.bool_]  # (rows,)
Near = npt.NDArray[np.float32]  # (n,), similarity by codes; only its order means anything
Read = Callable[[Any], Vectors]  # a slice or (n,) rows -> (n, dim) float32 of a segment


@dataclass(frozen=True, slots=True)
class Step:
    """How one segment is searched, as its manifest records it."""

    name: str = EXACT
    depth: int = 0  # candidates that the parameters were chosen for
    proposals: int = 0  # rows that the codes propose for that many
    lists: int = 0  # ivf: lists of codes
    probes: int = 0  # ivf: lists scanned for one question
    recall: Mapping[str, float] = field(default_factory=dict)  # k -> share of the true k best found
    questions: int = 0  # that recall was measured with; none of them chose the parameters
    refused: tuple[str, ...] = ()  # steps that missed the target for this segment

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """From the manifest's JSON; format 1 had the bare name of the only step there was."""
        if isinstance(data, str):
            return cls(data)
        return cls(**{**data, "refused": tuple(data["refused"])})

    def wanted(self, k: int, share: float = 1.0) -> int:
        """Proposals for the k best: in proportion beyond `depth`, never fewer below it.

        share: of the rows that a filter lets through. Up to twice as many under a filter, for what it
        leaves may all lie far from the question, where codes tell rows apart less well.
        """
        filtered = 1.0 + min((1.0 - share) / STRICT, 1.0)
        return math.ceil(self.proposals * max(k / self.depth, 1.0) * filtered)


def steps_for(rows: int, dim: int) -> tuple[str, ...]:
    """The steps to try for a segment, the fastest first; the exact one, which never fails, comes last."""
    if rows <= EXACT_ROWS or dim % VALUES_A_CODE:
        return (EXACT,)
    return (PQ, EXACT) if rows <= PQ_ROWS else (IVF, PQ, EXACT)


def outgrown(step: Step, rows: int, dim: int) -> bool:
    """Whether a segment would get another step if it were sealed now: one that an older version made."""
    first = steps_for(rows, dim)[0]
    return step.name != first and first not in step.refused


def code_bytes(rows: int, dim: int) -> int:
    """About what a segment's search index holds in memory, whatever its step."""
    step = steps_for(rows, dim)[0]
    a_row = 2 * dim if step == EXACT else dim // VALUES_A_CODE // 2 + (8 if step == IVF else 0)
    return rows * a_row


def cost(step: Step, rows: int) -> float:
    """Of one search of a segment for `depth` candidates, in rows scored exactly."""
    share = step.probes / step.lists if step.name == IVF else 1.0
    return step.proposals + share * rows / _SCANNED_FOR_ONE


def make(name: str, read: Read, rows: int, dim: int) -> Any:
    """A FAISS index of one step over all rows. O(rows * dim * 16), and for ivf O(rows * lists * dim)."""
    lists = 2 ** round(math.log2(rows) / 2) if name == IVF else 0
    count = min(rows, max(TRAINED_ON, lists * TRAINED_ON_A_LIST))
    sample = read(np.sort(np.random.default_rng(0).choice(rows, count, replace=False)))
    index = _inverted(sample, lists) if name == IVF else _flat(dim)
    index.pq.cp.min_points_per_centroid = 1  # it would warn on stderr
    with _one_thread():  # many small clusterings: two threads on a busy machine take twenty times as long
        index.train(sample[:: -(-len(sample) // TRAINED_ON)])
    del sample
    for start in range(0, rows, BLOCK):
        index.add(read(slice(start, min(start + BLOCK, rows))))
    return index


def _flat(dim: int) -> Any:
    return faiss.IndexPQFastScan(dim, dim // VALUES_A_CODE, 4, faiss.METRIC_INNER_PRODUCT)


def _inverted(sample: Vectors, lists: int) -> Any:
    """Lists around `lists` centroids of a sample, (n, dim); the codes are not trained yet."""
    dim = sample.shape[1]
    centroids, parameters = faiss.IndexFlatIP(dim), faiss.ClusteringParameters()
    parameters.niter, parameters.spherical, parameters.min_points_per_centroid = 10, True, 1
    faiss.Clustering(dim, lists, parameters).train(sample, centroids)
    index = faiss.IndexIVFPQFastScan(
        centroids, dim, lists, dim // VALUES_A_CODE, 4, faiss.METRIC_INNER_PRODUCT
    )
    index.by_residual = False  # one table of distances for all lists: nearer to the truth, measured
    return index


@contextmanager
def _one_thread() -> Iterator[None]:
    """For FAISS, in the thread that calls."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def write(index: Any, file: Path) -> None:
    """Write a FAISS index beside its place, read it back, and put it in place. Raises OSError, WriteFailed.

    FAISS's own writing has called a full disk a success, so the bytes go through Python's.
    """
    scratch = file.with_name(f"{file.name}.new")
    digest, size = hashlib.sha256(), 0

    def put(part: bytes) -> None:
        nonlocal size
        out.write(part)
        digest.update(part)
        size += len(part)

    with scratch.open("wb") as out:
        faiss.write_index(index, faiss.PyCallbackIOWriter(put))  # type: ignore[attr-defined]
    if scratch.stat().st_size != size or file_sha256(scratch) != digest.hexdigest():
        raise WriteFailed(f"{scratch} reads otherwise than it was written; is the disk sound?")
    os.replace(scratch, file)


class Proposals:
    """Asks one segment's FAISS index which rows may be near. Safe to share between threads."""

    def __init__(self, index: Any, step: Step) -> None:
        self._index, self._step, self._rows = index, step, int(index.ntotal)

    def propose(
        self, question: Vectors, count: int, mask: Mask | None = None, allowed: int | None = None
    ) -> tuple[Rows, Near]:
        """The `count` nearest rows by their codes, nearest first; fewer only where no more are allowed.

        question: (dim,); mask: (rows,) bool with `allowed` True, or None -> (n,), (n,).
        """
        allowed = self._rows if allowed is None else allowed
        count = min(count, allowed)
        if self._step.name == IVF:
            return self._probed(question, count, mask, allowed)
        return self._sifted(question, count, mask, allowed)

    def nearest(self, question: Vectors, count: int, probes: int) -> Rows:
        """What one scan finds, `probes` lists of it for ivf: (dim,) -> (n,), n <= count."""
        return self._found(question, min(count, self._rows), self._probing(probes, None))[0]

    def gathering_is_cheaper(self, allowed: int, count: int) -> bool:
        """Whether to score all allowed rows, rather than to propose `count` of them and score those."""
        if self._step.name == IVF:
            scanned, struck_out = self._rows * self._probes(count, allowed) / self._step.lists, 0.0
        else:
            scanned, struck_out = self._rows, count * self._rows / max(allowed, 1)
        return allowed <= count + scanned / _SCANNED_FOR_ONE + struck_out / _SIFTED_FOR_ONE

    def _sifted(self, question: Vectors, count: int, mask: Mask | None, allowed: int) -> tuple[Rows, Near]:
        """The fast scan knows no filter: more is asked for than wanted, and struck out afterwards."""
        if mask is None:
            return self._found(question, count, None)
        asked = min(count * self._rows * 9 // allowed // 8 + SIFT_SLACK, self._rows)
        while True:
            rows, near = self._found(question, asked, None)
            kept = mask[rows]
            if asked == self._rows or np.count_nonzero(kept) >= count:
                return rows[kept][:count], near[kept][:count]
            asked = min(asked * 4, self._rows)

    def _probed(self, question: Vectors, count: int, mask: Mask | None, allowed: int) -> tuple[Rows, Near]:
        """FAISS is given the filter, and scans more lists the more it strikes out."""
        bits = None if mask is None else np.packbits(mask, bitorder="little")
        probes = self._probes(count, allowed)
        while True:
            rows, near = self._found(question, count, self._probing(probes, bits))
            if len(rows) >= count or probes == self._step.lists:
                return rows, near
            probes = min(probes * 4, self._step.lists)

    def _probes(self, count: int, allowed: int) -> int:
        """Lists that hold `count` proposals of the allowed rows: more of both, and more the fewer pass."""
        more = max(count / self._step.proposals, 1.0) * math.sqrt(self._rows / max(allowed, 1))
        return min(math.ceil(self._step.probes * more), self._step.lists)

    def _probing(self, probes: int, bits: npt.NDArray[np.uint8] | None) -> Any:
        if self._step.name != IVF:
            return None
        if bits is None:
            return faiss.SearchParametersIVF(nprobe=probes)  # type: ignore[call-arg]
        selector = faiss.IDSelectorBitmap(self._rows, faiss.swig_ptr(bits))
        return faiss.SearchParametersIVF(nprobe=probes, sel=selector)  # type: ignore[call-arg]

    def _found(self, question: Vectors, count: int, parameters: Any) -> tuple[Rows, Near]:
        if count == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        (near,), (rows,) = self._index.search(question[None, :], count, params=parameters)
        return rows[rows >= 0], near[rows >= 0]


def open_proposals(file: Path, step: Step, rows: int, dim: int) -> Proposals:
    """Read a segment's index into memory. Raises CorruptIndex unless it is what the manifest says."""
    try:
        index: Any = faiss.read_index(str(file))
    except (RuntimeError, MemoryError) as error:
        raise CorruptIndex(f"{file} is missing or damaged, FAISS cannot read it; {MEND}") from error
    kind = {PQ: faiss.IndexPQFastScan, IVF: faiss.IndexIVFPQFastScan}.get(step.name)
    found = type(index), index.ntotal, index.d, getattr(index, "nlist", 0)
    if found != (kind, rows, dim, step.lists):
        raise CorruptIndex(
            f"{file} holds {type(index).__name__} of {index.ntotal} rows and {index.d} dimensions, the "
            f"manifest says {step.name} of {rows} and {dim}; {MEND}"
        )
    return Proposals(index, step)
