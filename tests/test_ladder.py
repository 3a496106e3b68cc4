"""The steps of the ladder: chosen, calibrated, written, opened, and asked as the exact step is asked."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from passage_index import calibration, dense, ladder
from passage_index.dense import DenseReader, StoredVectors, VectorWriter, encode_stored
from passage_index.encoder import PassageVectors, unit
from passage_index.errors import CorruptIndex, WriteFailed
from passage_index.ladder import EXACT, IVF, PQ, Proposals, Step
from passage_index.types import Vectors
from tests.test_dense import best_rows, cosines

DIM = 64
ROWS = 4000
DEPTH = 40
RANDOM = np.random.default_rng(11)
EVERY = np.ones(ROWS, dtype=bool)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few thousand rows are many."""
    monkeypatch.setattr(ladder, "EXACT_ROWS", 300)
    monkeypatch.setattr(ladder, "DEPTH", DEPTH)


def around(vectors: Vectors, distance: float) -> Vectors:
    """One vector near each, (n, dim)."""
    return unit(vectors + distance * unit(RANDOM.normal(size=vectors.shape).astype(np.float32)))


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """(ROWS, DIM) unit vectors in 60 loose bundles, every twentieth row a copy of the one before."""
    made = around(np.repeat(unit(RANDOM.normal(size=(60, DIM)).astype(np.float32)), ROWS // 60 + 1, 0), 1.0)
    made = made[:ROWS]
    made[20::20] = made[19:-1:20]
    return made[RANDOM.permutation(ROWS)]


@pytest.fixture(scope="module")
def questions(vectors: Vectors) -> Vectors:
    return around(vectors[RANDOM.permutation(ROWS)[:40]], 0.7)


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


@pytest.fixture(scope="module", params=[PQ, IVF])
def opened(request: pytest.FixtureRequest, vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> DenseReader:  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ladder, "EXACT_ROWS", 300)
        patch.setattr(ladder, "DEPTH", DEPTH)
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


def test_recall_is_measured_and_recorded(opened: DenseReader) -> None:
    step = opened._step
    assert list(step.recall) == ["10", str(DEPTH)] and step.questions == 100 and step.refused == ()
    assert all(calibration.TARGET <= share <= 1.0 for share in step.recall.values())
    assert DEPTH <= step.proposals < ROWS / 2
    assert (step.lists, step.probes > 0) == ((64, True) if step.name == IVF else (0, False))
    assert step.probes <= step.lists
    assert Step.from_json(asdict(step)) == step and Step.from_json("exact") == Step()


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
    monkeypatch.setattr(Proposals, "gathering_is_cheaper", lambda *_: False)
    shares = []
    for question in questions:
        oracle = cosines(vectors, question)
        mask = oracle < np.quantile(oracle, 0.6)
        rows, _ = opened.search(question, DEPTH, mask)
        shares.append(np.isin(best_rows(oracle, mask, 10), rows).mean())
    assert float(np.mean(shares)) >= 0.97


def test_few_deleted_rows_do_not_make_a_search_gather(opened: DenseReader, questions: Vectors) -> None:
    asked: list[int] = []
    mask = EVERY.copy()
    mask[RANDOM.permutation(ROWS)[: ROWS // 50]] = False
    with pytest.MonkeyPatch.context() as patch:
        whole = DenseReader.scores
        patch.setattr(
            DenseReader, "scores", lambda self, one, rows: asked.append(len(rows)) or whole(self, one, rows)
        )
        rows, _ = opened.search(questions[0], DEPTH, mask)
    assert mask[rows].all() and asked == [opened._step.wanted(DEPTH) * ladder.FILTERED]


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


def test_few_or_no_rows_need_no_index(tmp_path: Path, vectors: Vectors) -> None:
    for count in (0, 1, 300):
        opened = sealed(tmp_path / str(count), vectors[:count])
        assert opened._step == Step() and not (tmp_path / str(count) / ladder.FILE).exists()


def test_rows_of_one_vector_are_all_the_same(tmp_path: Path) -> None:
    vectors = np.repeat(unit(RANDOM.normal(size=(1, DIM)).astype(np.float32)), 400, axis=0)
    opened = sealed(tmp_path, vectors, [vectors[:1]] * 400)
    assert opened._step.name == PQ and opened.search(vectors[0], 5)[0].tolist() == list(range(400))


def test_a_missed_target_gives_the_next_more_exact_step(
    tmp_path: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ladder, "PQ_ROWS", 1000)
    monkeypatch.setattr(calibration, "_probes", lambda *_: [1])  # far too few
    opened = sealed(tmp_path / "one", vectors)
    assert (opened._step.name, opened._step.refused) == (PQ, (IVF,))
    monkeypatch.setattr(calibration, "MOST", 1)  # and as few proposals
    with caplog.at_level(logging.WARNING):
        opened = sealed(tmp_path / "two", vectors)
    assert opened._step == Step(refused=(IVF, PQ)) and not (tmp_path / "two" / ladder.FILE).exists()
    assert "ivf finds too little in 4000 rows" in caplog.text and "pq finds too little" in caplog.text
    assert opened.search(vectors[7], 3)[0].tolist() == best_rows(cosines(vectors, vectors[7]), EVERY, 3)


def test_parameters_that_the_second_half_does_not_confirm_are_not_used(
    tmp_path: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = calibration._cheapest
    monkeypatch.setattr(calibration, "_cheapest", lambda *a: chosen(*a) and Step(PQ, proposals=DEPTH))
    assert sealed(tmp_path, vectors)._step == Step(refused=(PQ,))


def test_exact_answers_leave_out_the_row_a_question_was_taken_from(
    vectors: Vectors, questions: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "BLOCK", 700)  # the blocks are joined
    stored = dense.from_bf16(dense.to_bf16(vectors))
    own = RANDOM.permutation(ROWS)[: len(questions)]
    sample = calibration.exact_answers(lambda which: stored[which], ROWS, questions, own)
    for question, row, rows, scores in zip(questions, own, sample.rows, sample.scores, strict=True):
        oracle = stored @ question
        oracle[row] = -1.0
        assert row not in rows and len(set(rows.tolist())) == DEPTH
        assert scores == pytest.approx(np.sort(oracle)[::-1][:DEPTH], abs=1e-5)
        assert oracle[rows] == pytest.approx(scores, abs=1e-5)


def test_questions_are_sentences_of_rows_with_several(tmp_path: Path) -> None:
    vectors = unit(RANDOM.normal(size=(60, DIM)).astype(np.float32))
    writer = VectorWriter(tmp_path)
    for row, vector in enumerate(vectors):
        sentences = np.stack([vector, -vector])[: 1 + row % 2]
        writer.add(*encode_stored(PassageVectors(vector, sentences)))
    stored = StoredVectors(tmp_path, 60, DIM, writer.close())
    questions, rows = stored.questions(20)
    assert len(set(rows.tolist())) == 20 and (rows % 2 == 1).all()
    signs = np.einsum("qd,qd->q", questions, vectors[rows])
    assert (np.abs(signs) > 0.999).all() and {1, -1} == set(np.sign(signs))
    assert (
        sorted(stored.questions(50)[1].tolist()) != sorted(rows.tolist())
        and len(stored.questions(99)[1]) == 60
    )


def test_an_index_that_is_not_the_manifest_s_is_refused_by_name(
    opened: DenseReader, vectors: Vectors, tmp_path: Path
) -> None:
    step = opened._step
    file = tmp_path / ladder.FILE
    ladder.write(opened._index._index, file)
    assert ladder.open_proposals(file, step, ROWS, DIM).propose(vectors[0], 5)[0].shape == (5,)
    other = Step(PQ if step.name == IVF else IVF, proposals=step.proposals, lists=64, probes=1)
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


def test_faiss_says_nothing_on_the_terminal(
    tmp_path: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ladder, "PQ_ROWS", 310)
    sealed(tmp_path, vectors[:320])
    assert capfd.readouterr() == ("", "")
