"""The worker: what waits in the inbox is committed once, in order, and each write is told what it came to."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from indexer import wanted, work
from indexer.build import BuildOptions, build
from indexer.living import LivingArticles
from indexer.merging import MAX_SEGMENTS
from indexer.verify import verify
from indexer.work import MOST_ATTEMPTS, Worker, WorkOptions
from passage_index import directory, tasks
from passage_index.encoder import EmbeddedPassage, PassageVectors
from passage_index.errors import IndexLocked, InputError, NoSpace
from passage_index.inbox import Inbox, Kind
from passage_index.passages import article_hash
from passage_index.tasks import Batch, Outcome, Task, read_task
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import Record, record, until, written

START = [record(n, f"The harbour of town {n} was closed in the storm.") for n in range(3)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    build([written(tmp_path / "in.jsonl", START)], tmp_path / "index", FakeEncoder(), BuildOptions())
    return tmp_path / "index"


def options(encoder: FakeEncoder | None = None, merge: bool = False) -> WorkOptions:
    return WorkOptions(BuildOptions(merge=merge), lambda _: encoder or FakeEncoder())


def ask(index: Path, kind: Kind, body: object = b"", article_id: str | None = None) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    inbox = Inbox(index)
    with inbox.draft() as draft:
        draft.write(raw)
        return inbox.accept(draft, kind, article_id, max(raw.count(b"\n"), 1))


def put(index: Path, article_id: str, text: str, **more: object) -> str:
    return ask(index, "article", {"text": text, **more}, article_id)


def remove(index: Path, article_id: str) -> str:
    return ask(index, "deletion", article_id=article_id)


def lines(*records: object) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)


def once(index: Path, given: WorkOptions | None = None) -> Worker:
    worker = Worker(index, given or options())
    worker.run(once=True)
    return worker


def outcome(index: Path, task_id: str) -> Outcome:
    task = read_task(Inbox(index), task_id)
    assert task and task.outcome, task
    return task.outcome


def counts(index: Path, task_id: str) -> tuple[int, ...]:
    """records, indexed, deleted, unknown, superseded, rejected"""
    one = outcome(index, task_id)
    return one.records, one.indexed, one.deleted, one.unknown, one.superseded, one.rejected


def stored(index: Path) -> dict[str, str]:
    with LivingArticles(directory.current(index)) as living:
        return {article.id: article.text for article, _ in living.articles()}


def generation(index: Path) -> int:
    return directory.current(index).manifest.generation


def test_the_last_write_of_an_id_wins_and_all_are_one_commit(place: Path) -> None:
    ids = [
        put(place, "a-0", "First."), put(place, "new", "New."), put(place, "a-0", "Second."),
        remove(place, "a-1"), put(place, "a-1", "Back again."), put(place, "a-2", "Soon gone."),
        remove(place, "a-2"), remove(place, "nothing"),
    ]  # fmt: skip
    once(place)
    assert generation(place) == 2
    assert stored(place) == {"a-0": "Second.", "new": "New.", "a-1": "Back again."}
    assert [counts(place, one) for one in ids] == [
        (1, 0, 0, 0, 1, 0), (1, 1, 0, 0, 0, 0), (1, 1, 0, 0, 0, 0),
        (1, 0, 0, 0, 1, 0), (1, 1, 0, 0, 0, 0), (1, 0, 0, 0, 1, 0),
        (1, 0, 1, 0, 0, 0), (1, 0, 0, 1, 0, 0),
    ]  # fmt: skip
    assert {outcome(place, one).generation for one in ids} == {2}
    assert Inbox(place).waiting() == [] and verify(place, FakeEncoder(), deep=True) == []


def test_bad_records_are_told_by_line_and_touch_nothing(place: Path) -> None:
    body = lines(
        {"_id": "a-0", "text": "Good."}, b"", b"{not json", {"_id": "a-1"}, {"text": "Whose?"},
        {"_id": "a-2", "text": "\x00 \n"}, [1], {"_id": "x" * 513, "text": "Long."}, b"\xff",
        {"_id": "a-0", "text": None}, {"id": 7, "text": "Seven.", "date": "2021-05"},
    )  # fmt: skip
    task_id = ask(place, "articles", body)
    once(place)
    assert counts(place, task_id) == (10, 2, 0, 0, 0, 8)
    told = {one.line: one.reason for one in outcome(place, task_id).rejections}
    assert list(told) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert told[3].startswith("bad JSON at column 2") and told[5] == "there is no id"
    assert told[4].startswith("no text") and told[8].startswith("the id has 513 characters")
    assert stored(place) == {"a-0": "Good.", "7": "Seven.", **{f"a-{n}": START[n]["text"] for n in (1, 2)}}


def test_articles_are_stored_as_the_readers_of_files_store_them(place: Path, tmp_path: Path) -> None:
    odd: list[Record] = [
        {
            "_id": "odd",
            "TEXT": "a\r\nb \n\n\n\nc\u0301",
            "date": "soon",
            "source": "https://www.x.example/1",
            "k": "v",
        }
    ]
    records = [*ARTICLES, *odd]
    build([written(tmp_path / "in.jsonl", records)], tmp_path / "read", FakeEncoder(), BuildOptions())
    ask(place, "articles", lines(*records))
    for one in START:
        remove(place, one["_id"])
    once(place)
    singly = tmp_path / "singly"
    build([written(tmp_path / "in.jsonl", START)], singly, FakeEncoder(), BuildOptions())
    for one in records:
        put(
            singly,
            one["_id"],
            one.get("text", one.get("TEXT", "")),
            **{k: v for k, v in one.items() if k not in ("_id", "text", "TEXT")},
        )
    for one in START:
        remove(singly, one["_id"])
    once(singly)
    hashes = [sorted(hashes_of(index)) for index in (tmp_path / "read", place, singly)]
    assert hashes[0] == hashes[1] == hashes[2] and len(hashes[0]) == len(records)


def hashes_of(index: Path) -> Iterator[tuple[str, bytes]]:
    with LivingArticles(directory.current(index)) as living:
        yield from ((article.id, article_hash(article)) for article, _ in living.articles())


def test_what_is_read_can_be_put_back(place: Path) -> None:
    put(place, "a", "One.", title="T", date="2021-05", source="S", url="https://x.example/", lang="en", k=[1])
    once(place)
    before = dict(hashes_of(place))["a"]
    got = {
        "id": "a", "title": "T", "text": "One.", "url": "https://x.example/", "source": "S",
        "published_at": "2021-05", "language": "en", "metadata": {"k": [1]},
    }  # fmt: skip
    ask(place, "article", got, "a")
    once(place)
    assert dict(hashes_of(place))["a"] == before and generation(place) == 2


def test_writes_that_change_nothing_make_no_generation(place: Path) -> None:
    ids = [ask(place, "articles", lines(*START)), remove(place, "nothing")]
    once(place)
    assert generation(place) == 1
    assert [outcome(place, one).generation for one in ids] == [1, 1]
    assert counts(place, ids[0]) == (3, 3, 0, 0, 0, 0)


@pytest.mark.parametrize("name", ["work.gathered", "work.committed", "work.outcome_written", "inbox.removed"])
def test_what_was_cut_short_is_done_again_and_only_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(at: str) -> None:
        if at == name:
            raise Killed

    ids = [put(place, "a-0", "New."), remove(place, "a-1"), put(place, "b", "Another.")]
    with monkeypatch.context() as patch:
        for module in (work, tasks, __import__("passage_index.inbox").inbox):
            patch.setattr(module, "failpoint", killed)
        patch.setattr(tasks, "write_batch", lambda *_: None)
        with pytest.raises(Killed):
            once(place)
    once(place)
    assert stored(place) == {"a-0": "New.", "b": "Another.", "a-2": START[2]["text"]}
    assert generation(place) == 2
    assert [read_task(Inbox(place), one).state for one in ids] == ["done"] * 3
    assert Inbox(place).waiting() == []


class Picky(FakeEncoder):
    """Cannot encode one word."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.batches = 0

    def encode_passages(self, passages: Sequence[EmbeddedPassage]) -> list[PassageVectors]:
        self.batches += 1
        if any("unutterable" in passage.text for passage in passages):
            raise self.error
        return super().encode_passages(passages)


