"""The vectors of one segment: rounding, exact search against brute force, sentence scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from passage_index import dense
from passage_index.dense import DenseReader, StoredVectors, VectorWriter, from_bf16, quantise, to_bf16
from passage_index.encoder import PassageVectors, unit
from passage_index.types import Scores, Vectors

DIM = 48
ROWS = 4000
RANDOM = np.random.default_rng(7)


def reader(folder: Path, vectors: Vectors, sentences: Sequence[Vectors] | None = None) -> DenseReader:
    """A reader over (n, dim) vectors; without sentences every row has its own vector as its only one."""
    folder.mkdir(exist_ok=True)
    writer = VectorWriter(folder)
    for row, vector in enumerate(vectors):
        writer.add(
            *dense.encode_stored(PassageVectors(vector, sentences[row] if sentences else vector[None]))
        )
    starts = writer.close()
    return DenseReader(StoredVectors(folder, len(vectors), vectors.shape[1], starts))


def cosines(vectors: Vectors, question: Vectors) -> Scores:
    """The oracle: float64 over the stored forms, to six digits. (n, dim), (dim,) -> (n,)."""
    stored = from_bf16(to_bf16(vectors)).astype(np.float64)
    return np.round(np.array([np.dot(row, question.astype(np.float64)) for row in stored]), 6)


def best_rows(scores: Scores, allowed: np.ndarray, k: int) -> list[int]:
    """The k best allowed rows and all that tie with the last, by score, then by row."""
    ranked = sorted(np.flatnonzero(allowed).tolist(), key=lambda row: (-scores[row], row))
    return [row for row in ranked if scores[row] >= scores[ranked[k - 1]]] if len(ranked) > k else ranked


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """(ROWS, DIM) unit vectors in 40 tight bundles, every tenth row a copy of the one before."""
    centres = RANDOM.normal(size=(40, DIM))
    made = unit(np.repeat(centres, ROWS // 40, 0) + 0.05 * RANDOM.normal(size=(ROWS, DIM)).astype(np.float32))
    made[10::10] = made[9:-1:10]
    return made[RANDOM.permutation(ROWS)]


@pytest.fixture(scope="module")
def opened(vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> DenseReader:
    return reader(tmp_path_factory.mktemp("dense"), vectors)


@pytest.fixture(scope="module")
def questions(vectors: Vectors) -> Vectors:
    return unit(np.concatenate([vectors[:4] + 0.1, RANDOM.normal(size=(4, DIM))]).astype(np.float32))


def test_bf16_rounds_as_torch_does() -> None:
    import torch

    bits = RANDOM.integers(0, 2**32, 200_000, dtype=np.uint64).astype(np.uint32)
    halfway = (bits[:1000] & 0xFFFF0000) | 0x8000
    floats = np.concatenate([bits, halfway, np.uint32([0, 1 << 31, 0x7F800000, 0x7F7FFFFF])]).view(np.float32)
    floats = floats[~np.isnan(floats)]
    theirs = torch.from_numpy(floats.copy()).to(torch.bfloat16)
    assert np.array_equal(to_bf16(floats), theirs.view(torch.int16).numpy().view(np.uint16))
    assert np.array_equal(from_bf16(to_bf16(floats)), theirs.float().numpy())


def test_bf16_codes_come_back_as_they_were() -> None:
    codes = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    numbers = ~np.isnan(from_bf16(codes))
    assert np.array_equal(to_bf16(from_bf16(codes))[numbers], codes[numbers])


@pytest.mark.parametrize("gather", [0, 10**9])
@pytest.mark.parametrize("percent", [100, 50, 10, 1, 0.1])
def test_search_is_brute_force_at_every_selectivity(
    opened: DenseReader, vectors: Vectors, questions: Vectors, percent: float, gather: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both ways to search, whatever share of the rows a filter leaves."""
    monkeypatch.setattr(dense, "GATHER_LIMIT", gather)
    monkeypatch.setattr(dense, "GATHER_SHARE", 1)
    mask = np.zeros(ROWS, dtype=bool)
    mask[RANDOM.permutation(ROWS)[: int(ROWS * percent / 100)]] = True
    for question in questions:
        oracle = cosines(vectors, question)
        for k in (1, 10, 100):
            rows, scores = opened.search(question, k, None if percent == 100 else mask)
            assert rows.tolist() == best_rows(oracle, mask, k)
            assert scores.tolist() == oracle[rows].tolist()


def test_search_follows_all_ties_with_the_last_row(tmp_path: Path) -> None:
    vectors = np.repeat(unit(RANDOM.normal(size=(2, DIM)).astype(np.float32)), [3000, 30], axis=0)
    opened = reader(tmp_path, vectors)
    rows, scores = opened.search(vectors[-1], 10)
    assert rows.tolist() == list(range(3000, 3030)) and set(scores) == {cosines(vectors, vectors[-1])[-1]}
    rows, scores = opened.search(vectors[0], 10)
    assert rows.tolist() == list(range(3000)) and len(set(scores)) == 1


