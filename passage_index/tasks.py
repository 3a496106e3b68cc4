"""What becomes of the writes in the inbox: waiting, running, done or failed.

    INDEX/inbox/batch.json                          the writes that the worker is at, and how far it is
    INDEX/inbox/finished/000000000005-000000000007.json   the outcomes of the writes of one commit

An outcome is on disk before its write is removed, so that every write is known as one or the other. The
worker writes, everyone reads. Inbox -> Task
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from passage_index.commits import sync
from passage_index.errors import CorruptIndex
from passage_index.failpoints import failpoint
from passage_index.inbox import FINISHED, TASK_ID, Inbox, Kind, Write, utc_now

BATCH = "batch.json"
KEPT_FILES = 1000
KEPT_S = 7 * 24 * 3600.0
KEPT_REJECTIONS = 1000  # of one write; more are counted

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be indexed. line: 1-based, of the body; None where the body is one record."""

    line: int | None
    reason: str


@dataclass(slots=True)
class Outcome:
    """What one write came to. Each record is counted once, below `records`."""

    records: int = 0
    indexed: int = 0  # articles that stand in the index as they were sent
    deleted: int = 0
    unknown: int = 0  # deletions of what was not there
    superseded: int = 0  # followed by another write of the same id before they were committed
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    generation: int | None = None  # the first one that holds it
    finished_at: str = ""
    failure: str = ""  # why nothing of it was done

    def reject(self, line: int | None, reason: str) -> None:
        """Count a rejected record."""
        self.rejected += 1
        if len(self.rejections) < KEPT_REJECTIONS:
            self.rejections.append(Rejection(line, reason))


@dataclass(frozen=True, slots=True)
class Batch:
    """What the worker is at. attempt: rises when it died over just these writes."""

    tasks: tuple[str, ...]
    attempt: int = 1
    stage: str = ""
    done: int = 0
    total: int | None = None
    trouble: str = ""  # why it does not get on, where it waits for something


@dataclass(frozen=True, slots=True)
class Task:
    """One write and how far it is. write: None when it is finished; outcome: None until then."""

    id: str
    state: State
    write: Write | None
    outcome: Outcome | None
    kind: Kind
    accepted_at: str
    batch: Batch | None = None


def read_task(inbox: Inbox, task_id: str) -> Task | None:
    """A task by its id, or None when there is none (any more). Raises CorruptIndex on damage."""
    if TASK_ID.fullmatch(task_id) is None:
        return None
    write = inbox.write(task_id)  # first: an outcome is written before its write is removed
    finished = _finished(inbox, task_id)
    if finished is not None:
        return finished
    if write is None:
        return None
    batch = read_batch(inbox)
    mine = batch if batch and task_id in batch.tasks else None
    state: State = "running" if mine and not mine.trouble else "waiting"
    return Task(task_id, state, write, None, write.kind, write.accepted_at, mine)


def read_batch(inbox: Inbox) -> Batch | None:
    """What the worker is at, or was at when it died; None when it is at nothing."""
    try:
        data = json.loads((inbox.folder / BATCH).read_bytes())
        return Batch(**{**data, "tasks": tuple(data["tasks"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_batch(inbox: Inbox, batch: Batch | None) -> None:
    """Tell what the worker is at."""
    if batch is None:
        (inbox.folder / BATCH).unlink(missing_ok=True)
    else:
        _replace(inbox.folder / BATCH, json.dumps(asdict(batch)).encode())


def finish(inbox: Inbox, finished: Mapping[str, tuple[Write, Outcome]]) -> None:
    """Note what became of some writes that stand next to each other in the inbox, then remove them.

    Raises OSError, with the writes still there.
    """
    ids = sorted(finished)
    data = {}
    for task_id in ids:
        write, outcome = finished[task_id]
        outcome.finished_at = utc_now()
        data[task_id] = {"write": asdict(write), "outcome": asdict(outcome)}
    name = f"{ids[0][:12]}-{ids[-1][:12]}.json"
    _replace(inbox.folder / FINISHED / name, json.dumps(data).encode(), flush=True)
    failpoint("work.outcome_written")
    inbox.remove(ids)
    write_batch(inbox, None)
    failpoint("work.done")


def remove_finished(inbox: Inbox) -> None:
    """Remove writes whose outcome is on disk: a worker was killed before it came to that."""
    for task_id in inbox.waiting():
        if task_id[:12] > _last_finished(inbox):
            return
        with suppress(CorruptIndex):  # of an outcome that cannot be read: the write is done again
            if _finished(inbox, task_id) is not None:
                inbox.remove([task_id])


def _last_finished(inbox: Inbox) -> str:
    names = (file.stem for file in (inbox.folder / FINISHED).glob("*.json"))
    return max((name.partition("-")[2] for name in names), default="")


def prune(inbox: Inbox) -> None:
    """Forget outcomes that are old, or more than are kept; never the newest, whose number counts on.

    Also removes what a worker that was killed was just writing.
    """
    for scratch in (*inbox.folder.glob(".*.new"), *(inbox.folder / FINISHED).glob(".*.new")):
        scratch.unlink(missing_ok=True)
    files = sorted((inbox.folder / FINISHED).glob("*.json"), reverse=True)
    for place, file in enumerate(files[1:], start=1):
        if place >= KEPT_FILES or file.stat().st_mtime < time.time() - KEPT_S:
            file.unlink(missing_ok=True)


def _finished(inbox: Inbox, task_id: str) -> Task | None:
    number = task_id[:12]
    for file in sorted((inbox.folder / FINISHED).glob("*.json"), reverse=True):
        first, _, last = file.stem.partition("-")
        found = _read(file).get(task_id) if first <= number <= last else None
        if found is not None:
            return _task(task_id, found)
    return None


def _task(task_id: str, data: Mapping[str, Any]) -> Task:
    try:
        write, outcome = Write(**data["write"]), Outcome(**data["outcome"])
        outcome = replace(outcome, rejections=[Rejection(**one) for one in data["outcome"]["rejections"]])
    except (KeyError, TypeError) as error:
        raise CorruptIndex(f"the outcome of the write {task_id} is damaged: {error}") from error
    state: State = "failed" if outcome.failure else "done"
    return Task(task_id, state, None, outcome, write.kind, write.accepted_at)


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except FileNotFoundError:  # pruned meanwhile
        return {}
    except (ValueError, TypeError) as error:
        raise CorruptIndex(f"{file} is damaged: {error}; the index itself is not") from error


def _replace(file: Path, data: bytes, flush: bool = False) -> None:
    """Write a file in one step; on the disk when this returns, if asked for."""
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_bytes(data)
    if flush:
        sync(scratch)
    os.replace(scratch, file)
    if flush:
        sync(file.parent)
