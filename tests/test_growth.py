"""An index grows and shrinks: what is added, replaced, left alone, deleted; what readers see meanwhile."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indexer import space
from indexer.__main__ import app
from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from indexer.verify import verify
from passage_index import commits, directory, integrity
from passage_index.encoder import EncoderIdentity
from passage_index.errors import EncoderMismatch, IndexLocked, InputError, NotFound, RecordsRejected
from passage_index.rows import read_deleted
from passage_index.snapshot import open_snapshot
from tests.fakes import FakeEncoder
from tests.growing import KEEP_ALL, NO_MERGE, Record, found, ids, pooled, record, written

ENCODER = FakeEncoder()

FLOOD = record(1, "The flood reached the mill. Nobody was hurt.", "2021-05-09")
BRIDGE = record(2, "The bridge fell into the river. It was built in 1911.", "2021-06")
HARBOUR = record(3, "The harbour council met on Monday.")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of three articles."""
    build(
        [written(tmp_path / "first.jsonl", [FLOOD, BRIDGE, HARBOUR])], tmp_path / "index", ENCODER, KEEP_ALL
    )
    return tmp_path / "index"


def added(
    index: Path, *records: Record, options: BuildOptions = NO_MERGE
) -> tuple[int, int, int, int | None]:
    """Add records; (added, replaced, unchanged, generation)."""
    report = add([written(index.parent / "more.jsonl", records)], index, ENCODER, options)
    return report.added, report.replaced, report.unchanged, report.generation


def texts(index: Path, question: str) -> list[str]:
    """The texts a search by words finds, best first."""
    snapshot = open_snapshot(index)
    try:
        scores = {one: values[2] for one, values in pooled(snapshot, question).items()}
        best = sorted((one for one in scores if scores[one] > 0), key=lambda one: -scores[one])
        return [stored.text for one in best if (stored := snapshot.passage(one))]
    finally:
        snapshot.close()


def numbers(index: Path) -> list[int]:
    """All passage numbers in any segment of the current generation."""
    snapshot = open_snapshot(index)
    try:
        return sorted(int(n) for segment in snapshot.segments for n in segment.columns.passage_no)
    finally:
        snapshot.close()


def test_add_of_new_articles_makes_them_findable_beside_the_old(index: Path) -> None:
    assert added(index, record(4, "A lighthouse keeper retired.")) == (1, 0, 0, 2)
    assert ids(index) == {"a-1", "a-2", "a-3", "a-4"}
    assert texts(index, "lighthouse") == ["A lighthouse keeper retired."]
    assert texts(index, "mill flood") == [FLOOD["text"]]
    assert verify(index, ENCODER, deep=True) == []


def test_add_of_known_articles_splits_and_encodes_nothing_and_commits_nothing(index: Path) -> None:
    class Refusing(FakeEncoder):
        def encode_passages(self, passages: object) -> list:  # type: ignore[override, type-arg]
            raise AssertionError("nothing is new")

    before = directory.pointer(index)
    report = add([written(index.parent / "again.jsonl", [BRIDGE, FLOOD])], index, Refusing(), NO_MERGE)
    assert (report.added, report.replaced, report.unchanged, report.passages) == (0, 0, 2, 0)
    assert report.generation is None and directory.pointer(index) == before
    assert not list(index.glob(".writing-*"))


@pytest.mark.parametrize("key", ["text", "title", "date", "source", "lang", "section"])
def test_add_of_a_changed_article_replaces_the_old_one_whatever_changed(index: Path, key: str) -> None:
    value = {"text": "The bridge stands.", "date": "2020", "lang": "de"}.get(key, "Other")
    assert added(index, {**BRIDGE, key: value}) == (0, 1, 0, 2)
    assert ids(index) == {"a-1", "a-2", "a-3"}
    snapshot = open_snapshot(index)
    article = snapshot.article("a-2")
    assert article is not None
    stored = {
        **article.metadata,
        "text": article.text,
        "title": article.title,
        "date": str(article.published),
        "source": article.source,
        "lang": article.language,
    }
    assert stored[key] == value
    assert snapshot.manifest.passages == 3 and snapshot.manifest.deleted == 1
    snapshot.close()
    assert texts(index, "bridge") == [str(stored["text"])]
    assert verify(index) == []


def test_delete_takes_an_article_out_of_every_view(index: Path) -> None:
    snapshot = open_snapshot(index)
    (gone,) = [stored.passage.id for stored in snapshot.article_passages("a-2") or []]
    snapshot.close()
    report = delete(["a-2", "a-9", "a-2"], index, NO_MERGE)
    assert (report.deleted, report.unknown, report.generation) == (1, ["a-9"], 2)
    snapshot = open_snapshot(index)
    assert snapshot.article("a-2") is None and snapshot.article_passages("a-2") is None
    assert snapshot.passage(gone) is None
    assert (
        gone not in pooled(snapshot, "The bridge fell into the river")
        and len(pooled(snapshot, "bridge")) == 2
    )
    assert snapshot.counts()["year"] == {"2021": 1, "": 1}
    assert (snapshot.manifest.articles, snapshot.manifest.passages) == (2, 2)
    snapshot.close()
    assert texts(index, "bridge") == []
    assert verify(index) == []


