"""What happens to every request before and after its route: id, who asks (access.py), limits, headers,
what is told of it, catch-all.

Pure ASGI, so that a body is counted as it streams (bodies.py). Knows no route and no index.
ASGI -> ASGI
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passage_index import stages
from search_api.access import Access, Caller, takes_thread
from search_api.admission import Admission
from search_api.bodies import Bodies
from search_api.hangups import has_body, while_connected
from search_api.metrics import Metrics
from search_api.problems import INTERNAL, Problem
from search_api.settings import Settings
from search_api.telling import Told

logger = logging.getLogger("search_api.requests")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
CLIENT_GONE = 499  # for the log only: nobody is there to read a status

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))

Refuse = Callable[[Request, Problem], Response]


class Gate:
    """The outermost middleware. `refuse` gives a problem the form that suits the request."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        access: Access,
        admission: Admission,
        metrics: Metrics,
        tell: Callable[[Told], None],
        is_ending: Callable[[], bool],
        is_route: Callable[[Scope], bool],
        refuse: Refuse,
        takes_articles: Callable[[Scope], bool],
    ) -> None:
        """tell: called with every request that is over. is_ending: whether clients should go elsewhere.

        is_route: whether anything takes a request.

        takes_articles: whether a request's body may be as long as articles are.
        """
        self._app = app
        self._access, self._admission, self._metrics = access, admission, metrics
        self._tell, self._is_ending, self._is_route = tell, is_ending, is_route
        self._log_clients = settings.log_clients
        self._bodies = Bodies(settings, metrics, takes_articles)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Never raises before a reply has begun: what is not caught elsewhere becomes a 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        begun_s = time.perf_counter()
        trace = stages.begin()
        caller, problem = self._access.judge(scope)
        if problem is not None and self._access.is_harmless(problem) and not self._is_route(scope):
            problem = None  # the application says that it does not know this
        scope.setdefault("state", {}).update(request_id=request_id, caller=caller)
        trace.facts.update(self._facts(caller))
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, scope, request_id, caller)
            await send(message)

        try:
            await self._answer(problem, scope, receive, send_with_headers)
        except ClientDisconnect:
            trace.is_abandoned = True
            status = status or CLIENT_GONE
            self._metrics.abandoned()
        except Exception:
            logger.exception("request_id=%s failed", request_id)
            if status:
                raise  # the reply is broken: the server must cut the connection
            await self._refuse(Request(scope), INTERNAL)(scope, receive, send_with_headers)
        finally:
            parent = Headers(scope=scope).get("traceparent", "")
            ended_s = time.perf_counter()
            told = Told(_method(scope), _route(scope), status, request_id, begun_s, ended_s, trace, parent)
            self._tell(told)

    def _add_headers(self, message: Message, scope: Scope, request_id: str, caller: Caller) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in {"X-Request-ID": request_id, **SECURITY_HEADERS, **caller.headers}.items():
            headers[name] = value
        if self._is_ending():
            headers["Connection"] = "close"  # its next request is for another server
        if self._access.needs_key and not scope["path"].startswith("/static/"):
            headers.setdefault("Cache-Control", "private, no-cache")
            headers.add_vary_header("Authorization, X-API-Key")

    def _facts(self, caller: Caller) -> dict[str, str]:
        """What the log line tells of who asked."""
        key = {"key": caller.key} if caller.key else {}
        return key | ({"client": caller.address} if self._log_clients else {})

    async def _answer(self, problem: Problem | None, scope: Scope, receive: Receive, send: Send) -> None:
        problem = problem or self._bodies.fault(scope)
        arrival = None
        # Whose body is still to come is asked when it is there: one that never comes must not hold a place.
        if problem is None and not has_body(scope) and takes_thread(scope["method"], scope["path"]):
            asked = self._admission.arrive()
            problem, arrival = (asked, None) if isinstance(asked, Problem) else (None, asked)
        if problem is not None:
            if has_body(scope):  # which is not read
                problem = replace(problem, headers={**(problem.headers or {}), "Connection": "close"})
            await self._refuse(Request(scope), problem)(scope, receive, send)
            return
        try:
            await while_connected(self._app, scope, self._bodies.bounded(scope, receive), send)
        finally:
            if arrival is not None:
                self._admission.leave(arrival)


def _request_id(given: str | None) -> str:
    """The client's own id where it is harmless, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "-"


def _route(scope: Scope) -> str:
    """As it is declared: of what is mounted, where; `-` where there is none."""
    return getattr(scope.get("route"), "path", "") or scope.get("root_path") or "-"
