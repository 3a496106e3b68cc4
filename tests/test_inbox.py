"""The inbox: what was accepted is there, in order, whatever dies; what was not is gone; it has bounds."""

import fcntl
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from passage_index import tasks
from passage_index.errors import CorruptIndex, InboxFull, IndexLocked, InputError
from passage_index.inbox import HEADER_BYTES, ORPHAN_S, TASK_ID, Inbox, Write
from passage_index.tasks import Batch, Outcome, read_task


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    inbox = Inbox(tmp_path)
    inbox.prepare()
    return inbox


def put(inbox: Inbox, body: bytes = b'{"text": "x"}', article_id: str | None = "a") -> str:
    with inbox.draft() as draft:
        for start in range(0, len(body), 5):
            draft.write(body[start : start + 5])
        return inbox.accept(draft, "article", article_id, 1)


def finish(inbox: Inbox, *task_ids: str, **outcome: object) -> None:
    writes = {one: inbox.write(one) for one in task_ids}
    tasks.finish(inbox, {one: (write, Outcome(1, **outcome)) for one, write in writes.items() if write})


def names(inbox: Inbox) -> list[str]:
    return sorted(path.name for path in inbox.folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_what_is_accepted_is_read_back_in_order(inbox: Inbox, tmp_path: Path) -> None:
    bodies = [b"", b"{}", b"x" * 10_000, "ü\n\0".encode()]
    ids = [
        put(inbox, body, article_id) for body, article_id in zip(bodies, ["a", None, "b/ü", "c"], strict=True)
    ]
    assert Inbox(tmp_path).waiting() == ids == sorted(ids)
    assert [int(one[:12]) for one in ids] == [1, 2, 3, 4]
    assert [inbox.body(one) for one in ids] == bodies
    written = inbox.write(ids[2])
    assert written is not None and written.accepted_at.endswith("+00:00")
    assert (written.kind, written.article_id, written.records, written.size) == ("article", "b/ü", 1, 10_000)
    assert len({one[13:] for one in ids}) == 4 and all(TASK_ID.fullmatch(one) for one in ids)


def test_what_is_not_accepted_is_gone(inbox: Inbox) -> None:
    with pytest.raises(RuntimeError), inbox.draft() as draft:
        draft.write(b"half")
        raise RuntimeError
    with inbox.draft() as draft:
        draft.write(b"never accepted")
    assert names(inbox) == []


def test_a_draft_of_a_dead_process_is_removed_and_one_of_a_living_is_not(inbox: Inbox) -> None:
    with inbox.draft() as draft:
        orphan, fresh = inbox.folder / ".writing-dead", inbox.folder / ".writing-new"
        for file in (orphan, fresh):
            file.write_bytes(b"half")
        old = time.time() - ORPHAN_S - 1
        for file in (orphan, draft.path):
            os.utime(file, (old, old))
        inbox.prepare()
        assert names(inbox) == sorted([draft.path.name, fresh.name])
        assert inbox.waiting() == []


def test_a_draft_that_is_taken_in_while_it_is_looked_at_is_no_fault(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: iter([inbox.folder / ".writing-gone"]))
    inbox.prepare()


def test_numbers_go_on_where_they_were(inbox: Inbox, tmp_path: Path) -> None:
    first, second = put(inbox), put(inbox)
    finish(inbox, first, second)
    assert inbox.waiting() == []
    assert put(Inbox(tmp_path))[:12] == "000000000003"
    finish(inbox, *inbox.waiting())
    for file in (inbox.folder / "finished").iterdir():
        os.utime(file, (0, 0))
    tasks.prune(inbox)
    assert names(inbox) == ["000000000003-000000000003.json"]  # the newest is kept for its number
    assert put(inbox)[:12] == "000000000004"


def test_writers_side_by_side_get_numbers_of_their_own(inbox: Inbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda number: put(inbox, b"%d" % number), range(60)))
    assert sorted(int(one[:12]) for one in ids) == list(range(1, 61))
    assert sorted(inbox.body(one) for one in inbox.waiting()) == sorted(
        b"%d" % number for number in range(60)
    )


@pytest.mark.parametrize(
    ("most_bytes", "most_writes", "taken"), [(3 * (HEADER_BYTES + 100), 99, 3), (1 << 30, 5, 5)]
)
def test_it_has_bounds(tmp_path: Path, most_bytes: int, most_writes: int, taken: int) -> None:
    inbox = Inbox(tmp_path, most_bytes, most_writes)
    ids = [put(inbox, b"x" * 100) for _ in range(taken)]
    with pytest.raises(InboxFull, match=f"^{taken} writes of 0 MB wait to be indexed"):
        put(inbox, b"x" * 100)
    assert inbox.waiting() == ids and len(names(inbox)) == taken
    finish(inbox, ids[0])
    put(inbox, b"x" * 100)


