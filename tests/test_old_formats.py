"""Indexes of earlier formats, checked in: each is opened as it always was, or refused with the way out.

Where a test of format 2 fails before that is in a release, `python -m tests.old_index` makes the index anew;
otherwise the code is wrong, or the format needs a new number, a new folder and a way to migrate.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer.growing import add, merge
from indexer.verify import verify
from passage_index import directory
from passage_index.commits import pointer_to
from passage_index.errors import CorruptIndex, FormatMismatch
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import PartialDate
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, ids, pooled, record, written
from tests.old_index import FERRY, FOLDER, FOLDER_2, MILL

MILL_ID, FERRY_ID = "h7QnZoD1jixqAMejiBrNKQ", "QNHXKKaqwvgWQr8pR-pHQA"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "index"))


@pytest.fixture
def snapshot(index: Path) -> Iterator[Snapshot]:
    with closing(open_snapshot(index)) as opened:
        yield opened


def test_format_1_is_small_and_whole(index: Path) -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 200_000
    assert json.loads((index / "gen-000003" / "manifest.json").read_bytes())["format_version"] == 1
    assert verify(index, FakeEncoder(), deep=True) == []


def test_format_1_gives_back_its_articles(index: Path, snapshot: Snapshot) -> None:
    assert ids(index) == {"mill", "ferry/night"} and snapshot.article("owl") is None
    mill, ferry = snapshot.article("mill"), snapshot.article("ferry/night")
    assert mill is not None and ferry is not None
    assert (mill.title, mill.text, mill.published) == (
        MILL["title"],
        MILL["text"],
        PartialDate.parse("2019-04"),
    )
    assert (mill.source, mill.url, mill.metadata) == ("lindow.example", MILL["source"], {"desk": "local"})
    assert (ferry.text, ferry.source, ferry.metadata) == (FERRY["text"], None, {})
    (passage,) = snapshot.article_passages("mill") or ()
    assert passage.passage.id == MILL_ID
    assert [passage.text[start:end] for start, end in passage.passage.sentences] == [
        "The water mill at Lindow turns again after forty years.",
        "A carpenter, Ada Quill, rebuilt the wheel from oak.",
        "Flour from the mill is sold on Saturdays.",
    ]


def test_format_1_scores_as_it_did(snapshot: Snapshot) -> None:
    assert pooled(snapshot, "Who rebuilt the water mill?") == {
        MILL_ID: pytest.approx((0.492197, 0.424264, 3.26801, 3.26801), abs=2e-6),
        FERRY_ID: pytest.approx((0.149362, 0.158114, 0, 0), abs=2e-6),
    }
    assert pooled(snapshot, "11,000 crossings") == {
        MILL_ID: pytest.approx((0, 0, 0, 0), abs=2e-6),
        FERRY_ID: pytest.approx((0.192826, 0.612372, 1.852, 1.852), abs=2e-6),
    }


def test_format_1_goes_on_growing(index: Path, tmp_path: Path) -> None:
    add(
        [written(tmp_path / "more.jsonl", [record(1, "A second wheel was built.")])],
        index,
        FakeEncoder(),
        NO_MERGE,
    )
    merge(index, NO_MERGE)
    assert ids(index) == {"mill", "ferry/night", "a-1"} and verify(index, FakeEncoder(), deep=True) == []


@pytest.fixture
def index_2(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER_2, tmp_path / "index-2"))


def test_format_2_is_small_and_whole(index_2: Path) -> None:
    assert sum(path.stat().st_size for path in FOLDER_2.rglob("*") if path.is_file()) < 400_000
    generation = directory.current(index_2)
    assert json.loads((generation.folder / "manifest.json").read_bytes())["format_version"] == 2
    assert [segment.dense.name for segment in generation.manifest.segments] == ["exact", "pq", "ivf"]
    assert verify(index_2, FakeEncoder(), deep=True) == []


def test_format_2_scores_as_it_did(index_2: Path) -> None:
    with closing(open_snapshot(index_2)) as snapshot:
        found = pooled(snapshot, "Who rebuilt the water mill?", 10)
        assert found[MILL_ID] == pytest.approx((0.492197, 0.424264, 11.78621, 11.78621), abs=2e-6)
        found = pooled(snapshot, "crew of boat 33", 10)
        for article_id, cosine in {"log-069": 0.472325, "log-113": 0.546903}.items():  # by pq and by ivf
            (stored,) = snapshot.article_passages(article_id) or ()
            assert found[stored.passage.id][0] == pytest.approx(cosine, abs=2e-6)


def test_format_2_goes_on_growing(index_2: Path, tmp_path: Path) -> None:
    more = written(tmp_path / "more.jsonl", [record(1, "A second wheel was built.")])
    add([more], index_2, FakeEncoder(), NO_MERGE)
    merge(index_2, NO_MERGE)
    assert len(ids(index_2)) == 163 and verify(index_2, FakeEncoder(), deep=True) == []


def test_an_unknown_format_is_refused_with_the_way_out(index: Path) -> None:
    generation = directory.current(index)
    file = generation.folder / directory.MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "format_version": 99}))
    with pytest.raises(CorruptIndex, match=r"manifest\.json has sha256"):
        open_snapshot(index)
    (index / directory.CURRENT).write_bytes(pointer_to(generation))
    for ask in (open_snapshot, verify, merge):
        with pytest.raises(
            FormatMismatch, match=r"index format 99, this version reads 1 and 2; .*`indexer build`"
        ) as raised:
            ask(index)
        assert raised.value.exit_code == 5 and str(file) in str(raised.value)