def test_a_write_that_cannot_be_done_fails_alone(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    ids = [put(place, "a", "Good."), put(place, "b", "It is unutterable."), put(place, "c", "Good too.")]
    once(place, options(Picky(RuntimeError("boom"))))
    states = [read_task(Inbox(place), one) for one in ids]
    assert [one and one.state for one in states] == ["done", "failed", "done"]
    assert outcome(place, ids[1]).failure == "it could not be indexed; the worker's log tells why"
    assert "RuntimeError: boom" in caplog.text
    assert stored(place).keys() == {"a-0", "a-1", "a-2", "a", "c"}


def test_an_error_of_ours_about_one_write_is_given_up_in_the_end(place: Path) -> None:
    ids = [put(place, "a", "It is unutterable."), put(place, "b", "Good.")]
    worker = Worker(place, options(Picky(InputError("too long"))))
    refused = 0
    for _ in range(MOST_ATTEMPTS + 4):
        try:
            worker.step()
        except InputError:
            refused += 1
    assert refused == MOST_ATTEMPTS
    assert outcome(place, ids[0]).failure == "too long" and counts(place, ids[1])[1] == 1


def test_a_write_that_workers_die_of_is_tried_alone_then_given_up(place: Path) -> None:
    inbox = Inbox(place)
    ids = [put(place, "a", "Bad."), put(place, "b", "Good."), put(place, "c", "Good too.")]

    def attempt() -> Batch | None:
        """What a worker begins before it dies."""
        return Worker(place, options())._next()

    tasks.write_batch(inbox, Batch(tuple(ids)))
    for number in range(1, MOST_ATTEMPTS + 1):
        batch = attempt()
        assert batch == Batch((ids[0],), number)
        tasks.write_batch(inbox, batch)
    once(place)
    assert outcome(place, ids[0]).failure == f"the worker died over it {MOST_ATTEMPTS} times"
    assert [counts(place, one)[1] for one in ids[1:]] == [1, 1]
    assert tasks.read_batch(inbox) is None


@pytest.mark.parametrize("error", [NoSpace("no room")])
def test_writes_wait_for_what_is_no_fault_of_theirs(
    place: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def no_room(*_: object) -> None:
        raise error

    task_id = put(place, "a", "Good.")
    with monkeypatch.context() as patch:
        patch.setattr(work, "require_space_for_text", no_room)
        for _ in range(2):
            with pytest.raises(NoSpace):
                once(place)
    task = read_task(Inbox(place), task_id)
    assert task and task.state == "waiting" and task.batch and task.batch.trouble == "no room"
    with directory.writer_lock(place), pytest.raises(IndexLocked):
        once(place)
    once(place)
    assert counts(place, task_id)[1] == 1


def test_it_goes_on_by_itself_when_it_can(place: Path) -> None:
    task_id = put(place, "a", "Good.")
    worker = Worker(place, WorkOptions(BuildOptions(), lambda _: FakeEncoder(), every_s=0.01))
    with directory.writer_lock(place):
        threading.Thread(target=worker.run, daemon=True).start()
        until(lambda: bool((task := state(place, task_id)) and task.batch and task.batch.trouble))
    until(lambda: state(place, task_id).state == "done")
    later = put(place, "b", "Good too.")
    until(lambda: state(place, later).state == "done")


def test_it_goes_on_after_a_sweep_that_failed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(place, WorkOptions(BuildOptions(), lambda _: FakeEncoder(), every_s=0.01))
    monkeypatch.setattr(work, "SWEPT_EVERY_S", 0.0)
    monkeypatch.setattr(work.tasks, "prune", failing := Mock(side_effect=OSError("no such disk")))
    threading.Thread(target=worker.run, daemon=True).start()
    until(lambda: failing.call_count > 1)
    task_id = put(place, "a", "Good.")
    until(lambda: state(place, task_id).state == "done")


def state(index: Path, task_id: str) -> Task:
    task = read_task(Inbox(index), task_id)
    assert task
    return task


def test_batches_are_bounded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "BATCH_WRITES", 2)
    ids = [put(place, f"n-{n}", f"Number {n}.") for n in range(5)]
    once(place)
    assert [outcome(place, one).generation for one in ids] == [2, 2, 3, 3, 4]
    monkeypatch.setattr(wanted, "BATCH_WRITES", 100)
    monkeypatch.setattr(wanted, "BATCH_BYTES", 700)
    ids = [put(place, f"m-{n}", f"Number {n}." + " Word" * 100) for n in range(3)]
    once(place)
    assert [outcome(place, one).generation for one in ids] == [5, 6, 7]


def test_segments_are_merged_when_nothing_waits(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "BATCH_WRITES", 1)

    def segments(merge: bool) -> int:
        for n in range(MAX_SEGMENTS):
            put(place, f"n-{n}-{merge}", f"Number {n} of {merge}.")
        once(place, options(merge=merge))
        return len(directory.current(place).manifest.segments)

    assert segments(merge=False) == MAX_SEGMENTS + 1
    assert segments(merge=True) <= MAX_SEGMENTS
    assert directory.current(place).manifest.build["command"] == "merge"
    assert len(stored(place)) == 3 + 2 * MAX_SEGMENTS and verify(place, FakeEncoder()) == []


def test_a_damaged_write_fails_and_the_others_are_done(place: Path) -> None:
    ids = [put(place, "a", "Good."), put(place, "b", "Bad."), put(place, "c", "Worse.")]
    for task_id, size in ((ids[1], -1), (ids[2], 100)):
        file = Inbox(place).folder / "waiting" / task_id
        file.write_bytes(file.read_bytes()[:size])
    once(place)
    assert counts(place, ids[0])[1] == 1
    for task_id in ids[1:]:
        assert task_id in outcome(place, task_id).failure and state(place, task_id).state == "failed"
    assert Inbox(place).waiting() == []
