"""What is purged is in no file of the index and in no journal; what is reembedded has only new vectors."""

import json
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import purging
from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from indexer.purging import purge
from indexer.reembed import reembed
from indexer.verify import verify
from indexer.watch import step
from indexer.work import Worker, WorkOptions
from passage_index import directory
from passage_index.encoder import EncoderIdentity
from passage_index.errors import IndexLocked, InputError
from passage_index.inbox import Inbox, Kind
from passage_index.journal import VectorsJournal, journal_file
from passage_index.snapshot import open_snapshot
from passage_index.tasks import read_task
from tests.fakes import FakeEncoder
from tests.growing import Record, evidence, ids, record, written

ENCODER = FakeEncoder()
SECRET = record(1, "The zyzzyva was seen near Quuxhaven. Nobody believed it.")


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    return BuildOptions(cache=tmp_path / "cache", keep=10, merge=False)


@pytest.fixture
def index(tmp_path: Path, options: BuildOptions) -> Path:
    """The secret stands in three generations, in two versions, and is deleted in the fourth."""
    records = [SECRET, *(record(number, f"The storm broke bridge {number}.") for number in range(2, 12))]
    build([written(tmp_path / "all.jsonl", records)], tmp_path / "index", ENCODER, options)
    changed = {**SECRET, "text": SECRET["text"] + " The zyzzyva came back."}
    add([written(tmp_path / "changed.jsonl", [changed])], tmp_path / "index", ENCODER, options)
    return tmp_path / "index"


def holding(folder: Path, word: bytes) -> list[str]:
    """Files below a folder that hold a word as it is written or as it is indexed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word.lower() in path.read_bytes().lower()]


def journal_size(options: BuildOptions) -> int:
    assert options.cache is not None
    with VectorsJournal(journal_file(options.cache, ENCODER.identity), ENCODER.identity) as journal:
        return len(journal)


def test_purge_leaves_no_word_and_no_vector_of_an_article(index: Path, options: BuildOptions) -> None:
    assert set(holding(index, b"zyzzyva")) >= {"passages.sqlite"}
    assert journal_size(options) == 12
    purged = purge(["a-1", "nothing"], index, options)
    assert (purged.report.deleted, purged.journal_records, purged.unknown) == (1, 2, ["nothing"])
    assert holding(index.parent / "index", b"zyzzyva") == holding(index.parent / "cache", b"zyzzyva") == []
    assert journal_size(options) == 10
    assert directory.generations(index) == [4] and purged.removed_generations == [1, 2, 3]
    assert (
        ids(index) == {f"a-{number}" for number in range(2, 12)} and verify(index, ENCODER, deep=True) == []
    )
    for said in (
        "gone from",
        "removed: 1, 2, 3",
        "2 vectors",
        "never held text",
        "(0 records that waited)",
        "not from   backups",
    ):
        assert said in str(purged)


def test_purge_reaches_what_only_an_older_generation_holds(index: Path, options: BuildOptions) -> None:
    delete(["a-1"], index, options)
    purged = purge(["a-1"], index, options)
    assert (purged.report.deleted, purged.journal_records, purged.unknown) == (0, 2, [])
    assert holding(index, b"zyzzyva") == [] and directory.generations(index) == [4]


def test_purge_of_unknown_ids_does_nothing(index: Path, options: BuildOptions) -> None:
    before = directory.pointer(index)
    assert purge(["nothing"], index, options).unknown == ["nothing"]
    assert directory.pointer(index) == before and journal_size(options) == 12


def test_purge_forgets_the_id_in_the_list_of_watched_files(tmp_path: Path, options: BuildOptions) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "zyzzyva.txt").write_text("It was seen.")
    (folder / "bridge.txt").write_text("It fell.")
    build([folder], tmp_path / "index", ENCODER, options)
    step(folder, tmp_path / "index", lambda: ENCODER, options, {}, settle_s=0.0)
    purge(["articles/zyzzyva.txt"], tmp_path / "index", options)
    (watched,) = (tmp_path / "index").rglob("watched.json")
    assert b"articles/zyzzyva.txt" not in watched.read_bytes()
    assert step(folder, tmp_path / "index", lambda: ENCODER, options, {}, settle_s=0.0) is None


def test_purge_needs_the_journal_to_itself(index: Path, options: BuildOptions) -> None:
    assert options.cache is not None
    with VectorsJournal(journal_file(options.cache, ENCODER.identity), ENCODER.identity), \
            pytest.raises(IndexLocked, match="vectors journal"):  # fmt: skip
        purge(["a-1"], index, options)
    assert ids(index) == {f"a-{number}" for number in range(1, 12)}
    assert purge(["a-1"], index, options).journal_records == 2


def accept(index: Path, kind: Kind, body: bytes, article_id: str | None = None) -> str:
    inbox = Inbox(index)
    with inbox.draft() as draft:
        draft.write(body)
        return inbox.accept(draft, kind, article_id, max(body.count(b"\n"), 1))


def lines(*records: Record) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def work(index: Path, options: BuildOptions) -> None:
    Worker(index, WorkOptions(options, lambda _: ENCODER)).run(once=True)


def work_on(index: Path, options: BuildOptions) -> None:
    """As a worker that runs on: it waits for the writer's lock."""
    while True:
        with suppress(IndexLocked):
            return work(index, options)


NEW = {**SECRET, "text": "The zyzzyva is back."}
HARMLESS = record(50, "A ferry ran aground.")


