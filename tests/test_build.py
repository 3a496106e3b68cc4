"""Building: what is refused shifts nothing, what was encoded is kept, the input's order does not matter."""

import gzip
import json
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer import ahead, intake, write
from indexer.build import BuildOptions, build
from indexer.verify import verify
from passage_index import directory
from passage_index.columns import UNDATED_FIRST
from passage_index.dense import to_bf16
from passage_index.encoder import EmbeddedPassage, PassageVectors
from passage_index.errors import DuplicateArticle, InputError, RecordsRejected
from passage_index.snapshot import open_snapshot
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import evidence, found, ids, written
from tests.reading import jsonl

GOOD = [
    {"_id": "late", "text": "Goats were counted in May. There are six.", "date": "2021-05", "lang": "en"},
    {"_id": "none", "text": "Nobody knows when this was written.", "lang": "en"},
    {"_id": "early", "text": "The bridge was built by masons.", "date": "1781", "lang": "en"},
    {"_id": "same-day-b", "text": "Bread was baked on Tuesday.", "date": "2020-01-07", "lang": "en"},
    {"_id": "same-day-a", "text": "Bread was eaten on Tuesday.", "date": "2020-01-07", "lang": "de"},
]
BAD = [
    b"{not json\n",
    b'{"_id": "empty", "text": "  "}\n',
    b'{"_id": "late", "text": "Twice."}\n',
    b"\xff\xfe\n",
]


class CountingEncoder(FakeEncoder):
    """Remembers what it encoded, and stops for good after `limit` passages."""

    def __init__(self, limit: int = 10**9) -> None:
        self.encoded: list[str] = []
        self.limit = limit

    def encode_passages(self, passages: Sequence[EmbeddedPassage]) -> list[PassageVectors]:
        if len(self.encoded) + len(passages) > self.limit:
            raise RuntimeError("the power failed")
        self.encoded += [passage.text for passage in passages]
        return super().encode_passages(passages)


def opens(index: Path) -> int:
    snapshot = open_snapshot(index)
    snapshot.close()
    return snapshot.generation


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Good and bad records in turn."""
    lines = [
        line
        for good, bad in zip([jsonl(one) for one in GOOD], [*BAD, b""], strict=True)
        for line in (good, bad)
    ]
    (tmp_path / "mixed.jsonl").write_bytes(b"".join(lines))
    return tmp_path / "mixed.jsonl"


def test_rejected_records_shift_no_row(mixed: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    report = build([mixed], index, FakeEncoder())
    assert (report.articles, report.rejected) == (5, 4)
    assert [line.split(":")[1] for line in report.rejections] == ["2", "4", "6", "8"]
    assert verify(index, FakeEncoder(), deep=True) == []
    snapshot = open_snapshot(index)
    (segment,) = snapshot.segments
    expected = ["early", "same-day-a", "same-day-b", "late", "none"]
    rows = segment.texts.fetch(range(5))
    assert [row.article.id for row in rows] == expected
    for row, stored in enumerate(rows):
        (vectors,) = FakeEncoder().encode_passages([EmbeddedPassage(stored.text, ((0, len(stored.text)),))])
        assert segment.vectors.codes[row].tolist() == to_bf16(vectors.vector).tolist()
        words = snapshot.lexical.terms(stored.text)
        assert snapshot.lexical.holding([words]).tolist() == [segment.columns.passage_no[row]]
    assert segment.columns.passage_no.tolist() == [0, 1, 2, 3, 4]
    snapshot.close()


def test_so_many_rejected_records_are_told_and_of_each_reason_the_first_however_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(intake, "REJECTED_KEPT", 1)
    monkeypatch.setattr("indexer.report.REJECTED_KEPT", 1)
    monkeypatch.setattr("indexer.readers.streams.ANY_UNPACKED", 1000)
    lines = [json.dumps({"text": "The ferry sank."}), *["{}" + " " * 1000] * 5000]
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    report = build([tmp_path / "bomb.jsonl.gz"], tmp_path / "index", FakeEncoder())
    assert report.articles == 1 and report.rejected > 2 and len(report.rejections) == 2
    assert "unpacks to more than 200 times" in report.rejections[-1]
    assert [record.message for record in caplog.records if "rejected" in record.message] == [
        report.rejections[0],
        "further rejected records are only counted; --report FILE lists them all",
        report.rejections[1],
    ]


def test_strict_stops_at_the_first_rejected_record_and_changes_nothing(mixed: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "good.jsonl", ARTICLES[:2])], index, FakeEncoder())
    with pytest.raises(RecordsRejected, match=r"mixed\.jsonl:2: .*without --strict"):
        build([mixed], index, FakeEncoder(), BuildOptions(strict=True))
    assert ids(index) == {"bridge", "bridge-copy"} and opens(index) == 1
    assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "gen-000001", "writer.lock"]


def test_the_report_counts_what_was_read(mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "folder").mkdir(parents=True)
    mixed.rename(tmp_path / "in" / "mixed.jsonl")
    written(tmp_path / "in" / "more.jsonl", [{"_id": "copy", "text": GOOD[0]["text"], "lang": "en"}])
    (tmp_path / "in" / "folder" / "picture.png").write_bytes(b"\x89PNG")
    stages: list[str] = []
    report = build(
        [tmp_path / "in"], tmp_path / "index", FakeEncoder(), None, lambda stage, _d, _t: stages.append(stage)
    )
    counts = report.to_json()
    assert [counts[name] for name in ("articles", "passages", "sentences", "rejected", "skipped")] == [
        6,
        6,
        8,
        4,
        1,
    ]
    names = ("undated", "duplicates", "resumed", "cut_sentences", "truncated", "added")
    assert [counts[name] for name in names] == [2, 1, 0, 0, 0, 6]
    words = sum(len(one["text"].split()) for one in [*GOOD, GOOD[0]])
    assert counts["tokens"] == words + 6 * FakeEncoder.special_tokens
    assert counts["languages"] == {"en": 5, "de": 1} and counts["generation"] == 1
    assert list(dict.fromkeys(stages)) == ["read and split", "encode", "words"]
    manifest = directory.current(tmp_path / "index").manifest
    assert manifest.build["passages"] == manifest.passages == manifest.next_passage_no == 6
    assert str(report).splitlines()[:2] == [
        "changes    6 added; generation 1", "articles   6 (2 undated, 1 repeat another's text)",
    ]  # fmt: skip


def test_a_rebuild_encodes_nothing_again(tmp_path: Path) -> None:
    articles, options = written(tmp_path / "a.jsonl", ARTICLES), BuildOptions(cache=tmp_path / "cache")
    first, second = CountingEncoder(), CountingEncoder(limit=0)
    report = build([articles], tmp_path / "one", first, options)
    assert (report.resumed, len(first.encoded)) == (0, report.passages)
    again = build([articles], tmp_path / "two", second, options)
    assert again.resumed == again.passages == report.passages
    assert evidence(tmp_path / "two") == evidence(tmp_path / "one")
    one = {**ARTICLES[0], "text": ARTICLES[0]["text"].replace("seven", "eight")}
    third = CountingEncoder()
    build([written(tmp_path / "b.jsonl", [one, *ARTICLES[1:]])], tmp_path / "two", third, options)
    assert len(third.encoded) == 1 and "eight piers" in third.encoded[0]


def test_an_interrupted_build_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in (ahead, write):
        monkeypatch.setattr(part, "WINDOW_PASSAGES", 4)
    articles, options = written(tmp_path / "a.jsonl", ARTICLES), BuildOptions(cache=tmp_path / "cache")
    failing, rest = CountingEncoder(limit=20), CountingEncoder()
    with pytest.raises(RuntimeError, match="the power failed"):
        build([articles], tmp_path / "index", failing, options)
    assert not (tmp_path / "index" / "CURRENT").exists()
    report = build([articles], tmp_path / "index", rest, options)
    assert 16 <= report.resumed == len(failing.encoded) <= 20
    assert len(rest.encoded) == report.passages - report.resumed
    build([articles], tmp_path / "whole", FakeEncoder())
    assert evidence(tmp_path / "index") == evidence(tmp_path / "whole")


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    articles = written(tmp_path / "a.jsonl", ARTICLES)
    script = f"""
