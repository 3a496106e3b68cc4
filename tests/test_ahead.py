"""Encoding while articles are read: the same index, each passage encoded once, and nothing ahead in vain."""

from pathlib import Path

import pytest

from indexer import ahead, write
from indexer.ahead import Ahead
from indexer.build import build
from indexer.report import BuildReport
from indexer.staging import Staging
from indexer.write import BuildOptions, Encoding, Run, fitted
from passage_index import directory
from passage_index.journal import VectorsJournal, journal_file
from tests.fakes import FakeEncoder
from tests.growing import record, written

ARTICLES = [
    record(n, f"Report {n} on goats. They stood on the mole. Wheat {n * 7} burned.") for n in range(40)
]


class Counting(FakeEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.windows: list[int] = []

    def encode_passages(self, passages):
        self.windows.append(len(passages))
        return super().encode_passages(passages)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in (ahead, write):
        monkeypatch.setattr(part, "WINDOW_PASSAGES", 4)


def vectors(index: Path) -> bytes:
    return b"".join(
        file.read_bytes() for file in sorted(directory.current(index).folder.rglob("vectors.bf16"))
    )


def test_an_index_is_the_same_whether_its_passages_were_encoded_ahead(tmp_path: Path) -> None:
    file, one, other = written(tmp_path / "in.jsonl", ARTICLES), Counting(), Counting()
    report = build([file], tmp_path / "ahead", one, BuildOptions(cache=tmp_path / "cache"))
    plain = build([file], tmp_path / "plain", other, BuildOptions())
    assert vectors(tmp_path / "ahead") == vectors(tmp_path / "plain") != b""
    assert sum(one.windows) == sum(other.windows) == report.passages
    assert (report.resumed, plain.resumed) == (0, 0)
    assert report.encoder_s > 0 and min(report.seconds.values()) >= 0


def test_what_is_staged_is_in_the_journal_when_all_was_read(tmp_path: Path) -> None:
    encoder = Counting()
    options = BuildOptions(cache=tmp_path)
    run = Run(options, BuildReport())
    encoding = Encoding(encoder, fitted(options.chunking, encoder))
    from indexer.articles import read_articles
    from indexer.intake import nowhere, take_in

    staging = Staging(tmp_path / "staging.sqlite")
    with Ahead(staging, encoding, run) as staged:
        take_in(read_articles([written(tmp_path / "in.jsonl", ARTICLES)]), staged, nowhere, encoding, run)
    assert sum(encoder.windows) == run.report.passages and len(staging) == len(ARTICLES)
    assert journal_file(tmp_path, encoder.identity).stat().st_size > 0
    staging.close()


def test_nothing_is_encoded_twice_while_another_process_appends_to_the_journal(tmp_path: Path) -> None:
    file, encoder = written(tmp_path / "in.jsonl", ARTICLES), Counting()
    shared = journal_file(tmp_path / "cache", encoder.identity)
    with VectorsJournal(shared, encoder.identity):
        report = build([file], tmp_path / "index", encoder, BuildOptions(cache=tmp_path / "cache"))
    assert (sum(encoder.windows), report.resumed) == (report.passages, 0)


def test_a_journal_that_costs_more_than_it_saves_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, options = written(tmp_path / "in.jsonl", ARTICLES), BuildOptions(cache=tmp_path / "cache")
    build([file], tmp_path / "one", Counting(), options)
    before = journal_file(tmp_path / "cache", FakeEncoder().identity).read_bytes()
    for part in (ahead, write):
        monkeypatch.setattr(part, "WORTH_READING", 0)
    encoder = Counting()
    report = build([file], tmp_path / "two", encoder, options)
    assert sum(encoder.windows) == report.passages and report.resumed == 0
    assert journal_file(tmp_path / "cache", encoder.identity).read_bytes() == before