def test_purge_takes_what_waits_in_the_inbox(index: Path, options: BuildOptions) -> None:
    named = {key: value for key, value in NEW.items() if key != "_id"}
    dropped = [
        accept(index, "article", json.dumps(named).encode(), "a-1"),
        accept(index, "article", json.dumps(NEW).encode()),
    ]
    body = lines(record(51, "A quay."), NEW) + b"\n{broken\n" + lines(NEW, HARMLESS)
    many = accept(index, "articles", body)
    untouched = accept(index, "articles", lines(record(52, "A mill.")))
    deletion = accept(index, "deletion", b"", "a-1")
    assert holding(index / "inbox", b"zyzzyva") and Inbox(index).waiting() == [
        *dropped,
        many,
        untouched,
        deletion,
    ]
    purged = purge(["a-1"], index, options)
    assert (purged.inbox_records, purged.report.deleted, purged.unknown) == (4, 1, [])
    assert "the inbox (4 records that waited)" in str(purged)
    assert holding(index, b"zyzzyva") == []
    for task_id in dropped:
        task = read_task(Inbox(index), task_id)
        assert task and task.state == "failed" and task.outcome and "was purged while" in task.outcome.failure
    work(index, options)
    assert ids(index) == {f"a-{number}" for number in (*range(2, 12), 50, 51, 52)}
    done = read_task(Inbox(index), many)
    assert done and done.outcome and (done.outcome.indexed, done.outcome.rejected) == (2, 1)
    assert done.outcome.rejections[0].line == 4
    assert holding(index, b"zyzzyva") == [] and verify(index, ENCODER, deep=True) == []


def test_purge_takes_an_article_that_only_waits(index: Path, options: BuildOptions) -> None:
    accept(index, "articles", lines(HARMLESS))
    purged = purge(["a-50", "nothing"], index, options)
    assert (purged.inbox_records, purged.report.deleted, purged.unknown) == (1, 0, ["nothing"])
    assert purged.report.generation == 2 and directory.generations(index) == [1, 2]
    assert holding(index, b"ferry ran") == []
    work(index, options)
    assert "a-50" not in ids(index)


def test_purge_waits_for_a_worker_and_then_takes_what_it_did(
    index: Path, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(index, "article", json.dumps(NEW).encode())
    with Inbox(index).worker_lock():
        monkeypatch.setattr(purging, "RELEASE_S", 0.0)
        with pytest.raises(IndexLocked, match=r"1 writes of these articles wait .* nothing was purged"):
            purge(["a-1"], index, options)
        assert "a-1" in ids(index) and len(Inbox(index).waiting()) == 1
        monkeypatch.undo()
        done = threading.Thread(target=work_on, args=(index, options))
        done.start()
        purged = purge(["a-1"], index, options)
        done.join()
    assert (purged.inbox_records, purged.report.deleted) == (0, 1)
    assert holding(index, b"zyzzyva") == [] and "a-1" not in ids(index)


def test_a_damaged_write_does_not_hold_up_a_purge(index: Path, options: BuildOptions) -> None:
    task_id = accept(index, "article", json.dumps(NEW).encode())
    file = index / "inbox" / "waiting" / task_id
    file.write_bytes(file.read_bytes()[:-3])
    assert purge(["a-1"], index, options).report.deleted == 1
    work(index, options)
    assert "a-1" not in ids(index) and holding(index, b"zyzzyva") == []


class Other(FakeEncoder):
    """Another model: the same bag of words, turned round."""

    identity = EncoderIdentity(name="other", weights_sha256="1" * 64, dim=64, max_tokens=256)

    def encode_passages(self, passages):  # type: ignore[no-untyped-def]
        return [replace(one, vector=one.vector[::-1]) for one in super().encode_passages(passages)]


class Short(Other):
    """One that reads fewer tokens."""

    identity = EncoderIdentity(name="short", weights_sha256="2" * 64, dim=64, max_tokens=12)


def test_reembed_keeps_texts_and_passages_and_makes_new_vectors(
    index: Path, tmp_path: Path, options: BuildOptions
) -> None:
    delete(["a-2"], index, options)
    report = reembed(index, Other(), tmp_path / "other", options)
    old, new = open_snapshot(index), open_snapshot(tmp_path / "other")
    assert report.articles == new.manifest.articles == old.manifest.articles == 10
    for article_id in ids(index):
        assert new.article(article_id) == old.article(article_id)
        assert new.article_passages(article_id) == old.article_passages(article_id)
    assert new.manifest.encoder.name == "other" and new.manifest.deleted == 0
    old.close()
    new.close()
    assert verify(tmp_path / "other", Other(), deep=True) == []
    assert [set(one) for one in evidence(tmp_path / "other")] == [set(one) for one in evidence(index)]


def test_reembed_splits_again_where_the_new_encoder_reads_less(
    index: Path, tmp_path: Path, options: BuildOptions
) -> None:
    reembed(index, Short(), tmp_path / "short", options)
    snapshot = open_snapshot(tmp_path / "short")
    assert snapshot.manifest.chunking["max_tokens"] == 12
    assert [stored.text for stored in snapshot.article_passages("a-1") or []] == [
        "The zyzzyva was seen near Quuxhaven.", "Nobody believed it. The zyzzyva came back."
    ]  # fmt: skip
    snapshot.close()
    assert verify(tmp_path / "short", Short(), deep=True) == []


def test_reembed_never_overwrites_an_index(index: Path, options: BuildOptions) -> None:
    with pytest.raises(InputError, match="holds an index already"):
        reembed(index, Other(), index, options)
