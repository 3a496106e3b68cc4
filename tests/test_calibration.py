"""Which step a segment gets, what is measured for it, and what an index of such segments does."""

import json
import logging
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from indexer.backup import backup, restore
from indexer.build import BuildOptions, build
from indexer.growing import add, delete, merge
from indexer.overview import overview, overview_text
from indexer.verify import verify
from passage_index import calibration, dense, directory, ladder
from passage_index.dense import StoredVectors, VectorWriter, encode_stored
from passage_index.encoder import PassageVectors, unit
from passage_index.errors import CorruptIndex
from passage_index.ladder import IVF, PQ, Step
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import Vectors
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, Record, pooled, record, written
from tests.sealing import DEPTH, DIM, EVERY, ROWS, around, bundles, sealed, small
from tests.test_dense import best_rows, cosines

RANDOM = np.random.default_rng(13)
ENCODER = FakeEncoder()
WORDS = [f"{one}{two}{three}" for one in "bdfgklmnprst" for two in "aeiou" for three in "bdgkmnrst"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return bundles()


@pytest.mark.parametrize("name", [PQ, IVF])
def test_recall_is_measured_and_recorded(
    name: str, tmp_path: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "PQ_ROWS", 10**6 if name == PQ else 1000)
    step = sealed(tmp_path, vectors)._step
    assert (
        step.name == name
        and list(step.recall) == ["10", str(DEPTH)]
        and step.questions == 100
        and step.refused == ()
    )
    assert all(calibration.TARGET <= share <= 1.0 for share in step.recall.values())
    assert DEPTH <= step.proposals < ROWS / 2
    assert (step.lists, step.probes > 0) == ((64, True) if step.name == IVF else (0, False))
    assert step.probes <= step.lists
    assert Step.from_json(asdict(step)) == step and Step.from_json("exact") == Step()


def test_few_or_no_rows_need_no_index(tmp_path: Path, vectors: Vectors) -> None:
    for count in (0, 1, 300):
        opened = sealed(tmp_path / str(count), vectors[:count])
        assert opened._step == Step() and not (tmp_path / str(count) / ladder.FILE).exists()


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
    monkeypatch.setattr(calibration, "_cheapest", lambda *a: chosen(*a) and Step(PQ, DEPTH, DEPTH))
    assert sealed(tmp_path, vectors)._step == Step(refused=(PQ,))


def test_exact_answers_leave_out_the_row_a_question_was_taken_from(
    vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "BLOCK", 700)  # the blocks are joined
    own = RANDOM.permutation(ROWS)[:30]
    questions = around(vectors[own], 0.7)
    stored = dense.from_bf16(dense.to_bf16(vectors))
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


def test_faiss_says_nothing_on_the_terminal(
    tmp_path: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ladder, "PQ_ROWS", 310)
    sealed(tmp_path, vectors[:320])
    assert capfd.readouterr() == ("", "")


def articles(count: int, first: int = 0) -> list[Record]:
    """Two sentences each, of words that no other has all of."""
    dice = np.random.default_rng(first)
    texts = [" ".join(dice.choice(WORDS, 14)) for _ in range(2 * count)]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [record(first + i, f"{a.capitalize()}. {b.capitalize()}.") for i, (a, b) in enumerate(pairs)]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four hundred passages on the second step."""
    build([written(tmp_path / "in.jsonl", articles(400))], tmp_path / "index", ENCODER)
    assert steps(tmp_path / "index") == [PQ]
    return tmp_path / "index"


def steps(index: Path) -> list[str]:
    return [segment.dense.name for segment in directory.current(index).manifest.segments]


def nearest(index: Path, question: str) -> dict[str, float]:
    """Cosines of a pool."""
    with closing(open_snapshot(index)) as snapshot:
        return {id_: one[0] for id_, one in pooled(snapshot, question, DEPTH).items()}


def asked() -> list[str]:
    return [one["text"].split(".")[0] for one in articles(400)[::40]]


def test_an_index_on_a_step_scores_as_an_exact_one(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "EXACT_ROWS", 10**6)
    build([tmp_path / "in.jsonl"], tmp_path / "exact", ENCODER)
    assert steps(tmp_path / "exact") == ["exact"]
    for question in asked():
        ours, exact = nearest(index, question), nearest(tmp_path / "exact", question)
        assert len(ours.keys() & exact.keys()) >= 0.97 * len(exact)
        assert all(ours[id_] == exact[id_] for id_ in ours.keys() & exact.keys())
        assert max(ours, key=ours.__getitem__) == max(exact, key=exact.__getitem__)


def test_merge_gives_a_step_to_a_segment_that_has_none_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an older version wrote it; but not to one whose vectors refused it."""
    index = tmp_path / "index"
    with monkeypatch.context() as patch:
        patch.setattr(ladder, "EXACT_ROWS", 10**6)
        build([written(tmp_path / "in.jsonl", articles(320))], index, ENCODER)
    assert steps(index) == ["exact"]
    with monkeypatch.context() as patch:
        patch.setattr(calibration, "TARGET", 1.5)
        merge(index, BuildOptions())
    (record_,) = directory.current(index).manifest.segments
    assert record_.dense == Step(refused=(PQ,))
    merge(index, BuildOptions())
    assert directory.current(index).manifest.generation == 2
    merge(index, BuildOptions(), force=True)
    assert steps(index) == [PQ]


def test_an_index_on_a_step_grows_shrinks_merges_and_comes_back(index: Path, tmp_path: Path) -> None:
    add([written(tmp_path / "more.jsonl", articles(30, 1000))], index, ENCODER, NO_MERGE)
    assert steps(index) == [PQ, "exact"]
    delete([f"a-{number}" for number in range(20)], index, NO_MERGE)
    for question in asked():
        assert not {id_ for id_ in nearest(index, question)} & gone(index)
    merge(index, BuildOptions())
    (record_,) = directory.current(index).manifest.segments
    assert (record_.passages, record_.dense.name) == (410, PQ) and verify(index, ENCODER) == []
    backup(index, tmp_path / "copy.tar")
    restore(tmp_path / "copy.tar", tmp_path / "again")
    assert directory.current(tmp_path / "again").manifest.segments == (record_,)
    assert nearest(tmp_path / "again", asked()[3]) == nearest(index, asked()[3])


def gone(index: Path) -> set[str]:
    """Ids of the passages of the first twenty articles, from the generation that had them."""
    number = min(directory.generations(index))
    with closing(Snapshot(index, directory.generation(index, number))) as snapshot:
        found = [snapshot.article_passages(f"a-{one}") or () for one in range(20)]
        return {stored.passage.id for passages in found for stored in passages}


def test_a_step_is_shared_by_generations_that_have_the_same_segment(index: Path, tmp_path: Path) -> None:
    before = open_snapshot(index)
    add([written(tmp_path / "more.jsonl", articles(3, 1000))], index, ENCODER, NO_MERGE)
    after = open_snapshot(index, before=before)
    assert after.segments[0].dense._index is before.segments[0].dense._index
    before.close()
    assert max(pooled(after, asked()[0], DEPTH).values())[0] > 0.5
    after.close()


@pytest.mark.parametrize("trusted", [True, False])
def test_a_damaged_search_index_is_refused_by_name(index: Path, tmp_path: Path, trusted: bool) -> None:
    """By its hash; and by FAISS, where this host has noted that the file was whole."""
    (file,) = index.glob(f"gen-*/segments/*/{ladder.FILE}")
    stamps = tmp_path / "stamps.json"
    with closing(open_snapshot(index, stamps)):
        pass
    raw = bytearray(file.read_bytes())
    raw[:200] = bytes(200)
    file.write_bytes(raw)
    if trusted:
        status = file.stat()
        stamp = f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
        sha256 = directory.current(index).manifest.files[f"segments/{file.parent.name}/{ladder.FILE}"].sha256
        stamps.write_text(json.dumps({**json.loads(stamps.read_text()), stamp: sha256}))
    problem = "is missing or damaged, FAISS cannot read it" if trusted else "its sha256 is not the manifest's"
    with pytest.raises(CorruptIndex, match=f"{ladder.FILE}:? {problem}"):
        open_snapshot(index, stamps)
    assert any(ladder.FILE in line for line in verify(index))


def test_info_tells_step_recall_and_bytes(index: Path) -> None:
    (record_,) = directory.current(index).manifest.segments
    info = overview(index)
    assert info["segments"][0]["dense"] == asdict(record_.dense)
    a_passage, (file,) = info["bytes_a_passage"], index.glob(f"gen-*/segments/*/{ladder.FILE}")
    assert a_passage["search_in_memory"] == a_passage["search_on_disk"] == round(file.stat().st_size / 400, 1)
    assert a_passage["vectors"] == 2 * 64
    assert a_passage["sentence_vectors"] == round(record_.sentences * (64 + 4) / 400, 1)
    assert a_passage["on_disk"] == round(info["bytes"] / 400, 1)
    told = overview_text(json.loads(json.dumps(info)))
    step = record_.dense
    assert f"search pq, depth {DEPTH}, proposals {step.proposals}, recall@10 {step.recall['10']}, " in told
