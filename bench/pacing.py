"""A reader that asks a server at a fixed pace, whatever the answers take, and what it was answered.

Open loop: a request is due at its time and timed from then on, so that a server that stalls is charged
for every request that should have been sent meanwhile. Questions -> [Answer]
"""

import http.client
import io
import math
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

THREADS = 64  # answers that can be waited for at once
TIMEOUT_S = 60.0
# Linux tells when the last packet of a reply arrived; others do not know the option.
ARRIVALS = getattr(socket, "SO_TIMESTAMPNS", 35) if sys.platform == "linux" else None
PIECE = 65536


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. due_s: monotonic; status 0: none came."""

    due_s: float
    seconds: float  # from when it was due
    status: int
    late_s: float = 0.0  # of it, until it was sent: the driver's share, and that of answers before it
    unread_s: float = 0.0  # of it, from when its last packet arrived until the driver had read it


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: its status, 0 for none, and how long it lay at the socket unread."""

    status: int
    unread_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Searches:
    """Where a server takes questions, and by what name."""

    port: int
    path: str = "/v1/search"
    parameter: str = "q"
    more: Mapping[str, str] = field(default_factory=dict)

    def reply(self, question: str) -> Reply:
        """Ask, and wait for the whole answer."""
        return reply_of(self.port, self.path, **{self.parameter: question, **self.more})


class PacedReader:
    """Asks until the end of its block, or until it has asked `most` times; `answers` grows meanwhile."""

    def __init__(
        self, searches: Searches, questions: Sequence[str], per_second: float, most: int | None = None,
        threads: int = THREADS,
    ) -> None:  # fmt: skip
        self.answers: list[Answer] = []
        self._searches, self._questions, self._per_second = searches, questions, per_second
        self._most = math.inf if most is None else most
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._asked = 0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        self.begun_s = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def catch_up(self, most_s: float = 600.0) -> None:
        """Wait until no more than two searches are unanswered: what one change has held up is over."""
        end_s = time.monotonic() + most_s
        while time.monotonic() < end_s:
            due = int((time.monotonic() - self.begun_s) * self._per_second)
            if due - len(self.answers) <= 2:
                return
            time.sleep(0.1)

    def between(self, begin_s: float, end_s: float) -> list[Answer]:
        """The answers to what was due then; waits for those still under way."""
        due = min(math.ceil((end_s - self.begun_s) * self._per_second), self._most)
        while True:
            answered = [one for one in list(self.answers) if one.due_s < end_s]
            if len(answered) >= due or time.monotonic() >= end_s + TIMEOUT_S:
                break
            time.sleep(0.1)
        return [one for one in answered if one.due_s >= begin_s]

    def _run(self) -> None:
        while True:
            with self._lock:
                number, self._asked = self._asked, self._asked + 1
            if number >= self._most:
                return
            due_s = self.begun_s + number / self._per_second
            if self._ended.wait(max(0.0, due_s - time.monotonic())):
                return
            late_s = time.monotonic() - due_s
            reply = self._searches.reply(self._questions[number % len(self._questions)])
            spent_s = time.monotonic() - due_s
            self.answers.append(Answer(due_s, spent_s, reply.status, late_s, reply.unread_s))


def status_of(port: int, path: str, **parameters: str) -> int:
    """The status of one GET, its body read to the end, on a connection of its own; 0 when none came."""
    return reply_of(port, path, **parameters).status


def reply_of(port: int, path: str, **parameters: str) -> Reply:
    """As `status_of`, with how late the driver was to read it."""
    head = f"GET {path}?{urlencode(parameters)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    data, arrived_s = bytearray(), None
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            if ARRIVALS is not None:
                connection.setsockopt(socket.SOL_SOCKET, ARRIVALS, 1)
            connection.sendall(head.encode())
            while True:
                more, told, _, _ = connection.recvmsg(PIECE, 256)
                if not more:
                    break
                read_s, data = time.time(), data + more
                arrived_s = _arrival(told) or arrived_s
        reply = http.client.HTTPResponse(_Read(data))  # type: ignore[arg-type]
        reply.begin()
        reply.read()  # raises where the body is not whole
    except (OSError, http.client.HTTPException):
        return Reply(0)
    return Reply(reply.status, max(read_s - arrived_s, 0.0) if arrived_s else 0.0)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a socket has given, for the library that takes replies apart."""

    data: bytearray

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def _arrival(told: Sequence[tuple[int, int, bytes]]) -> float | None:
    """When the last packet of what was read came, by the clock of the day; None where nobody says."""
    for level, kind, data in told:
        if level == socket.SOL_SOCKET and kind == ARRIVALS:
            seconds, nanoseconds = struct.unpack("@ll", data[:16])
            return float(seconds) + float(nanoseconds) / 1e9
    return None


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """Requests, errors, and milliseconds: the 50th and 99th of a hundred (nearest rank), and the worst."""
    spent = sorted(one.seconds * 1000 for one in answers)
    if not spent:
        return {"requests": 0, "errors": 0}
    return {
        "requests": len(spent),
        "errors": sum(one.status != 200 for one in answers),
        "p50_ms": round(spent[-(-len(spent) // 2) - 1], 1),
        "p99_ms": round(spent[-(-99 * len(spent) // 100) - 1], 1),
        "worst_ms": round(spent[-1], 1),
    }
