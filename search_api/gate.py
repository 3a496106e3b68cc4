"""What happens to every request before and after its route: id, limits, headers, one log line, catch-all.

Pure ASGI, so that a body is counted as it streams. Knows no route and no index.
ASGI -> ASGI
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.problems import INTERNAL, Problem
from search_api.settings import Settings

logger = logging.getLogger("search_api.requests")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
CLIENT_GONE = 499  # for the log only: nobody is there to read a status

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

Refuse = Callable[[Request, Problem], Response]


class Gate:
    """The outermost middleware. `refuse` gives a problem the form that suits the request."""

    def __init__(
        self, app: ASGIApp, settings: Settings, refuse: Refuse, takes_articles: Callable[[Scope], bool]
    ) -> None:
        """takes_articles: whether a request's body may be as long as articles are."""
        self._app = app
        self._takes_articles = takes_articles
        self._settings = settings
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Never raises before a reply has begun: what is not caught elsewhere becomes a 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        begun = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            await self._answer(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except Exception:
            logger.exception("request_id=%s failed", request_id)
            if status:
                raise  # the reply is broken: the server must cut the connection
            await self._refuse(Request(scope), INTERNAL)(scope, receive, send_with_headers)
        finally:
            _log(scope, status, begun, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._fault(scope)
        if problem is not None:
            await self._refuse(Request(scope), problem)(scope, receive, send)
            return
        most_bytes, most_s = self._limits(scope)
        deadline = asyncio.get_running_loop().time() + most_s
        await self._app(scope, _bounded(receive, most_bytes, deadline), send)

    def _limits(self, scope: Scope) -> tuple[int, float]:
        """How long a body may be, and how many seconds it may take to arrive."""
        if self._takes_articles(scope):
            return self._settings.max_ingest_bytes, self._settings.ingest_timeout_s
        return self._settings.max_body_bytes, self._settings.request_timeout_s

    def _fault(self, scope: Scope) -> Problem | None:
        """What is wrong with a request that can be seen before its body."""
        for name, raw in (("path", scope.get("raw_path") or b""), ("query", scope["query_string"])):
            decoded = unquote_to_bytes(raw)
            if b"\0" in decoded:
                return Problem(400, f"the {name} holds a NUL character")
            try:
                decoded.decode()
            except UnicodeDecodeError:
                return Problem(400, f"the {name} is not percent-encoded UTF-8")
        length = Headers(scope=scope).get("content-length", "")
        most_bytes, _ = self._limits(scope)
        if length.isdecimal() and int(length[:20]) > most_bytes:
            return _too_large(most_bytes)
        return None


def _bounded(receive: Receive, most_bytes: int, deadline: float) -> Receive:
    """`receive` that raises 413 over `most_bytes` and 408 where the body is not whole by `deadline`."""
    count = 0
    whole = False

    async def bounded() -> Message:
        nonlocal count, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "the body was not complete in time", {"Connection": "close"}) from error
        count += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if count > most_bytes:
            raise HTTPException(413, _too_large(most_bytes).detail, {"Connection": "close"})
        return message

    return bounded


def _too_large(most_bytes: int) -> Problem:
    return Problem(413, f"a body can have at most {most_bytes} bytes", {"Connection": "close"})


def _request_id(given: str | None) -> str:
    """The client's own id where it is harmless, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log(scope: Scope, status: int, begun: float, request_id: str) -> None:
    """One line, without anything that was asked."""
    fields = {
        "method": scope["method"] if scope["method"].isalpha() else "-",
        "route": getattr(scope.get("route"), "path", "-"),
        "status": status,
        "ms": round((time.perf_counter() - begun) * 1000, 1),
        "request_id": request_id,
    }
    logger.info(" ".join(f"{name}={value}" for name, value in fields.items()), extra=fields)
