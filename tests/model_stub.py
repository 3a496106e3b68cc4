"""A language model's endpoint on a loopback port that writes what a test tells it to.

Speaks as OpenAI-compatible endpoints do. `obeying` is a model that does whatever the passages say.
"""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.growing import until

Chat = list[dict[str, str]]
HANG = object()  # in place of a piece: nothing comes any more
BREAK = object()  # the connection is cut
FOREVER = object()  # the piece before it, again and again


class Stub:
    """`script` answers one request after the other, the last one all that follow."""

    def __init__(self) -> None:
        self.script: list[Callable[[Chat], Response]] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.begun = threading.Event()
        self.stopped = threading.Event()  # a client went away before the end
        self.url = ""

    async def write(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        self.begun.set()
        answer = self.script[min(len(self.asked), len(self.script)) - 1]
        return answer(body["messages"])

    def said(self, *pieces: Any, finish: str = "stop") -> Callable[[Chat], Response]:
        """A stream of these pieces."""
        return lambda _: self._stream(pieces, finish)

    def obeying(self, chat: Chat) -> Response:
        """Writes what a passage demands: `MODEL-ORDER{...}`; all of it, in turn."""
        orders = re.findall(r"MODEL-ORDER\{(.*?)\}", chat[1]["content"], re.DOTALL)
        return self._stream([f"{order} " for order in orders], "stop")

    def _stream(self, pieces: Iterable[Any], finish: str) -> Response:
        return StreamingResponse(self._events(list(pieces), finish), media_type="text/event-stream")

    async def _events(self, pieces: list[Any], finish: str) -> AsyncIterator[bytes]:
        last = b""
        try:
            yield b": hello\n\n"
            for piece in pieces:
                if piece is HANG:
                    await asyncio.Event().wait()
                if piece is BREAK:
                    raise RuntimeError("cut")
                while piece is FOREVER:
                    yield last
                    await asyncio.sleep(0)  # or nobody would see that the client has gone
                last = piece if isinstance(piece, bytes) else record(piece)
                yield last
            yield record("", finish)
            yield b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\ndata: [DONE]\n\n'
        except asyncio.CancelledError:
            self.stopped.set()
            raise


def record(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def status(code: int, headers: dict[str, str] | None = None) -> Callable[[Chat], Response]:
    return lambda _: JSONResponse({"error": {"message": "secret words of the endpoint"}}, code, headers)


def raw(body: bytes, kind: str = "text/event-stream", **headers: str) -> Callable[[Chat], Response]:
    return lambda _: Response(body, media_type=kind, headers=headers)


@contextmanager
def running() -> Iterator[Stub]:
    """A stub that answers at `url`."""
    stub = Stub()
    app = Starlette(routes=[Route("/v1/chat/completions", stub.write, methods=["POST"])])
    with serving(app) as base:
        stub.url = f"{base}/v1"
        yield stub


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """An app on a free loopback port, in a thread of its own."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