def test_an_id_too_long_for_the_header_is_refused(inbox: Inbox) -> None:
    with pytest.raises(InputError):
        put(inbox, article_id="ü" * HEADER_BYTES)
    assert names(inbox) == []


def _cut(raw: bytes) -> bytes:
    return raw[:-1]


def _flip(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize(
    "damage", [_cut, _flip, lambda raw: raw + b"x", lambda _: b"", lambda raw: b"\0" * len(raw)]
)
def test_a_damaged_body_is_told_never_used(inbox: Inbox, damage: Callable[[bytes], bytes]) -> None:
    task_id = put(inbox)
    file = inbox.folder / "waiting" / task_id
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CorruptIndex, match=task_id):
        inbox.body(task_id)


def test_there_is_one_worker(inbox: Inbox, tmp_path: Path) -> None:
    with inbox.worker_lock():
        with (
            pytest.raises(IndexLocked, match=f"process {os.getpid()} works on"),
            Inbox(tmp_path).worker_lock(),
        ):
            raise AssertionError
        put(inbox)  # and it holds up nobody else
    with inbox.worker_lock():
        pass


def test_a_task_waits_runs_and_is_done(inbox: Inbox) -> None:
    first, second = put(inbox), put(inbox)
    assert [one and one.state for one in (read_task(inbox, first), read_task(inbox, second))] == [
        "waiting"
    ] * 2
    tasks.write_batch(inbox, Batch((first,), stage="encode", done=3, total=9))
    running, other = read_task(inbox, first), read_task(inbox, second)
    assert running and running.state == "running" and running.batch and running.batch.total == 9
    assert other and other.state == "waiting" and other.batch is None
    tasks.write_batch(inbox, Batch((first,), trouble="the disk is full"))
    held_up = read_task(inbox, first)
    assert (
        held_up
        and held_up.state == "waiting"
        and held_up.batch
        and held_up.batch.trouble == "the disk is full"
    )
    finish(inbox, first, indexed=1, generation=7)
    finish(inbox, second, failure="no")
    done, failed = read_task(inbox, first), read_task(inbox, second)
    assert (
        done and done.outcome and (done.state, done.outcome.generation, done.kind) == ("done", 7, "article")
    )
    assert failed and failed.outcome and (failed.state, failed.outcome.failure) == ("failed", "no")
    assert names(inbox) == ["000000000001-000000000001.json", "000000000002-000000000002.json"]


@pytest.mark.parametrize(
    "task_id", ["", "..", "../accept.lock", "000000000001-0000000000000000", "1-2", "0" * 12 + "-" + "g" * 16]
)
def test_what_is_no_task_is_none(inbox: Inbox, task_id: str) -> None:
    put(inbox)
    assert read_task(inbox, task_id) is None


def test_an_outcome_that_is_on_disk_counts_although_its_write_is_still_there(inbox: Inbox) -> None:
    task_id = put(inbox)
    raw = (inbox.folder / "waiting" / task_id).read_bytes()
    finish(inbox, task_id, indexed=1)
    (inbox.folder / "waiting" / task_id).write_bytes(raw)  # as if killed before its removal
    task = read_task(inbox, task_id)
    assert task and task.state == "done"


def test_rejections_are_listed_to_a_bound_and_counted_beyond() -> None:
    outcome = Outcome()
    for line in range(tasks.KEPT_REJECTIONS + 5):
        outcome.reject(line, "no text")
    assert (outcome.rejected, len(outcome.rejections)) == (
        tasks.KEPT_REJECTIONS + 5,
        tasks.KEPT_REJECTIONS - 0,
    )


def test_old_outcomes_are_forgotten(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT_FILES", 3)
    ids = [put(inbox) for _ in range(5)]
    for one in ids:
        finish(inbox, one)
    (inbox.folder / "finished" / ".x.json.new").write_bytes(b"{")
    tasks.prune(inbox)
    assert [read_task(inbox, one) is not None for one in ids] == [False, False, True, True, True]
    assert not list((inbox.folder / "finished").glob(".*"))


def test_a_header_holds_what_it_says(inbox: Inbox) -> None:
    raw = (inbox.folder / "waiting" / put(inbox)).read_bytes()
    header = json.loads(raw[:HEADER_BYTES])
    assert raw[HEADER_BYTES:] == b'{"text": "x"}' and raw[HEADER_BYTES - 1 : HEADER_BYTES] == b"\n"
    assert Write(**header).size == 13


def test_a_draft_is_locked_while_it_is_written(inbox: Inbox) -> None:
    with inbox.draft() as draft, draft.path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
