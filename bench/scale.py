"""`make bench-scale`: what searching by vectors costs as the rows grow, up to ten million and beyond.

    the vectors of an index     its largest segment, sealed anew; exact search and its step in turn
    made-up vectors             --rows of them, around the real ones; no texts, no words

SYNTHETIC: a made-up row is a real one moved by SPREAD times the difference of two other real ones and scaled
to length one, so that rows scatter as real ones do and lie about as near to each other as in a corpus of
that size. Its questions are real ones. It is sealed and opened as the vectors of any segment are.

    python -m bench.scale [INDEX] [--rows N ...] [--questions FILE]

Figures go to bench/results/scale.json, beside those of other sizes that stand there already.
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from indexer.space import require_space
from passage_index import calibration, dense, directory, ladder
from passage_index.calibration import exact_answers
from passage_index.dense import (
    SCALES,
    SENTENCES,
    VECTORS,
    DenseReader,
    Mask,
    StoredVectors,
    from_bf16,
    quantise,
    search_on_one_thread,
    to_bf16,
)  # fmt: skip
from passage_index.encoder import unit
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from passage_index.types import Vectors

RESULTS = Path(__file__).parent / "results" / "scale.json"
QUESTIONS = Path("../shared/data/news/questions.jsonl")
ASKED = 300
ROUNDS = 4  # the first warms up
SPREAD = 0.4  # a made-up row has a cosine of about .88 to its real one
SHARES = (0.98, 0.5, 0.1, 0.01, 0.001)  # of rows that a filter lets through; the first stands for deletions
FILTERED_ASKED = 40
BLOCK = 20_000
CALIBRATED = 2_000  # made-up rows that get sentence vectors, for calibration to choose from


def questions_of(file: Path) -> Vectors:
    """ASKED of a file's questions, encoded: (n, dim)."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [row.get("question") or row["text"] for row in rows]
    chosen = np.random.default_rng(1).permutation(len(texts))[:ASKED]
    return load_encoder(streams=1).encode_questions([texts[i] for i in chosen])


def stored_vectors(index: Path) -> StoredVectors:
    """Those of the largest segment of an index."""
    generation = directory.current(index)
    record = max(generation.manifest.segments, key=lambda one: one.passages)
    folder = generation.folder / directory.SEGMENTS / record.name
    starts = np.load(folder / "columns" / "sentence_start.npy", allow_pickle=False)
    return StoredVectors(folder, record.passages, generation.manifest.encoder.dim, starts)


def linked(real: StoredVectors, folder: Path) -> npt.NDArray[np.int64]:
    """The real vectors once more, to be sealed beside no other file; (rows + 1,) where sentences begin."""
    for name in (VECTORS, SENTENCES, SCALES):
        (folder / name).symlink_to((real.folder / name).resolve())
    return real.starts


