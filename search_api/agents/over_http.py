"""The tools at `/mcp`: streamable HTTP, one JSON reply a request, no session kept.

Without sessions any of several processes can answer. The protocol's library is imported at the first
request, so that a service that no agent asks starts as quickly as before. ASGI -> ASGI
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.serving import Serving

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

PATH = "/mcp"


class McpOverHttp:
    """The endpoint. Answers inside `running()` only."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._keeper: asyncio.Task[None] | None = None
        self._app: asyncio.Future[ASGIApp] | None = None

    def route(self) -> Route:
        """Where it answers. A GET would be a stream on which, without sessions, nothing can ever come."""
        return Route(PATH, endpoint=self, methods=["POST"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While it may be asked."""
        try:
            yield
        finally:
            if self._keeper is not None:
                self._keeper.cancel()
                with suppress(asyncio.CancelledError):
                    await self._keeper
            self._keeper = self._app = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises 403 to a page of another origin."""
        _require_same_origin(Headers(scope=scope))
        if self._app is None:
            self._app = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._app))
        app = await asyncio.shield(self._app)
        await app(scope, receive, _unquoted(send))

    async def _keep(self, app: "asyncio.Future[ASGIApp]") -> None:
        """Begins the library's manager, and ends it in the task that began it, as it wants."""
        try:
            server = await asyncio.to_thread(_server, self._serving)
            server.streamable_http_app(  # makes the manager; its own routes would answer errors their way
                streamable_http_path=PATH,
                json_response=True,
                stateless_http=True,
                max_request_body_size=self._serving.settings.max_body_bytes,
                host="",  # who may ask under which name is the gate's to say
            )
            manager = server.session_manager
            async with manager.run():
                app.set_result(manager.handle_request)
                await asyncio.Event().wait()
        except Exception as error:
            if app.done():
                raise
            app.set_exception(error)  # every request tells it, and the gate logs it


def _server(serving: Serving) -> "MCPServer":
    from search_api.agents.tools import build_server

    return build_server(serving)


def _unquoted(send: Send) -> Send:
    """Passes replies on; of the library's `Validation error: …` only what stands before the colon.

    Behind it the library quotes what was sent.
    """
    held: list[Message] = []

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 400:
            held.append(message)
        elif not held:
            await send(message)
        else:
            held.append(message)
            if not message.get("more_body", False):
                begin, *parts = held
                body = _without_quotes(b"".join(part.get("body", b"") for part in parts))
                headers = MutableHeaders(raw=begin["headers"])
                headers["content-length"] = str(len(body))
                await send({**begin, "headers": headers.raw})
                await send({"type": "http.response.body", "body": body})

    return pass_on


def _without_quotes(body: bytes) -> bytes:
    try:
        told = json.loads(body)
        kind = told["error"]["message"].partition(":")[0]
    except (ValueError, KeyError, TypeError, AttributeError):
        return body
    told["error"]["message"] = f"{kind}: the body is no message of the Model Context Protocol"
    return json.dumps(told).encode()


def _require_same_origin(headers: Headers) -> None:
    """Browsers name the page that asks; a page of another address must not use a reader's server."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise HTTPException(403, "the header Origin names another address than this server's")
