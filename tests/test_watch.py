"""A watched folder and its index stay in step, and nothing is deleted on doubt."""

import json
import os
import shutil
import time
from contextlib import closing
from errno import EACCES, EIO
from pathlib import Path

import pytest

from indexer.build import build
from indexer.growing import delete
from indexer.report import BuildReport
from indexer.verify import verify
from indexer.watch import step, watch
from passage_index import commits, directory
from passage_index.errors import CorruptIndex, InputError
from passage_index.snapshot import open_snapshot
from tests.fakes import FakeEncoder
from tests.growing import KEEP_ALL, NO_MERGE, ids, record, written

ENCODER = FakeEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files with an article each, and one with three."""
    place = tmp_path / "articles"
    place.mkdir()
    (place / "flood.txt").write_text("The flood reached the mill.")
    (place / "deep").mkdir()
    (place / "deep" / "bridge.md").write_text("# Bridge\n\nThe bridge fell.")
    written(place / "many.jsonl", [record(number, f"Report {number} on the storm.") for number in range(3)])
    return place


@pytest.fixture
def index(folder: Path, tmp_path: Path) -> Path:
    build([folder], tmp_path / "index", ENCODER, KEEP_ALL)
    return tmp_path / "index"


ALL = {"articles/flood.txt", "articles/deep/bridge.md", "a-0", "a-1", "a-2"}


def looked(folder: Path, index: Path) -> tuple[int, int, int, int | None] | None:
    """One round: (added, replaced, deleted, generation), or None when nothing had changed."""
    report = step(folder, index, lambda: ENCODER, NO_MERGE, {}, settle_s=0.0)
    assert verify(index) == []
    return report and (report.added, report.replaced, report.deleted, report.generation)


def test_where_there_is_no_index_the_first_look_makes_it(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "made"
    assert looked(folder, place) == (5, 0, 0, 1)
    assert ids(place) == ALL
    manifest = directory.current(place).manifest
    assert (manifest.build["command"], manifest.articles, "watched.json" in manifest.files) == (
        "watch",
        5,
        True,
    )
    assert looked(folder, place) is None
    (folder / "flood.txt").unlink()
    assert looked(folder, place) == (0, 0, 1, 2)


def test_nothing_is_made_of_a_folder_without_an_article(folder: Path, tmp_path: Path) -> None:
    place, empty = tmp_path / "made", tmp_path / "empty"
    empty.mkdir()
    assert step(empty, place, lambda: ENCODER, NO_MERGE, {}, settle_s=0.0) is None
    assert step(folder, place, lambda: ENCODER, NO_MERGE, {}, settle_s=60.0) is None  # all still written to
    (empty / "bad.jsonl").write_text("{broken\n")
    with pytest.raises(InputError, match="no article could be indexed"):
        step(empty, place, lambda: ENCODER, NO_MERGE, {}, settle_s=0.0)
    assert not directory.holds_index(place) and not list(place.glob("gen-*"))


def test_an_index_that_is_damaged_is_not_made_anew(folder: Path, index: Path) -> None:
    (index / "CURRENT").unlink()
    with pytest.raises(CorruptIndex, match="CURRENT is missing although generations are there"):
        step(folder, index, lambda: ENCODER, NO_MERGE, {}, settle_s=0.0)


def test_an_index_made_by_another_meanwhile_is_left_to_the_next_look(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "made"

    def slow_encoder() -> FakeEncoder:
        build([written(tmp_path / "other.jsonl", [record(99, "From elsewhere.")])], place, ENCODER, NO_MERGE)
        return ENCODER

    report = step(folder, place, slow_encoder, NO_MERGE, {}, settle_s=0.0)
    assert report is not None and report.generation is None and ids(place) == {"a-99"}
    assert looked(folder, place) == (5, 0, 0, 2) and ids(place) == ALL | {"a-99"}


def test_the_first_look_learns_the_files_and_the_next_one_finds_nothing(folder: Path, index: Path) -> None:
    assert looked(folder, index) == (0, 0, 0, 2)
    assert looked(folder, index) is None
    known = json.loads((index / "gen-000002" / "watched.json").read_bytes())[str(folder)]
    assert {name: state["ids"] for name, state in known.items()} == {
        "flood.txt": ["articles/flood.txt"],
        "deep/bridge.md": ["articles/deep/bridge.md"],
        "many.jsonl": ["a-0", "a-1", "a-2"],
    }


def test_new_changed_and_removed_files_are_followed_in_one_commit(folder: Path, index: Path) -> None:
    looked(folder, index)
    (folder / "new.txt").write_text("A lighthouse.")
    (folder / "flood.txt").write_text("The flood has gone.")
    (folder / "deep" / "bridge.md").unlink()
    written(
        folder / "many.jsonl", [record(0, "Report 0 on the storm."), record(1, "Changed."), record(7, "New.")]
    )
    assert looked(folder, index) == (2, 2, 2, 3)
    assert ids(index) == {"articles/flood.txt", "articles/new.txt", "a-0", "a-1", "a-7"}
    assert looked(folder, index) is None


def test_a_file_that_only_looks_newer_is_hashed_but_not_committed(folder: Path, index: Path) -> None:
    looked(folder, index)
    os.utime(folder / "flood.txt", (1, 1))
    assert looked(folder, index) is None


def test_what_was_removed_between_two_runs_is_deleted(folder: Path, index: Path) -> None:
    looked(folder, index)
    (folder / "many.jsonl").unlink()
    assert looked(folder, index) == (0, 0, 3, 3)
    assert ids(index) == ALL - {"a-0", "a-1", "a-2"}


def test_an_article_that_moves_to_another_file_stays(folder: Path, index: Path) -> None:
    looked(folder, index)
    (folder / "many.jsonl").rename(folder / "moved.jsonl")
    assert looked(folder, index) == (0, 0, 0, 3)
    assert ids(index) == ALL


def test_articles_that_came_from_elsewhere_are_left_alone(folder: Path, index: Path, tmp_path: Path) -> None:
    from indexer.growing import add

    looked(folder, index)
    add([written(tmp_path / "other.jsonl", [record(99, "From elsewhere.")])], index, ENCODER, NO_MERGE)
    (folder / "flood.txt").unlink()
    assert looked(folder, index) == (0, 0, 1, 4)
    assert ids(index) == ALL - {"articles/flood.txt"} | {"a-99"}


def test_a_file_with_a_bad_record_keeps_the_articles_it_had(folder: Path, index: Path) -> None:
    looked(folder, index)
    lines = [
        json.dumps(record(0, "Report 0, corrected.")),
        '{"_id": "a-1", "text": ',
        json.dumps(record(5, "New.")),
    ]
    (folder / "many.jsonl").write_text("\n".join(lines))
    assert looked(folder, index) == (1, 1, 0, 3)
    assert ids(index) == ALL | {"a-5"}
    written(folder / "many.jsonl", [record(5, "New.")])
    assert looked(folder, index) == (0, 0, 3, 4)
    assert ids(index) == ALL - {"a-0", "a-1", "a-2"} | {"a-5"}


def test_an_id_that_stands_in_another_file_is_rejected(folder: Path, index: Path) -> None:
    looked(folder, index)
    written(folder / "twin.jsonl", [record(1, "A twin."), record(8, "Its own.")])
    report = step(folder, index, lambda: ENCODER, NO_MERGE, {}, settle_s=0.0)
    assert report is not None and report.rejections == [
        f"rejected {folder}/twin.jsonl:1: the id 'a-1' stands in {folder}/many.jsonl already"
    ]
    assert ids(index) == ALL | {"a-8"}


def test_an_id_that_its_first_file_gives_up_goes_to_the_other_that_has_it(folder: Path, index: Path) -> None:
    looked(folder, index)
    written(folder / "a-twin.jsonl", [record(1, "A twin."), record(8, "Its own.")])
    assert looked(folder, index) == (1, 0, 0, 3)
    written(
        folder / "many.jsonl", [record(0, "Anew."), record(1, "Report 1 on the storm."), record(2, "Too.")]
    )
    assert looked(folder, index) == (0, 2, 0, 4)  # who has an id keeps it, although the twin is read first
    (folder / "many.jsonl").unlink()
    assert looked(folder, index) == (0, 1, 2, 5)
    assert ids(index) == ALL - {"a-0", "a-2"} | {"a-8"}
    with closing(open_snapshot(index)) as snapshot:
        article = snapshot.article("a-1")
        assert article is not None and article.text == "A twin."
    assert looked(folder, index) is None


@pytest.mark.parametrize("errno", [EACCES, EIO])
def test_a_folder_inside_that_cannot_be_read_deletes_nothing(
    folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, errno: int
) -> None:
    looked(folder, index)
    scandir, refused = os.scandir, [str(folder / "deep")]

    def refusing(place: str) -> object:
        if place in refused:
            raise OSError(errno, os.strerror(errno), place)
        return scandir(place)

    monkeypatch.setattr("indexer.readers.walk.os.scandir", refusing)
    assert looked(folder, index) is None and ids(index) == ALL
    assert (
        f"deep/bridge.md: the folder cannot be read: {os.strerror(errno)}; its articles stay" in caplog.text
    )
    (folder / "flood.txt").unlink()
    assert looked(folder, index) == (0, 0, 1, 3) and ids(index) == ALL - {"articles/flood.txt"}
    refused[0] = str(folder)
    with pytest.raises(InputError, match="cannot be read: .*; nothing was changed"):
        looked(folder, index)
    refused.clear()
    (folder / "deep" / "bridge.md").unlink()
    assert looked(folder, index) == (0, 0, 1, 4)


def test_an_empty_or_missing_folder_deletes_nothing(folder: Path, index: Path) -> None:
    looked(folder, index)
    shutil.move(folder, folder.with_name("away"))
    with pytest.raises(InputError, match="no such folder; nothing was changed"):
        looked(folder, index)
    folder.mkdir()
    with pytest.raises(InputError, match="held 3 files and holds none now"):
        looked(folder, index)
    assert ids(index) == ALL


def test_a_file_that_is_being_written_waits(folder: Path, index: Path) -> None:
    looked(folder, index)
    (folder / "new.txt").write_text("Half a sen")
    assert step(folder, index, lambda: ENCODER, NO_MERGE, {}, settle_s=60.0) is None
    assert looked(folder, index) == (1, 0, 0, 3)


def test_after_a_rollback_the_folder_is_taken_in_again(folder: Path, index: Path) -> None:
    looked(folder, index)
    (folder / "new.txt").write_text("A lighthouse.")
    looked(folder, index)
    with directory.writer_lock(index):
        commits.rollback(index)
    assert ids(index) == ALL
    assert looked(folder, index) == (1, 0, 0, 4)


def test_a_deleted_article_comes_back_only_when_its_file_changes(folder: Path, index: Path) -> None:
    looked(folder, index)
    delete(["articles/flood.txt"], index, NO_MERGE)
    assert looked(folder, index) is None
    (folder / "flood.txt").write_text("The flood has gone.")
    assert looked(folder, index) == (1, 0, 0, 4)


def test_watch_goes_on_after_an_error_and_ends_with_an_interrupt(
    folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reports: list[BuildReport] = []
    rounds = iter(["hide", "show", "change", "end"])

    def between(_seconds: float) -> None:
        match next(rounds):
            case "hide":
                shutil.move(folder, folder.with_name("away"))
            case "show":
                shutil.move(folder.with_name("away"), folder)
            case "change":
                (folder / "new.txt").write_text("A lighthouse.")
                os.utime(folder / "new.txt", (1, 1))
            case _:
                raise KeyboardInterrupt

    for file in folder.rglob("*.*"):
        os.utime(file, (time.time() - 99, time.time() - 99))
    monkeypatch.setattr(time, "sleep", between)
    with pytest.raises(KeyboardInterrupt):
        watch(folder, index, lambda: ENCODER, NO_MERGE, 5.0, reports.append)
    assert [report.generation for report in reports] == [2, 3]
    assert "no such folder; nothing was changed; trying again in 5 s" in caplog.text
    assert ids(index) == ALL | {"articles/new.txt"}
