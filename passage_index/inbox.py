"""The inbox: writes asked for over HTTP, kept on disk until the worker has committed them.

    INDEX/inbox/waiting/000000000007-9f86d081884c7d65    one write: a header of 4 KiB, then its body
    INDEX/inbox/finished/, batch.json                    what became of them: tasks.py
    INDEX/inbox/.writing-*                               not accepted yet; locked by who writes it

A write is accepted by the rename of a file that is flushed, so an acceptance survives a crash, and what
was cut short is no write. Names rise in the order of acceptance. Knows neither articles nor HTTP.
bytes -> Draft -> task id; task id -> Write, bytes
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

from passage_index.commits import sync
from passage_index.directory import INBOX
from passage_index.errors import CorruptIndex, InboxFull, IndexLocked, InputError
from passage_index.failpoints import failpoint

WAITING = "waiting"
FINISHED = "finished"
WRITING = ".writing-"
ACCEPT_LOCK = "accept.lock"
WORKER_LOCK = "worker.lock"

HEADER_BYTES = 4096
ORPHAN_S = 60.0  # a draft that is not locked is left alone for so long: it may be about to be
MOST_BYTES = 1 << 30
MOST_WRITES = 10_000

TASK_ID = re.compile(r"(\d{12})-[0-9a-f]{16}")  # the random half keeps ids from being guessed

Kind = Literal["article", "articles", "deletion"]


@dataclass(frozen=True, slots=True)
class Write:
    """What is asked for. `article`: the body is one JSON object; `articles`: JSON lines; `deletion`: none."""

    kind: Kind
    article_id: str | None  # of an article or a deletion, where the address named it
    records: int
    accepted_at: str  # UTC, ISO 8601
    size: int
    sha256: str  # of the body


class Draft:
    """A write on its way in; gone unless it is accepted, also when its process dies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{WRITING}{secrets.token_hex(8)}"
        self.size = 0
        self.digest = hashlib.sha256()
        self.file: BinaryIO = self.path.open("xb")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.file.write(b"\0" * HEADER_BYTES)

    def write(self, part: bytes | bytearray) -> None:
        """More of the body. Raises OSError where the disk refuses."""
        self.file.write(part)
        self.digest.update(part)
        self.size += len(part)

    def seal(self, write: Write) -> None:
        """Put the header in front, and all of it on the disk. Raises InputError on an id without room."""
        header = json.dumps(asdict(write), ensure_ascii=False).encode()
        if len(header) >= HEADER_BYTES:
            raise InputError(f"the article id has {len(header)} bytes with what goes with it; too many")
        self.file.flush()
        os.pwrite(self.file.fileno(), header.ljust(HEADER_BYTES - 1) + b"\n", 0)
        os.fsync(self.file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.path.unlink(missing_ok=True)  # first, so that no sweep meets it unlocked
        with suppress(OSError):  # a full disk has been told of before
            self.file.close()


class Inbox:
    """The inbox of one index. Any number of processes may put in; one worker takes out."""

    def __init__(self, index: Path, most_bytes: int = MOST_BYTES, most_writes: int = MOST_WRITES) -> None:
        self.index = index
        self.folder = index / INBOX
        self._most_bytes, self._most_writes = most_bytes, most_writes

    def prepare(self) -> None:
        """Make the folders, and remove what was cut short. Raises InputError where that cannot be."""
        try:
            self._make_folders()
            for draft in self.folder.glob(f"{WRITING}*"):
                with suppress(FileNotFoundError):  # taken in, or given up, at this moment
                    if draft.stat().st_mtime < time.time() - ORPHAN_S:
                        _remove_orphan(draft)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror}") from error

    def _make_folders(self) -> None:
        for name in (WAITING, FINISHED):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    # -- putting in ---------------------------------------------------------------------------

    def draft(self) -> Draft:
        """Begin a write. Raises InboxFull, or OSError where the disk refuses."""
        self._make_folders()
        self._require_room(0)
        return Draft(self.folder)

    def accept(self, draft: Draft, kind: Kind, article_id: str | None, records: int) -> str:
        """Take a draft in, for good, as the last of all that wait; its task id.

        Raises InboxFull, InputError on an id that has no room in the header, OSError.
        """
        draft.seal(Write(kind, article_id, records, utc_now(), draft.size, draft.digest.hexdigest()))
        failpoint("inbox.written")
        with self._accepting():
            self._require_room(draft.size)
            task_id = f"{self._next_number():012d}-{secrets.token_hex(8)}"
            os.rename(draft.path, self.folder / WAITING / task_id)
        failpoint("inbox.renamed")
        sync(self.folder / WAITING)
        return task_id

    def _require_room(self, size: int) -> None:
        with os.scandir(self.folder / WAITING) as entries:
            sizes = [_size(entry) for entry in entries]
        if len(sizes) >= self._most_writes or sum(sizes) + size > self._most_bytes:
            raise InboxFull(
                f"{len(sizes)} writes of {sum(sizes) / 1e6:,.0f} MB wait to be indexed; no more are taken "
                f"until some are done"
            )

    def _next_number(self) -> int:
        """One more than any write that waits or is known to be finished."""
        last = max(self.waiting(), default="0")[:12]
        finished = (name.rpartition("-")[2][:12] for name in os.listdir(self.folder / FINISHED))
        return max([int(last), *(int(name) for name in finished if name.isdecimal())]) + 1

    @contextmanager
    def _accepting(self) -> Iterator[None]:
        descriptor = os.open(self.folder / ACCEPT_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    # -- taking out ---------------------------------------------------------------------------

    @contextmanager
    def worker_lock(self) -> Iterator[None]:
        """Be the one worker. Raises IndexLocked at once, naming the process that is."""
        self._make_folders()
        descriptor = os.open(self.folder / WORKER_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "unknown"
                raise IndexLocked(
                    f"process {owner} works on the inbox of {self.index} already; stop it first"
                ) from error
            with suppress(OSError):  # who it is is only said in an error
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def waiting(self) -> list[str]:
        """Task ids of all accepted writes that are not done, in the order in which they were accepted."""
        try:
            names = os.listdir(self.folder / WAITING)
        except FileNotFoundError:
            return []
        return sorted(name for name in names if TASK_ID.fullmatch(name))

    def write(self, task_id: str) -> Write | None:
        """What a waiting task asks for; None when it waits no more. Raises CorruptIndex on damage."""
        try:
            with (self.folder / WAITING / task_id).open("rb") as file:
                return _header(file, task_id)
        except FileNotFoundError:
            return None

    def body(self, task_id: str) -> bytes:
        """The body of a waiting task. Raises CorruptIndex when it is not what was accepted."""
        with (self.folder / WAITING / task_id).open("rb") as file:
            write, body = _header(file, task_id), file.read()
        if len(body) != write.size or hashlib.sha256(body).hexdigest() != write.sha256:
            raise CorruptIndex(f"the body of the write {task_id} is damaged; send it again")
        return body

    def replace(self, task_id: str, body: bytes, records: int) -> None:
        """Give a waiting task another body, in one step. Call under `worker_lock`. Raises OSError."""
        write = self.write(task_id)
        with Draft(self.folder) as draft:
            draft.write(body)
            if write is not None:
                draft.seal(replace(write, records=records, size=draft.size, sha256=draft.digest.hexdigest()))
                os.rename(draft.path, self.folder / WAITING / task_id)
        sync(self.folder / WAITING)

    def remove(self, task_ids: list[str]) -> None:
        """Forget writes whose outcome is on disk."""
        for task_id in task_ids:
            (self.folder / WAITING / task_id).unlink(missing_ok=True)
            failpoint("inbox.removed")


def _header(file: BinaryIO, task_id: str) -> Write:
    try:
        return Write(**json.loads(file.read(HEADER_BYTES)))
    except (ValueError, TypeError) as error:
        raise CorruptIndex(f"the write {task_id} is damaged: {error}; send it again") from error


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # done meanwhile
        return 0


def _remove_orphan(draft: Path) -> None:
    """Remove a draft unless a living process still writes it."""
    with suppress(FileNotFoundError, BlockingIOError), draft.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.unlink()


def utc_now() -> str:
    """The present moment: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