def test_search_is_brute_force_where_thousands_are_about_as_near(tmp_path: Path) -> None:
    """FAISS may round the question to bf16; what it proposes must reach far enough beyond the k-th row."""
    for number, question in enumerate(unit(RANDOM.normal(size=(3, 384)).astype(np.float32))):
        aside = RANDOM.normal(size=(ROWS, 384))
        aside -= np.outer(aside @ question, question)
        vectors = unit((question + unit(aside.astype(np.float32))).astype(np.float32))  # all at 45 degrees
        opened, oracle = reader(tmp_path / str(number), vectors), cosines(vectors, question)
        rows, scores = opened.search(question, 10)
        assert rows.tolist() == best_rows(oracle, np.ones(ROWS, dtype=bool), 10)
        assert scores.tolist() == oracle[rows].tolist()


def test_the_error_of_a_scan_is_within_its_bound(
    opened: DenseReader, vectors: Vectors, questions: Vectors
) -> None:
    for question in questions:
        (found,), (rows,) = opened._index.search(question[None], ROWS)
        exact = from_bf16(to_bf16(vectors[rows])).astype(np.float64) @ question.astype(np.float64)
        assert np.abs(found - exact).max() <= dense.scan_error(question) < 0.004


def test_scores_do_not_depend_on_what_else_is_asked(opened: DenseReader, questions: Vectors) -> None:
    rows = RANDOM.permutation(ROWS)[:100]
    together = opened.scores(questions[0], rows)
    assert together.tolist() == [opened.scores(questions[0], rows[i : i + 1])[0] for i in range(100)]


def test_sentence_scores_are_the_dequantised_cosines(tmp_path: Path) -> None:
    sentences = [unit(RANDOM.normal(size=(count, DIM)).astype(np.float32)) for count in (3, 1, 7, 2, 1)]
    opened = reader(tmp_path, unit(RANDOM.normal(size=(5, DIM)).astype(np.float32)), sentences)
    question = unit(RANDOM.normal(size=(1, DIM)).astype(np.float32))[0]
    for row, own in enumerate(sentences):
        codes, scales = quantise(own)
        oracle = (codes.astype(np.float64) * scales[:, None].astype(np.float64)) @ question.astype(np.float64)
        assert opened.sentence_scores(question, row) == pytest.approx(oracle, abs=6e-7)
        assert opened.best_sentences(question, np.array([row])) == pytest.approx([oracle.max()], abs=6e-7)
    asked = np.array([4, 0, 2, 2])
    alone = [opened.best_sentences(question, np.array([row]))[0] for row in asked]
    assert opened.best_sentences(question, asked).tolist() == alone
    assert alone == [opened.sentence_scores(question, row).max() for row in asked]


def test_int8_sentences_err_by_half_a_step_at_most() -> None:
    vectors = unit(RANDOM.normal(size=(500, 384)).astype(np.float32))
    codes, scales = quantise(vectors)
    back = codes.astype(np.float64) * scales[:, None]
    assert (np.abs(back - vectors) <= scales[:, None] * 0.50001).all()
    assert (np.abs(codes).max(axis=1) == 127).all()
    questions = unit(RANDOM.normal(size=(50, 384)).astype(np.float32))
    assert np.abs(questions @ back.T - questions @ vectors.T).max() < 0.003
    assert quantise(np.zeros((1, 4), dtype=np.float32))[0].tolist() == [[0, 0, 0, 0]]


def test_what_was_stored_comes_back_byte_for_byte(tmp_path: Path) -> None:
    vectors = unit(RANDOM.normal(size=(2, DIM)).astype(np.float32))
    made = [dense.encode_stored(PassageVectors(v, np.stack([v, -v]))) for v in vectors]
    writer = VectorWriter(tmp_path)
    for one in made:
        writer.add(*one)
    stored = StoredVectors(tmp_path, 2, DIM, writer.close())
    for row, one in enumerate(made):
        assert all(np.array_equal(a, b) for a, b in zip(stored.stored(row), one, strict=True))
    assert np.array_equal(DenseReader(stored).vectors(np.array([1, 0])), from_bf16(to_bf16(vectors[[1, 0]])))


def test_nothing_is_found_where_there_is_nothing(
    opened: DenseReader, vectors: Vectors, tmp_path: Path
) -> None:
    empty = reader(tmp_path, np.empty((0, DIM), dtype=np.float32))
    for found in (
        empty.search(vectors[0], 10),
        opened.search(vectors[0], 0),
        opened.search(vectors[0], 10, np.zeros(ROWS, dtype=bool)),
    ):
        assert [len(part) for part in found] == [0, 0]
    assert len(opened.best_sentences(vectors[0], np.empty(0, dtype=np.int64))) == 0
    assert len(empty.search(vectors[0], 10, np.zeros(0, dtype=bool))[0]) == 0


def test_the_best_of_proposals_are_those_of_all_scores(
    opened: DenseReader, vectors: Vectors, questions: Vectors
) -> None:
    """Rows that differ by less than float32 can tell, and copies, are there by the hundred."""
    rows = np.sort(RANDOM.permutation(ROWS)[: ROWS // 2])
    for question in questions:
        oracle = cosines(vectors, question)
        for k in (1, 10, 200, len(rows)):
            found, scores = opened._best_of(question, rows, k)
            assert found.tolist() == best_rows(oracle, np.isin(np.arange(ROWS), rows), k)
            assert scores.tolist() == oracle[found].tolist()
