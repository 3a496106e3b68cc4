"""Who may do what: hosts, keys and their scopes, rates. Asked before a route is looked for or a body read.

What is not known to be open or a read needs the admin scope, so that a new route is shut until it is
listed here. Nothing of a key is logged but its id. ASGI scope -> Caller, or a Problem
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import Scope

from passage_index.errors import InputError
from search_api.addresses import (
    ANY,
    allowed_hosts,
    client_of,
    host_of,
    is_local,
    is_loopback,
    neighbourhood,
    networks,
)
from search_api.key_file import KeyRing, KeyScope
from search_api.metrics import Metrics
from search_api.problems import Problem
from search_api.rates import Allowance, Rates
from search_api.settings import Settings, admin_key

Need = Literal["nothing", "read", "admin"]

OPEN = frozenset(("/healthz", "/readyz"))
OPEN_BELOW = ("/static/",)
# Reads that have a body. Below: all that is mounted there.
READ_BY_POST = frozenset(
    ("/v1/search", "/v1/search/batch", "/v1/similar", "/v1/ask", "/v1/ask/stream", "/search", "/ask")
)
READ_BELOW = ("/mcp",)
READ_LIKE = re.compile(r"/v1/vector_stores/[^/]+/search")  # by POST

# Reads that take no thread, or ask for one themselves when they know that they need it.
WITHOUT_THREAD = frozenset(("/metrics", "/docs", "/openapi.json", "/status"))
WITHOUT_THREAD_BELOW = (*READ_BELOW, "/v1/tasks/")  # what was taken in is told of however busy searches are

SETTINGS_KEY = "settings"  # the id of the key that stands in the settings
NO_WRITES = (
    "this server takes no writes; start it with SEARCH_ADMIN_KEY or SEARCH_ADMIN_KEY_FILE, or with a keys "
    "file that has an admin key"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. key: the id of its key, empty without one; headers: what the reply tells of its rate."""

    address: str
    key: str = ""
    scope: KeyScope | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def needed(method: str, path: str) -> Need:
    """What a request needs on a server that asks for keys."""
    if path in OPEN or path.startswith(OPEN_BELOW):
        return "nothing"
    is_mounted = any(path == one or path.startswith(f"{one}/") for one in READ_BELOW)
    is_asked_by_post = method == "POST" and (path in READ_BY_POST or READ_LIKE.fullmatch(path))
    if method in ("GET", "HEAD") or is_mounted or is_asked_by_post:
        return "read"
    return "admin"


def takes_thread(method: str, path: str) -> bool:
    """Whether a request will want one of the threads that search."""
    needs_none = path in WITHOUT_THREAD or path.startswith(WITHOUT_THREAD_BELOW)
    return needed(method, path) == "read" and not needs_none


class Access:
    """The rules of one service. Belongs to the event loop."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Raises InputError where the settings would let anyone in by mistake, or cannot be read."""
        self._metrics, self._open_metrics = metrics, settings.open_metrics
        self._admin_key = admin_key(settings)
        self._ring = KeyRing(settings.keys_file) if settings.keys_file else None
        self._hosts = allowed_hosts(settings.hosts, settings.host)
        self._trusted = networks(settings.trusted_proxies)
        self._by_key = Rates("key", settings.rate_per_key, settings.rate_burst_s)
        self._by_address = Rates("address", settings.rate_per_address, settings.rate_burst_s)
        is_local_only = is_loopback(settings.host)
        self.needs_key = not settings.open and (self._ring is not None or not is_local_only)
        has_key = self._admin_key is not None or (self._ring is not None and self._ring.has())
        if self.needs_key and not is_local_only and not has_key:
            raise InputError(
                f"at {settings.host} anyone who reaches this server could read it; make a key with "
                "`search-api keys create` and start with --keys FILE, or start with --open"
            )

    @property
    def takes_writes(self) -> bool:
        """Whether there is a key that writes can carry."""
        return self._admin_key is not None or (self._ring is not None and self._ring.has("admin"))

    @property
    def fault(self) -> str:
        """What is wrong with the keys file, if anything is."""
        return self._ring.fault if self._ring else ""

    def judge(self, scope: Scope) -> tuple[Caller, Problem | None]:
        """Who asks, and why not, if so."""
        address = client_of(scope, self._trusted)
        if ANY not in self._hosts and host_of(scope) not in self._hosts:
            self._metrics.refused("host")
            told = "this server does not answer for that host; SEARCH_HOSTS lists those it answers for"
            return Caller(address), Problem(421, told)
        need = needed(scope["method"], scope["path"])
        if need == "nothing" or (scope["path"] == "/metrics" and self._open_metrics):
            return Caller(address), None
        key, has = self._holder(scope)
        caller = Caller(address, key, has)
        allowance = self._allowance(caller)
        if allowance is not None:
            caller = Caller(address, key, has, allowance.headers)
            if allowance.retry_s:
                self._metrics.refused("rate")
                return caller, Problem(429, "too many requests in a short time", allowance.headers)
        return caller, self._missing(need, has)

    def is_harmless(self, problem: Problem) -> bool:
        """Whether a refusal is for want of an admin key alone, on a server that anyone may read."""
        return problem.status in (401, 403) and not self.needs_key

    def charge(self, caller: Caller, cost: int) -> None:
        """Count what a request costs beyond one."""
        if caller.key:
            self._by_key.charge(caller.key, cost)
        elif not is_local(caller.address):
            self._by_address.charge(neighbourhood(caller.address), cost)

    def _allowance(self, caller: Caller) -> Allowance | None:
        if caller.key:
            return self._by_key.take(caller.key)
        if is_local(caller.address):  # the operator, or a proxy that is not told to be one
            return None
        return self._by_address.take(neighbourhood(caller.address))

    def _missing(self, need: Need, has: KeyScope | None) -> Problem | None:
        if has == "admin" or (need == "read" and (has == "read" or not self.needs_key)):
            return None
        if need == "admin" and not self.takes_writes:
            self._metrics.refused("scope")
            return Problem(403, NO_WRITES)
        if has is None:
            self._metrics.refused("key")
            which = "the admin key" if need == "admin" else "a key"
            told = f"{which} is missing or wrong; send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            return Problem(401, told, {"WWW-Authenticate": "Bearer"})
        self._metrics.refused("scope")
        return Problem(403, "this key may only read")

    def _holder(self, scope: Scope) -> tuple[str, KeyScope | None]:
        """The id and scope of the first good key that a request carries."""
        headers = Headers(scope=scope)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        sent = [given.strip()] if scheme.lower() == "bearer" else []
        for secret in [*sent, *headers.getlist("x-api-key")]:
            found = self._of(secret)
            if found[1] is not None:
                return found
        if scheme.lower() == "basic":
            key, has = self._of(_password(given))
            # A browser sends it by itself, also where another site made it ask: good for reading only.
            return key, "read" if has else None
        return "", None

    def _of(self, secret: str) -> tuple[str, KeyScope | None]:
        if self._admin_key is not None and _same(secret, self._admin_key):
            return SETTINGS_KEY, "admin"
        key = self._ring.holder(secret) if self._ring else None
        return (key.id, key.scope) if key else ("", None)


def _password(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, key: str) -> bool:
    """Takes as long whatever was given."""
    ours, theirs = key.encode(), given.encode("latin-1", "replace")  # a header's bytes come as latin-1
    return hmac.compare_digest(hashlib.sha256(ours).digest(), hashlib.sha256(theirs).digest())
