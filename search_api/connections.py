"""Connections that cost nothing for long: what is slow or silent is closed, and there are only so many.

uvicorn limits how long a connection may idle between two requests, and nothing else. Here every connection
is looked at twice a second: how long it has been at its request's headers, how much of a body came, how
much of a reply was taken. Knows bytes and clocks, no route. TCP -> H11Protocol
"""

import asyncio
import json
import sys
import uuid
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from search_api.problems import KINDS

LOOK_S = 0.5

# What a connection is at. working: nothing is expected of the client.
Phase = Literal["header", "body", "reply", "working"]


class GuardedProtocol(H11Protocol):
    """One connection. Its application must be the one that `create_app` makes."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        serving = config.loaded_app.state.serving
        self._limits, self._metrics = serving.settings, serving.metrics
        self._received = 0  # bytes
        self._at: tuple[Phase, int] = ("header", 0)
        self._since_s = self.loop.time()  # it has been at this, or this window of it, since then,
        self._mark = 0  # with so many bytes received, or still to be sent
        self._next_look: asyncio.TimerHandle | None = None

    @property
    def waits_since_s(self) -> float | None:
        """Since when it has not got a request together; None where it is being answered."""
        return self._since_s if self._at[0] in ("header", "body") else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for it, or close it where there is none."""
        full = len(self.connections) >= self._limits.max_connections
        if full and not self._made_room():
            self._metrics.refused("connections")
            transport.abort()
            return
        super().connection_made(transport)
        self._metrics.connections(len(self.connections))
        self._next_look = self.loop.call_later(LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        if self.transport is None:  # it was not taken
            return
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)
        self._metrics.connections(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Count, and go on."""
        if self.transport is None:
            return
        self._received += len(data)
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has headers that are too long, told as every problem is."""
        error = sys.exc_info()[1]
        is_long = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431
        self._metrics.refused("header" if is_long else "unreadable")
        if is_long:
            self._refuse(
                431, f"address and headers can have at most {self._limits.max_header_bytes} bytes together"
            )
        else:
            self._refuse(400, "the request is not HTTP/1.1 as it should be")

    def _made_room(self) -> bool:
        """Whether a connection that waits could be closed in favour of a new one: the longest does."""
        every = [one for one in self.connections if isinstance(one, GuardedProtocol)]
        waiting = [(one.waits_since_s, id(one), one) for one in every if one.waits_since_s is not None]
        if not waiting:
            return False
        longest = min(waiting)[2]
        self._metrics.refused("connections")
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    def _look(self) -> None:
        self._next_look = self.loop.call_later(LOOK_S, self._look)
        phase, now_s = self._phase(), self.loop.time()
        bytes_now = self.transport.get_write_buffer_size() if phase == "reply" else self._received
        at = (phase, id(self.cycle))
        if at != self._at:
            self._at, self._since_s, self._mark = at, now_s, bytes_now
            return
        limit_s = self._limits.header_timeout_s if phase == "header" else self._limits.stall_timeout_s
        if phase == "working" or now_s - self._since_s <= limit_s:
            return
        moved = abs(bytes_now - self._mark)
        if phase != "header" and moved >= self._limits.min_bytes_per_s * limit_s:
            self._since_s, self._mark = now_s, bytes_now
            return
        self._metrics.refused("slow")
        if phase == "header" and self._received and not self.transport.is_closing():
            self._refuse(408, f"the headers were not complete within {limit_s:g} s")
        else:
            self.transport.abort()

    def _phase(self) -> Phase:
        is_answered = self.cycle is None or self.cycle.response_complete
        unsent = self.transport.get_write_buffer_size() > 0
        if unsent and (self.flow.write_paused or is_answered or self.transport.is_closing()):
            return "reply"
        if self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused:
            return "body"
        return "header" if is_answered else "working"

    def _refuse(self, status: int, detail: str) -> None:
        """Tell a problem and close."""
        kind = KINDS[status]
        said = {"type": f"/docs#{kind.slug}", "title": kind.title, "status": status, "detail": detail}
        request_id = uuid.uuid4().hex  # what was sent names none that could be read
        body = json.dumps(said | {"request_id": request_id}).encode()
        headers = [
            ("X-Request-ID", request_id),
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        reply = h11.Response(status_code=status, headers=headers, reason=kind.title.encode())
        try:
            for event in (reply, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:  # a reply has begun: there is nobody to tell
            self.transport.abort()
            return
        self.transport.close()