def test_ids_to_delete_come_from_a_list_as_spreadsheets_write_it(index: Path) -> None:
    (index.parent / "ids.txt").write_bytes(b"\xef\xbb\xbfa-1\r\n a-2 \r\n\r\n")
    line = ["delete", "--nice", "0", "--from-file", str(index.parent / "ids.txt"), "--index", str(index)]
    done = CliRunner().invoke(app, line, catch_exceptions=False)
    assert "unknown" not in done.output and ids(index) == {"a-3"}


def test_delete_of_unknown_ids_commits_nothing(index: Path) -> None:
    report = delete(["nothing"], index, NO_MERGE)
    assert (report.deleted, report.unknown, report.generation) == (0, ["nothing"], None)
    assert directory.current(index).manifest.generation == 1


def test_an_emptied_index_answers_with_nothing_and_grows_again(index: Path) -> None:
    delete(["a-1", "a-2", "a-3"], index, NO_MERGE)
    assert found(index) == [[], [], [], []] and ids(index) == set()
    assert verify(index) == []
    assert added(index, FLOOD, options=KEEP_ALL) == (1, 0, 0, 3)
    assert ids(index) == {"a-1"} and verify(index) == []


def test_an_index_emptied_and_merged_answers_with_nothing_and_grows_again(index: Path) -> None:
    assert delete(["a-1", "a-2", "a-3"], index, KEEP_ALL).merged == 1
    assert found(index) == [[], [], [], []] and verify(index) == []
    assert added(index, FLOOD) == (1, 0, 0, 3)
    assert texts(index, "flood") == [FLOOD["text"]] and verify(index) == []


def test_passage_numbers_are_never_used_twice(index: Path) -> None:
    assert numbers(index) == [0, 1, 2]
    delete(["a-3"], index, KEEP_ALL)
    added(index, HARBOUR)
    assert numbers(index)[-1] == 3
    build([index.parent / "first.jsonl"], index, ENCODER, KEEP_ALL)
    assert numbers(index) == [4, 5, 6]
    assert directory.current(index).manifest.next_passage_no == 7


def test_passage_and_segment_numbers_are_not_used_twice_after_a_rollback(index: Path) -> None:
    added(index, record(4, "Taken back later."))
    told = directory.current(index).manifest
    with directory.writer_lock(index):
        assert commits.rollback(index).manifest.next_passage_no == 3
    added(index, record(5, "After the rollback."))
    manifest = directory.current(index).manifest
    assert numbers(index)[-1] == told.next_passage_no == 4 and manifest.next_passage_no == 5
    assert manifest.segments[-1].name == directory.segment_name(told.next_segment)
    assert verify(index) == []
    (index / "CURRENT").write_text("damaged")
    build([index.parent / "first.jsonl"], index, ENCODER, KEEP_ALL)
    assert numbers(index) == [5, 6, 7]


def test_add_with_another_encoder_is_refused_before_any_work(index: Path) -> None:
    class Other(FakeEncoder):
        identity = EncoderIdentity(name="other", weights_sha256="1" * 64, dim=64, max_tokens=256)

    with pytest.raises(EncoderMismatch, match=r"fake .* other"):
        add([index.parent / "absent.jsonl"], index, Other())


def test_add_and_delete_without_an_index_say_so_and_make_no_folder(tmp_path: Path) -> None:
    file = written(tmp_path / "more.jsonl", [FLOOD])
    for attempt in (
        lambda: add([file], tmp_path / "none", ENCODER),
        lambda: delete(["a"], tmp_path / "none"),
    ):
        with pytest.raises(NotFound, match="indexer build"):
            attempt()
    assert not (tmp_path / "none").exists()


def test_a_strict_add_that_meets_a_bad_record_changes_nothing(index: Path) -> None:
    file = written(index.parent / "bad.jsonl", [record(4, "Fine."), {"_id": "a-5", "text": " "}])
    with pytest.raises(RecordsRejected, match=r"bad.jsonl:2"):
        add([file], index, ENCODER, replace(NO_MERGE, strict=True))
    assert directory.current(index).manifest.generation == 1
    assert added(index, record(4, "Fine."), {"_id": "a-5", "text": " "}) == (1, 0, 0, 2)


def test_a_reader_keeps_its_generation_while_writers_go_on(index: Path) -> None:
    options = BuildOptions(keep=1, merge=False)
    snapshot = open_snapshot(index)
    before = pooled(snapshot, "harbour bridge flood")
    delete(["a-1"], index, options)
    added(index, {**BRIDGE, "text": "The bridge stands."}, options=options)
    assert pooled(snapshot, "harbour bridge flood") == before
    assert [s.text for s in snapshot.article_passages("a-2") or []] == [BRIDGE["text"]]
    assert directory.generations(index) == [1, 3]  # 1 is held, 2 was not
    snapshot.close()
    delete(["a-3"], index, options)
    assert directory.generations(index) == [4]