def made_up(real: StoredVectors, rows: int, folder: Path) -> npt.NDArray[np.int64]:
    """Write made-up vectors of `rows` rows, a block at a time; (rows + 1,) where sentences begin."""
    random = np.random.default_rng(rows)
    told = np.zeros(rows, dtype=np.int64)
    told[:: max(rows // CALIBRATED, 1)] = 2
    with (
        (folder / VECTORS).open("wb") as vectors,
        (folder / SENTENCES).open("wb") as sentences,
        (folder / SCALES).open("wb") as scales,
    ):
        for start in range(0, rows, BLOCK):
            own, one, other = random.integers(real.rows, size=(3, min(BLOCK, rows - start)))
            moved = SPREAD * (from_bf16(real.codes[one]) - from_bf16(real.codes[other]))
            to_bf16(unit(from_bf16(real.codes[own]) + moved)).tofile(vectors)
            for place in np.flatnonzero(told[start : start + BLOCK]):
                numbers, factors = quantise(unit(_sentences(real, int(own[place])) + moved[place]))
                numbers.tofile(sentences)
                factors.tofile(scales)
    return np.concatenate([[0], np.cumsum(told)])


def _sentences(real: StoredVectors, row: int) -> Vectors:
    """The first and the last sentence of a real row: (2, dim)."""
    _, numbers, scales = real.stored(row)
    return (numbers * scales[:, None])[[0, -1]].astype(np.float32)


class Memory:
    """The most that this process has held of its own (mapped files left out) while inside."""

    def __enter__(self) -> "Memory":
        self.peak_bytes, self._ended = own_bytes(), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.peak_bytes = max(self.peak_bytes, own_bytes())


def own_bytes(kind: str = "RssAnon") -> int:
    """Memory of this process now; RssFile is what it has mapped of files."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split(f"{kind}:")[1].split()[0]) * 1024


def sealed(folder: Path, starts: npt.NDArray[np.int64], dim: int) -> tuple[ladder.Step, dict[str, Any]]:
    """Seal vectors as a segment's are, on all cores; the step, and what that took."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    begun = time.perf_counter()
    with Memory() as memory:
        step = dense.seal(folder, starts)
    rows = len(starts) - 1
    codes = folder / ladder.FILE
    return step, {
        "step": asdict(step),
        "build_s": round(time.perf_counter() - begun, 1),
        "build_peak_bytes": memory.peak_bytes,
        "search_bytes_a_passage": round(codes.stat().st_size / rows if codes.exists() else 2.0 * dim, 2),
        "disk_bytes": sum(file.stat().st_size for file in folder.iterdir()),
    }


def measured(readers: dict[str, DenseReader], questions: Vectors) -> dict[str, float]:
    """What a search for a whole pool takes on one thread, all questions by each reader in turns."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for turn in range(ROUNDS):
        for name, reader in readers.items():
            found = [timed(reader, question) for question in questions]
            spent[name] += found if turn else []  # the first warms up
    out: dict[str, float] = {}
    for name, pairs in spent.items():
        wall, cpu = ([pair[i] for pair in pairs] for i in (0, 1))
        out |= {f"{name}p50_ms": quantile(wall, 0.5), f"{name}p99_ms": quantile(wall, 0.99),
                f"{name}p50_cpu_ms": quantile(cpu, 0.5)}  # fmt: skip
    return out


def timed(reader: DenseReader, question: Vectors, mask: Mask | None = None) -> tuple[float, float]:
    """Milliseconds of a search for a whole pool, (dim,) under a (rows,) mask: wall, processor."""
    begun, cpu = time.perf_counter(), time.thread_time()
    reader.search(question, ladder.DEPTH, mask)
    return (time.perf_counter() - begun) * 1000, (time.thread_time() - cpu) * 1000


def quantile(values: Sequence[float], share: float) -> float:
    """To two digits."""
    return round(float(np.quantile(values, share)), 2)


def recalls(reader: DenseReader, questions: Vectors, mask: Mask | None = None) -> dict[str, float]:
    """Of the best 10 and 200 rows, or of a (rows,) mask's, the share found; equal scores count alike."""
    allowed = np.arange(reader.rows) if mask is None else np.flatnonzero(mask)
    nobody = np.full(len(questions), -1)
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    truth = exact_answers(
        lambda which: reader.vectors(allowed[which]), len(allowed), questions, nobody
    ).scores
    search_on_one_thread()
    depth = truth.shape[1]  # less than a pool where fewer rows are allowed
    shares: dict[int, list[float]] = {k: [] for k in (calibration.FIRST, ladder.DEPTH)}
    for question, best in zip(questions, truth, strict=True):
        _, scores = reader.search(question, ladder.DEPTH, mask)
        for k, found in shares.items():
            enough = min(k, depth)
            found.append(min(int((scores >= best[enough - 1] - 1e-6).sum()) / enough, 1.0))
    return {f"recall_at_{k}": round(float(np.mean(found)), 4) for k, found in shares.items()}


def filtered(reader: DenseReader, questions: Vectors) -> list[dict[str, Any]]:
    """The same under masks that let rows through at random."""
    random, out = np.random.default_rng(3), []
    for share in SHARES:
        mask = random.random(reader.rows) < share
        wall, cpu = zip(*(timed(reader, question, mask) for question in questions), strict=True)
        times = {"p50_ms": quantile(wall, 0.5), "p50_cpu_ms": quantile(cpu, 0.5)}
        out.append({"share": share, **recalls(reader, questions, mask), **times})
    return out


def cold(file: Path) -> None:
    """Have the system forget a file, so that it is read from the disk again."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def synthetic(real: StoredVectors, rows: int, questions: Vectors, folder: Path) -> dict[str, Any]:
    """One size of made-up rows: sealed, opened, asked from the disk and from memory, and under filters."""
    require_space(folder, rows * (2 * real.dim + real.dim // 4))
    begun = time.perf_counter()
    starts = made_up(real, rows, folder)
    made_s = time.perf_counter() - begun
    step, figures = sealed(folder, starts, real.dim)
    search_on_one_thread()
    gc.collect()
    for file in folder.iterdir():
        cold(file)
    before, begun = own_bytes(), time.perf_counter()
    reader = DenseReader(StoredVectors(folder, rows, real.dim, starts), step)
    opened_s, held = time.perf_counter() - begun, own_bytes() - before
    first = [timed(reader, question)[0] for question in questions[:50]]
    return {
        "rows": rows, "synthetic": True, "made_s": round(made_s, 1), **figures,
        "opened_from_disk_s": round(opened_s, 2), "held_bytes": held,
        "from_disk_p50_ms": quantile(first, 0.5),
        **recalls(reader, questions), **measured({"": reader}, questions),
        "mapped_bytes": own_bytes("RssFile"),
        "filtered": filtered(reader, questions[:FILTERED_ASKED]),
    }  # fmt: skip


def in_turn(real: StoredVectors, questions: Vectors, folder: Path) -> dict[str, Any]:
    """The real vectors: exact search and the step they get, in turns of all questions."""
    starts = linked(real, folder)
    step, figures = sealed(folder, starts, real.dim)
    search_on_one_thread()
    stored = StoredVectors(folder, real.rows, real.dim, starts)
    readers = {"": DenseReader(stored, step), "exact_": DenseReader(stored)}
    return {
        "rows": real.rows, "synthetic": False, **figures, **recalls(readers[""], questions),
        **measured(readers, questions), "filtered": filtered(readers[""], questions[:FILTERED_ASKED]),
    }  # fmt: skip


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of the cache, gone afterwards."""
    place = default_cache() / "bench"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scale-", dir=place) as folder:
        yield Path(folder)


def record(figures: dict[str, Any]) -> None:
    """Print one size and put it among the others."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    figures |= {"commit": commit, "machine": platform.machine(), "cores": os.cpu_count(),
                "load": [round(one, 1) for one in os.getloadavg()]}  # fmt: skip
    print(json.dumps(figures, indent=1), flush=True)
    known = json.loads(RESULTS.read_text())["sizes"] if RESULTS.exists() else []
    key = itemgetter("synthetic", "rows")
    sizes = sorted([one for one in known if key(one) != key(figures)] + [figures], key=key)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"sizes": sizes}, indent=1) + "\n")


def main() -> None:
    """Measure the sizes one after another."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    news = default_cache() / "bench" / "news"
    parser.add_argument("index", nargs="?", type=Path, default=news, help=f"default {news}")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000], help="sizes to make up, rising")
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--no-real", action="store_true", help="leave out the vectors as they are")
    arguments = parser.parse_args()
    try:
        real, questions = stored_vectors(arguments.index), questions_of(arguments.questions)
        if not arguments.no_real:
            with scratch() as folder:
                record(in_turn(real, questions, folder))
        for rows in arguments.rows:
            with scratch() as folder:
                record(synthetic(real, rows, questions, folder))
    except (SearchEngineError, OSError) as error:
        sys.exit(f"bench.scale: {error}")


if __name__ == "__main__":
    main()
