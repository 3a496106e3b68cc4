"""The steps of the ladder: made, written, opened, and asked as the exact step is asked."""

from pathlib import Path

import numpy as np
import pytest

from passage_index import ladder
from passage_index.dense import DenseReader
from passage_index.encoder import unit
from passage_index.errors import CorruptIndex, WriteFailed
from passage_index.ladder import EXACT, IVF, PQ, Proposals, Step
from passage_index.types import Vectors
from tests.sealing import DEPTH, DIM, EVERY, ROWS, around, bundles, sealed, small
from tests.test_dense import best_rows, cosines

RANDOM = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return bundles()


@pytest.fixture(scope="module")
def questions(vectors: Vectors) -> Vectors:
    return around(vectors[RANDOM.permutation(ROWS)[:24]], 0.7)


@pytest.fixture(scope="module", params=[PQ, IVF])
def opened(request: pytest.FixtureRequest, vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> DenseReader:  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        patch.setattr(ladder, "PQ_ROWS", 10**6 if request.param == PQ else 1000)
        reader = sealed(tmp_path_factory.mktemp("ladder"), vectors)
    assert reader._step.name == request.param
    return reader


def recall(
    opened: DenseReader, vectors: Vectors, questions: Vectors, k: int, mask: np.ndarray = EVERY
) -> float:
    """Of the k best by brute force, what a search for DEPTH finds; its scores and their order are checked."""
    shares = []
    for question in questions:
        oracle = cosines(vectors, question)
        rows, scores = opened.search(question, DEPTH, None if mask.all() else mask)
        assert mask[rows].all() and len(rows) >= min(DEPTH, mask.sum())
        assert scores.tolist() == oracle[rows].tolist() == sorted(oracle[rows], reverse=True)
        best = best_rows(oracle, mask, k)[:k]
        shares.append(np.count_nonzero(scores[:k] >= oracle[best[-1]]) / len(best))
    return float(np.mean(shares))


def test_steps_go_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    steps = {rows: ladder.steps_for(rows, 384) for rows in (0, 50_000, 50_001, 2_000_000, 2_000_001)}
    assert list(steps.values()) == [(EXACT,), (EXACT,), (PQ, EXACT), (PQ, EXACT), (IVF, PQ, EXACT)]
    assert ladder.steps_for(60_000, 383) == (EXACT,)  # no four values to share a code
    assert [ladder.code_bytes(rows, 384) for rows in (50_000, 60_000)] == [50_000 * 768, 60_000 * 48]


def test_recall_of_other_questions_is_what_was_recorded(
    opened: DenseReader, vectors: Vectors, questions: Vectors
) -> None:
    assert recall(opened, vectors, questions, 10) >= 0.98
    assert recall(opened, vectors, questions, DEPTH) >= 0.97


@pytest.mark.parametrize("gathers", [True, False])
@pytest.mark.parametrize("percent", [95, 50, 10, 1, 0.1])
def test_filters_lose_nothing(
    opened: DenseReader, vectors: Vectors, questions: Vectors, percent: float, gathers: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever share of the rows passes, and both ways to search them."""
    monkeypatch.setattr(Proposals, "gathering_is_cheaper", lambda *_: gathers)
    mask = np.zeros(ROWS, dtype=bool)
    mask[RANDOM.permutation(ROWS)[: int(ROWS * percent / 100)]] = True
    assert recall(opened, vectors, questions, 10, mask) >= (1.0 if gathers else 0.99)
    assert recall(opened, vectors, questions, DEPTH, mask) >= (1.0 if gathers else 0.98)


def test_a_filter_that_strikes_out_all_that_is_near_loses_nothing(
    opened: DenseReader, vectors: Vectors, questions: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if of sixty sources the twenty nearest were unwanted."""
    monkeypatch.setattr(Proposals, "gathering_is_cheaper", lambda *_: False)
    source = np.argmax(vectors @ vectors[:60].T, axis=1)
    shares = []
    for question in questions:
        far = np.argsort(vectors[:60] @ question)[:40]
        shares.append(recall(opened, vectors, question[None], 10, np.isin(source, far)))
    assert float(np.mean(shares)) >= 0.97


def test_few_deleted_rows_do_not_make_a_search_gather(opened: DenseReader, questions: Vectors) -> None:
    asked: list[int] = []
    mask = EVERY.copy()
    mask[RANDOM.permutation(ROWS)[: ROWS // 50]] = False
    with pytest.MonkeyPatch.context() as patch:
        whole = DenseReader._best_of
        patch.setattr(
            DenseReader,
            "_best_of",
            lambda self, one, rows, k: asked.append(len(rows)) or whole(self, one, rows, k),
        )
        rows, _ = opened.search(questions[0], DEPTH, mask)
    assert (
        mask[rows].all()
        and asked == [opened._step.wanted(DEPTH, 0.98)]
        and asked[0] < 1.3 * opened._step.proposals
    )


def test_deeper_searches_ask_for_more(opened: DenseReader, vectors: Vectors, questions: Vectors) -> None:
    for question in questions[:5]:
        oracle = cosines(vectors, question)
        assert len(opened.search(question, 500)[0]) >= 500
        rows, scores = opened.search(question, ROWS + 7)
        assert rows.tolist() == best_rows(oracle, EVERY, ROWS)
        assert scores.tolist() == oracle[rows].tolist()


@pytest.mark.parametrize("most", [10**6, 1000])
def test_all_that_tie_with_the_last_row_are_found(
    tmp_path: Path, vectors: Vectors, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "PQ_ROWS", most)
    several = vectors.copy()
    several[1000:1600] = several[0]
    opened = sealed(tmp_path, several)
    assert opened._step.name == (PQ if most > ROWS else IVF)
    for mask in (None, EVERY & (np.arange(ROWS) % 3 > 0)):
        rows, scores = opened.search(several[0], 10, mask)
        copies = [row for row in (0, *range(1000, 1600)) if mask is None or mask[row]]
        assert rows.tolist() == copies and set(scores) == {cosines(several[:1], several[0])[0]}


def test_nothing_is_found_where_nothing_is_allowed(opened: DenseReader, questions: Vectors) -> None:
    for found in (opened.search(questions[0], 10, ~EVERY), opened.search(questions[0], 0)):
        assert [len(part) for part in found] == [0, 0]


def test_rows_of_one_vector_are_all_the_same(tmp_path: Path) -> None:
    vectors = np.repeat(unit(RANDOM.normal(size=(1, DIM)).astype(np.float32)), 400, axis=0)
    opened = sealed(tmp_path, vectors, [vectors[:1]] * 400)
    assert opened._step.name == PQ and opened.search(vectors[0], 5)[0].tolist() == list(range(400))


def test_an_index_that_is_not_the_manifest_s_is_refused_by_name(
    opened: DenseReader, vectors: Vectors, tmp_path: Path
) -> None:
    step = opened._step
    file = tmp_path / ladder.FILE
    ladder.write(opened._index._index, file)
    assert ladder.open_proposals(file, step, ROWS, DIM).propose(vectors[0], 5)[0].shape == (5,)
    other = Step(PQ if step.name == IVF else IVF, DEPTH, step.proposals, lists=64, probes=1)
    for wrong in ((step, ROWS - 1, DIM), (step, ROWS, DIM + 4), (other, ROWS, DIM)):
        with pytest.raises(CorruptIndex, match=rf"{ladder.FILE} holds Index.* of {ROWS} rows"):
            ladder.open_proposals(file, *wrong)
    whole = file.read_bytes()
    for damaged in (b"", whole[:3], whole[:500], whole[:-1], b"no index at all"):
        file.write_bytes(damaged)
        with pytest.raises(CorruptIndex, match=rf"{ladder.FILE} is missing or damaged"):
            ladder.open_proposals(file, step, ROWS, DIM)
    file.unlink()
    with pytest.raises(CorruptIndex, match=rf"{ladder.FILE} is missing or damaged"):
        ladder.open_proposals(file, step, ROWS, DIM)


def test_a_full_disk_is_an_error_of_the_write(opened: DenseReader, tmp_path: Path) -> None:
    file = tmp_path / ladder.FILE
    file.with_name(f"{ladder.FILE}.new").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        ladder.write(opened._index._index, file)
    assert not file.exists()


def test_an_index_that_reads_otherwise_than_it_was_written_is_not_put_in_place(
    opened: DenseReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "file_sha256", lambda _: "0" * 64)
    with pytest.raises(WriteFailed, match="reads otherwise than it was written"):
        ladder.write(opened._index._index, tmp_path / ladder.FILE)
    assert not (tmp_path / ladder.FILE).exists()
