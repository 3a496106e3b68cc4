"""Work for a client that is still there: what answers it is cancelled when it hangs up.

Pure ASGI. The body is passed on as the application asks for it; once that is whole, the only thing that can
still come is the end of the connection. ASGI -> ASGI
"""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def while_connected(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """One request. Raises ClientDisconnect where the client went away before its reply was whole."""
    line = _Line(receive, has_body(scope))
    is_whole = False

    async def noting(message: Message) -> None:
        nonlocal is_whole
        is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    working = asyncio.ensure_future(app(scope, line.receive, noting))
    listening = asyncio.create_task(line.listen())
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and not is_whole:
            raise ClientDisconnect
        await working
    finally:
        for task in (working, listening):
            task.cancel()
        await asyncio.gather(working, listening, return_exceptions=True)


class _Line:
    """The receiving half of one connection, for the application and for who listens to its end."""

    def __init__(self, receive: Receive, has_body: bool) -> None:
        self._receive, self._has_body = receive, has_body
        self._first: Message | None = None  # of a request without a body, taken by who listens
        self._whole, self._gone = asyncio.Event(), asyncio.Event()

    async def receive(self) -> Message:
        """What the application is given."""
        if self._has_body and not self._whole.is_set():
            message = await self._receive()
            if not message.get("more_body", False):
                self._whole.set()
            return message
        await self._whole.wait()
        if self._first is not None:
            message, self._first = self._first, None
            return message
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def listen(self) -> None:
        """Return when the client has gone."""
        if self._has_body:
            await self._whole.wait()
        else:
            self._first = await self._receive()
            self._whole.set()
            if self._first["type"] == "http.disconnect":
                self._gone.set()
                return
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()


def has_body(scope: Scope) -> bool:
    """Whether one may come: where none can, listening need not wait for the application to ask for it."""
    headers = Headers(scope=scope)
    return (
        scope["method"] not in ("GET", "HEAD", "DELETE")
        or "transfer-encoding" in headers
        or headers.get("content-length", "0") != "0"
    )
