"""What a driver of load counts as an answer, and what of its time it takes upon itself."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.overload import told
from bench.pacing import ARRIVALS, Answer, reply_of, status_of

WHOLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull"


@contextmanager
def server(*pieces: bytes) -> Iterator[int]:
    """A port where one request is answered with these bytes, and the connection then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.recv(65536)
                for piece in pieces:
                    taken.sendall(piece)
                    time.sleep(0.05)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ((WHOLE,), 503),
        ((WHOLE[:20], WHOLE[20:-2], WHOLE[-2:]), 503),
        ((WHOLE[:-1],), 0),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",), 200),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na",), 0),
        ((b"no HTTP",), 0),
        ((), 0),
    ],
)
def test_only_a_whole_reply_is_one(pieces: tuple[bytes, ...], status: int) -> None:
    with server(*pieces) as port:
        assert status_of(port, "/") == status


def test_nobody_there_is_no_reply() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert status_of(port, "/") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells when a packet came")
def test_how_long_a_reply_lay_unread_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr("bench.pacing.time.time", lambda: now() + 5.0)
    unread_s, end_s = 0.0, time.monotonic() + 30.0
    with socket.socket() as asking:  # the kernel notes times a moment after one asks, and while one does
        asking.setsockopt(socket.SOL_SOCKET, ARRIVALS, 1)
        while unread_s == 0.0 and time.monotonic() < end_s:
            with server(WHOLE) as port:
                unread_s = reply_of(port, "/").unread_s
    assert 4.9 < unread_s < 20.0  # whatever else the machine is at


def test_a_refusal_is_timed_without_the_driver_and_the_driver_is_told() -> None:
    answers = [Answer(0.0, 0.5, 503, late_s=0.2, unread_s=0.1), Answer(0.0, 0.4, 200, late_s=0.3)]
    found = told(answers)
    assert (found["refused_p50_ms"], found["refused_p99_ms"]) == (200.0, 200.0)
    assert (found["driver_sent_late_p99_ms"], found["driver_read_late_p99_ms"]) == (300.0, 100.0)
    assert found["p99_ms"] == 400.0 and found["errors"] == 0