def test_unchanged_files_are_linked_and_neither_locks_nor_what_tantivy_rewrites(index: Path) -> None:
    added(index, record(4, "A lighthouse."))
    first, second = index / "gen-000001", index / "gen-000002"
    shared = {
        path.relative_to(second).as_posix()
        for path in second.rglob("*")
        if path.is_file() and path.stat().st_nlink > 1
    }
    rewritten = {
        f"lexical/{kind}/{name}"
        for kind in ("passages", "articles")
        for name in ("meta.json", ".managed.json")
    }
    assert shared == set(directory.generation(index, 1).manifest.files) - rewritten
    assert not any(name.endswith(".lock") for name in directory.generation(index, 2).manifest.files)
    assert not list(first.rglob(directory.TANTIVY_WRITER_LOCK)) + list(second.rglob(".tantivy-writer.lock"))
    assert verify(index, every_generation=True) == []


def test_a_swap_hashes_only_what_is_new(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = index.parent / "stamps.json"
    open_snapshot(index, stamps).close()
    added(index, record(4, "A lighthouse."))
    hashed: list[str] = []
    real = integrity.file_sha256
    monkeypatch.setattr(integrity, "file_sha256", lambda file: hashed.append(str(file)) or real(file))
    open_snapshot(index, stamps).close()
    assert hashed and not [name for name in hashed if "/segments/000001/" in name]
    assert [name for name in hashed if name.endswith("/segments/000002/vectors.bf16")]
    hashed.clear()
    open_snapshot(index, stamps).close()
    assert hashed == []


def test_a_damaged_index_does_not_grow(index: Path) -> None:
    file = index / "gen-000001" / "segments" / "000001" / "vectors.bf16"
    file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(directory.CorruptIndex, match=r"vectors.bf16.*sha256.*indexer verify"):
        added(index, record(4, "A lighthouse."))


def test_too_little_space_is_said_before_any_work(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    for attempt in (lambda: added(index, record(4, "New.")), lambda: delete(["a-1"], index, KEEP_ALL)):
        with pytest.raises(InputError, match=r"MB are needed .* 1 MB are free"):
            attempt()
    assert directory.current(index).manifest.generation == 1


def test_a_second_writer_is_told_who_the_first_one_is(index: Path) -> None:
    with directory.writer_lock(index), pytest.raises(IndexLocked, match=f"process {os.getpid()}"):
        delete(["a-1"], index)


def test_rollback_goes_to_the_parent_and_its_number_is_not_used_again(index: Path) -> None:
    delete(["a-1"], index, NO_MERGE)
    delete(["a-2"], index, NO_MERGE)
    with directory.writer_lock(index):
        assert commits.rollback(index).manifest.generation == 2
    assert ids(index) == {"a-2", "a-3"} and directory.generations(index) == [1, 2, 3]
    assert added(index, record(4, "New.")) == (1, 0, 0, 4)
    assert ids(index) == {"a-2", "a-3", "a-4"}
    assert directory.generations(index) == [1, 2, 4]  # what was rolled back from is in no lineage
    with directory.writer_lock(index):
        assert commits.rollback(index).manifest.generation == 2
        assert commits.rollback(index).manifest.generation == 1
        assert commits.rollback(index, to=4).manifest.generation == 4
        with pytest.raises(NotFound, match=r"no generation 3 .* kept are: 1, 2, 4"):
            commits.rollback(index, to=3)
    assert len(read_deleted(index / "gen-000004" / "deleted.npy")) == 1


def test_rollback_passes_over_a_damaged_generation_and_mends_a_lost_pointer(index: Path) -> None:
    delete(["a-1"], index, NO_MERGE)
    delete(["a-2"], index, NO_MERGE)
    (index / "gen-000002" / "manifest.json").write_text("{")
    (index / "CURRENT").unlink()
    with pytest.raises(directory.CorruptIndex, match="indexer rollback"):
        open_snapshot(index)
    with directory.writer_lock(index):
        assert commits.rollback(index).manifest.generation == 3
        assert commits.rollback(index).manifest.generation == 1
        with pytest.raises(NotFound, match="build the index anew"):
            commits.rollback(index)
    assert ids(index) == {"a-1", "a-2", "a-3"}


def test_a_generation_that_was_not_committed_is_neither_read_nor_kept(index: Path) -> None:
    shutil.copytree(index / "gen-000001", index / "gen-000002")  # as a writer killed before CURRENT leaves it
    (index / ".writing-abc").mkdir()
    (index / ".removing-gen-000000").mkdir()
    assert verify(index) == []
    assert ids(index) == {"a-1", "a-2", "a-3"} and directory.current(index).manifest.generation == 1
    delete(["a-1"], index, NO_MERGE)
    names = sorted(path.name for path in index.iterdir())
    assert names == ["CURRENT", "gen-000001", "gen-000003", "writer.lock"]
