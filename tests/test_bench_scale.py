"""The bench of scale: made-up rows lie where they should, recall is what brute force says."""

from pathlib import Path

import numpy as np
import pytest

from bench import scale
from bench.scale import filtered, made_up, measured, recalls, sealed
from bench.tables import scale_section
from passage_index.dense import DenseReader, StoredVectors, VectorWriter, encode_stored
from passage_index.encoder import PassageVectors, unit
from tests.sealing import DEPTH, DIM, around, bundles, small


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredVectors:
    small(monkeypatch)
    (tmp_path / "real").mkdir()
    writer = VectorWriter(tmp_path / "real")
    vectors = bundles()[:600]
    for vector, first, last in zip(vectors, around(vectors, 0.7), around(vectors, 0.7), strict=True):
        writer.add(*encode_stored(PassageVectors(vector, np.stack([first, last]))))
    return StoredVectors(tmp_path / "real", 600, DIM, writer.close())


def test_made_up_rows_lie_around_real_ones(
    real: StoredVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "BLOCK", 450)
    monkeypatch.setattr(scale, "CALIBRATED", 50)
    starts = made_up(real, 1000, tmp_path)
    stored = StoredVectors(tmp_path, 1000, DIM, starts)
    vectors = DenseReader(stored).vectors(np.arange(1000))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(1000), abs=0.005)
    nearest = (vectors @ DenseReader(real).vectors(np.arange(600)).T).max(axis=1)
    assert 0.8 < nearest.mean() < 0.95 and len(np.unique(vectors, axis=0)) == 1000
    assert np.flatnonzero(np.diff(starts)).tolist() == list(range(0, 1000, 20)) and starts[-1] == 100
    sentences, rows = stored.questions(50)
    assert float(np.einsum("nd,nd->n", sentences, vectors[rows]).mean()) > 0.5


def test_figures_of_a_size_are_those_of_its_search(
    real: StoredVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "SHARES", (0.98, 0.5, 0.03))
    starts = made_up(real, 1000, tmp_path)
    step, figures = sealed(tmp_path, starts, DIM)
    assert step.name == figures["step"]["name"] == "pq"
    reader = DenseReader(StoredVectors(tmp_path, 1000, DIM, starts), step)
    questions = around(unit(reader.vectors(np.arange(0, 1000, 50))), 0.7)
    found = recalls(reader, questions)
    assert list(found) == ["recall_at_10", f"recall_at_{DEPTH}"] and min(found.values()) > 0.95
    exact = DenseReader(StoredVectors(tmp_path, 1000, DIM, starts))
    assert set(recalls(exact, questions).values()) == {1.0}
    times = measured({"": reader, "exact_": exact}, questions)
    assert 0 < times["p50_ms"] <= times["p99_ms"] and times["exact_p50_cpu_ms"] > 0
    rows = filtered(reader, questions)
    assert [row["share"] for row in rows] == list(scale.SHARES)
    assert all(row["recall_at_10"] > 0.95 for row in rows)


def test_table_is_made_of_the_figures() -> None:
    figures = {
        "rows": 3_000_000, "synthetic": True, "build_s": 61.4, "search_bytes_a_passage": 57.1,
        "opened_from_disk_s": 0.4, "recall_at_10": 1.0, "recall_at_200": 0.9912, "p50_ms": 9.04,
        "p99_ms": 20.16, "p50_cpu_ms": 8.96, "load": [1.5, 1, 1], "cores": 2, "commit": "abc",
        "step": {"name": "ivf", "proposals": 4000, "probes": 300, "lists": 2048},
        "filtered": [{"share": 0.5, "recall_at_200": 0.998, "p50_cpu_ms": 11.31}],
    }  # fmt: skip
    lines = scale_section({"sizes": [figures]}).splitlines()
    assert lines[2] == (
        "| 3,000,000, made up | ivf | 4,000 | 300 of 2048 | 61 s | 57.1 bytes | 0.4 s "
        "| 1.000 | 0.991 | 9.0 ms | 20.2 ms | 9.0 ms | 1.5 |"
    )
    assert lines[4:7] == ["| rows | 50 % pass |", "|---|---|", "| 3,000,000 | 0.998, 11.3 ms |"]
    assert lines[-1] == "Made by `make bench-scale` at commit abc on 2 cores."