import os, signal
from pathlib import Path
from indexer import ahead, intake, write
from indexer.build import BuildOptions, build
from tests.fakes import FakeEncoder

class Killed(FakeEncoder):
    done = 0
    def encode_passages(self, passages):
        if self.done > 10:
            os.kill(os.getpid(), signal.SIGKILL)
        self.done += len(passages)
        return super().encode_passages(passages)

write.WINDOW_PASSAGES = 4
folder = Path({str(tmp_path)!r})
build([Path({str(articles)!r})], folder / "index", Killed(), BuildOptions(cache=folder / "cache"))
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    index = tmp_path / "index"
    assert [path.name[:9] for path in index.iterdir() if path.is_dir()] == [".writing-"]
    encoder = CountingEncoder()
    report = build([articles], index, encoder, BuildOptions(cache=tmp_path / "cache"))
    assert report.resumed > 10 and len(encoder.encoded) == report.passages - report.resumed
    assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "gen-000001", "writer.lock"]
    assert verify(index, FakeEncoder(), deep=True) == []


def test_the_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    """Not only the same ranking: the segment's files are the same to the last byte."""
    segments = []
    for seed in (None, 1, 2):
        order = random.Random(seed).sample(ARTICLES, len(ARTICLES)) if seed else ARTICLES
        index = tmp_path / str(seed)
        build([written(tmp_path / "a.jsonl", order)], index, FakeEncoder())
        files = directory.current(index).manifest.files
        segments.append({name: record for name, record in files.items() if name.startswith("segments/")})
        assert found(index) == found(tmp_path / "None")
        assert evidence(index) == evidence(tmp_path / "None")
    assert segments[0] == segments[1] == segments[2] and len(segments[0]) > 10


def test_the_undated_stand_last(tmp_path: Path) -> None:
    build([written(tmp_path / "a.jsonl", ARTICLES)], tmp_path / "index", FakeEncoder())
    snapshot = open_snapshot(tmp_path / "index")
    days = snapshot.segments[0].columns.first_day.tolist()
    assert days == sorted(days) and days[-1] == UNDATED_FIRST and days.count(UNDATED_FIRST) == 1
    assert snapshot.segments[0].texts.fetch([len(days) - 1])[0].article.id == "undated"
    snapshot.close()


def test_input_that_cannot_be_built_leaves_the_old_generation(tmp_path: Path) -> None:
    index, good = tmp_path / "index", written(tmp_path / "good.jsonl", ARTICLES[:2])
    build([good], index, FakeEncoder())
    twice = written(tmp_path / "twice.jsonl", ARTICLES[1:3])
    (tmp_path / "bad.jsonl").write_bytes(BAD[0])
    for paths, error, message in (
        ([good, twice], DuplicateArticle, r"bridge-copy.*good\.jsonl.*twice\.jsonl"),
        ([tmp_path / "bad.jsonl"], InputError, r"no article could be indexed \(1 records rejected"),
        ([tmp_path / "missing"], InputError, "missing"),
        ([], InputError, "no PATH given"),
    ):
        with pytest.raises(error, match=message):
            build(paths, index, FakeEncoder())
        assert opens(index) == 1 and ids(index) == {"bridge", "bridge-copy"}
        assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "gen-000001", "writer.lock"]
