"""Slow, silent and many connections, on a real server: closed in time, and nobody else waits for them."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.live import PATIENCE_S, answer_of, connected, live

ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"


def impatient(settings: Settings, **changed: Any) -> Settings:
    limits = {"header_timeout_s": 1.0, "stall_timeout_s": 1.5, "min_bytes_per_s": 100, "keep_alive_s": 1}
    return settings.model_copy(update=limits | changed)


@pytest.fixture(scope="module")
def app(settings: Settings, searcher: Searcher) -> FastAPI:
    made = create_app(impatient(settings), searcher)

    @made.get("/large")
    async def large() -> Response:
        return PlainTextResponse("x" * 30_000_000)

    @made.get("/quiet")
    async def quiet() -> Response:
        async def parts() -> Any:
            import asyncio

            yield "a"
            await asyncio.sleep(2.5)
            yield "b"

        return StreamingResponse(parts())

    return made


@pytest.fixture(scope="module")
def port(app: FastAPI, settings: Settings) -> Iterator[int]:
    with live(app, impatient(settings)) as found:
        yield found


def status(told: bytes) -> int:
    return int(told.split(b" ", 2)[1]) if told else 0


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", 0),
        (b"GET /healthz HTTP/1.1\r\nHost: loc", 408),
        (ASK + b"GET /healthz HTTP/1.1\r\n", 200),
        (ASK, 200),
        (POST, 0),
        (POST + b'{"q": "go', 0),
    ],
    ids=["silent", "half a header", "half a second header", "idle", "no body", "half a body"],
)
def test_what_is_silent_is_closed(port: int, sent: bytes, expected: int) -> None:
    begun_s = time.monotonic()
    told = answer_of(connected(port, sent))
    assert status(told) == expected
    assert time.monotonic() - begun_s < PATIENCE_S / 2


def test_headers_that_trickle_are_closed(port: int) -> None:
    with connected(port) as line, pytest.raises(OSError):
        for byte in ASK.replace(b"Host", b"X: " + b"y" * 3000 + b"\r\nHost"):
            line.sendall(bytes([byte]))
            time.sleep(0.05)


def test_a_body_that_trickles_is_closed(port: int) -> None:
    with connected(port, POST) as line, pytest.raises(OSError):
        for _ in range(5000):
            line.sendall(b" ")
            time.sleep(0.05)


def test_a_body_that_comes_steadily_is_taken(port: int) -> None:
    body = b'{"q": "goats"}'.ljust(5000)
    line = connected(port, POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for start in range(0, 5000, 500):
        line.sendall(body[start : start + 500])
        time.sleep(0.2)
    assert status(answer_of(line)) == 200


def test_a_reply_that_nobody_takes_is_broken_off(port: int, app: FastAPI) -> None:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", port))
    line.settimeout(PATIENCE_S)
    line.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until_s = time.monotonic() + PATIENCE_S
    while b"search_connections 0.0" not in app.state.serving.metrics.text():
        assert time.monotonic() < until_s, "it is still kept"
        time.sleep(0.1)
    line.close()


def test_a_quiet_stream_is_left_alone(port: int) -> None:
    line = connected(port, b"GET /quiet HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer_of(line).endswith(b"1\r\nb\r\n0\r\n\r\n")


def test_refusals_before_there_is_a_request_are_problems(port: int) -> None:
    told = answer_of(connected(port, b"nonsense\r\n\r\n"))
    assert status(told) == 400 and json.loads(told.partition(b"\r\n\r\n")[2])["type"] == "/docs#unreadable"
    head, _, body = told.partition(b"\r\n\r\n")
    assert (
        f"X-Request-ID: {json.loads(body)['request_id']}".encode() in head and json.loads(body)["request_id"]
    )
    long = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "
    line = connected(port, long + b"y" * 70_000)
    told = answer_of(line)
    assert status(told) == 431 and json.loads(told.partition(b"\r\n\r\n")[2])["type"] == "/docs#long-header"


def test_many_stalled_connections_keep_nobody_waiting(settings: Settings, searcher: Searcher) -> None:
    changed = impatient(settings, header_timeout_s=60.0, stall_timeout_s=60.0, max_connections=250)
    app = create_app(changed, searcher)
    with live(app, changed) as port, ExitStack() as held:
        for _ in range(260):  # bodies alone must not fill it either
            held.enter_context(connected(port, POST))
        for number in range(300):
            held.enter_context(connected(port, [b"", ASK[:20], POST][number % 3]))
        assert (
            status(answer_of(connected(port, ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))))
            == 200
        )
        search = b"GET /v1/search?q=goats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert status(answer_of(connected(port, search))) == 200, "stalled bodies hold no places"
        told = app.state.serving.metrics.text().decode()
        closed = [
            line
            for line in told.splitlines()
            if line.startswith('search_refusals_total{reason="connections"')
        ]
        assert float(closed[0].split()[-1]) >= 50
