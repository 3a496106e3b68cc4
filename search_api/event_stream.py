"""Server-sent events.

Knows no route. (name, body) -> bytes; async generator -> a response that closes it
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Send

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
