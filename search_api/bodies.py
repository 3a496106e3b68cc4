"""How much of a request is taken: the size of its headers and body, the time it may take to come, its JSON.

Everything is judged as it streams or before anything parses it. Knows no route. Receive -> Receive
"""

import asyncio
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from search_api.json_limits import json_fault
from search_api.metrics import Metrics, Reason
from search_api.problems import Problem
from search_api.settings import Settings

CLOSE = {"Connection": "close"}  # what is left of the body is not read


class Bodies:
    """The limits of one service."""

    def __init__(self, settings: Settings, metrics: Metrics, takes_articles: Callable[[Scope], bool]) -> None:
        """takes_articles: whether a request's body may be as long as articles are."""
        self._settings, self._metrics, self._takes_articles = settings, metrics, takes_articles

    def fault(self, scope: Scope) -> Problem | None:
        """What is wrong with a request that can be seen before its body."""
        for name, raw in (("path", scope.get("raw_path") or b""), ("query", scope["query_string"])):
            decoded = unquote_to_bytes(raw)
            if b"\0" in decoded:
                return Problem(400, f"the {name} holds a NUL character")
            try:
                decoded.decode()
            except UnicodeDecodeError:
                return Problem(400, f"the {name} is not percent-encoded UTF-8")
        most = self._settings.max_header_bytes
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if size + sum(len(name) + len(value) for name, value in scope["headers"]) > most:
            self._metrics.refused("header")
            return Problem(431, f"address and headers can have at most {most} bytes together", CLOSE)
        length = Headers(scope=scope).get("content-length", "")
        most_bytes, _ = self._limits(scope)
        if length.isdecimal() and int(length[:20]) > most_bytes:
            self._metrics.refused("body")
            return Problem(413, _too_large(most_bytes), CLOSE)
        return None

    def bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that raises 413 on too long a body, 408 on a late one, 400 on JSON over its limits."""
        most_bytes, most_s = self._limits(scope)
        deadline_s = asyncio.get_running_loop().time() + most_s
        kept: list[bytes] | None = None if self._takes_articles(scope) or not _is_json(scope) else []
        count = 0
        is_whole = False

        async def bounded() -> Message:
            nonlocal count, is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline_s):
                    message = await receive()
            except TimeoutError as error:
                raise self._refused(408, "time", "the body was not complete in time") from error
            part = message.get("body", b"")
            count += len(part)
            is_whole = not message.get("more_body", False)
            if count > most_bytes:
                raise self._refused(413, "body", _too_large(most_bytes))
            if kept is not None:
                kept.append(part)
                if is_whole and (fault := self.json_fault(b"".join(kept))):
                    raise self._refused(400, "json", fault)
            return message

        return bounded

    def json_fault(self, body: bytes) -> str:
        """What is over a limit in a JSON text, or an empty string."""
        return json_fault(body, self._settings.max_json_depth, self._settings.max_json_digits)

    def _limits(self, scope: Scope) -> tuple[int, float]:
        """How long a body may be, and how many seconds it may take to arrive."""
        if self._takes_articles(scope):
            return self._settings.max_ingest_bytes, self._settings.ingest_timeout_s
        return self._settings.max_body_bytes, self._settings.request_timeout_s

    def _refused(self, status: int, reason: Reason, detail: str) -> HTTPException:
        self._metrics.refused(reason)
        return HTTPException(status, detail, CLOSE)


def _is_json(scope: Scope) -> bool:
    return "json" in Headers(scope=scope).get("content-type", "").lower()


def _too_large(most_bytes: int) -> str:
    return f"a body can have at most {most_bytes} bytes"
