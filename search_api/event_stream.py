"""Server-sent events, and requests whose client may go away before their end.

Knows no route. (name, body) -> bytes; async generator -> a response that closes it
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Send

T = TypeVar("T")

EVENT_STREAM = "text/event-stream"
# Proxies pass events on as they come; nobody keeps them.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, body: BaseModel) -> bytes:
    """One event. JSON has no line end of its own, so one `data` line holds it."""
    return f"event: {name}\ndata: {body.model_dump_json()}\n\n".encode()


class EventStream(StreamingResponse):
    """Sends what a generator gives, and closes it at the end, also when the client goes away."""

    def __init__(self, events: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(events, headers={**HEADERS, **headers}, media_type=EVENT_STREAM)
        self._events = events

    async def stream_response(self, send: Send) -> None:
        """As it is, and then close."""
        async with aclosing(self._events):
            await super().stream_response(send)


async def while_wanted(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes away. Raises ClientDisconnect then."""
    gone = asyncio.create_task(_gone(request))
    working = asyncio.create_task(work)
    try:
        await asyncio.wait((gone, working), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (gone, working):
            task.cancel()
        await asyncio.gather(gone, working, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
