"""One address asked by GET, within limits: address -> its body, or why there is none.

Knows HTTP, and nothing of articles. No cookies, no credentials, no proxy, no conditional requests.
"""

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import httpcore2
import httpx2

from indexer.readers.records import Unfit
from indexer.readers.streams import inflated
from indexer.web.addresses import Budget, PinnedBackend, Refused

USER_AGENT = "article-search/0.1 (self-hosted search; run by hand)"
MEBIBYTE = 1 << 20
HEADER_BYTES = 1 << 20  # beside the body, for headers and handshakes of all redirects
MAX_ADDRESS_CHARS = 2048

_REDIRECTS = (301, 302, 303, 307, 308)
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}\"?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_ACCEPT = (
    "text/html, application/xhtml+xml, application/rss+xml, application/atom+xml, application/pdf, */*;q=0.1"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one address may take. timeout_s and max_bytes are for all its redirects together."""

    timeout_s: float = 30.0
    max_bytes: int = 32 * MEBIBYTE  # packed and unpacked
    redirects: int = 5
    allow_private: bool = False
    user_agent: str = USER_AGENT


@dataclass(frozen=True, slots=True)
class Fetched:
    """A reply of status 200, unpacked. url: where it was found in the end."""

    url: str
    media_type: str
    charset: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def checked_address(address: str) -> httpx2.URL:
    """An address that may be asked, its host in ASCII. Raises Refused.

    http and https only, and no name or password in it.
    """
    if len(address) > MAX_ADDRESS_CHARS or not address.isprintable() or " " in address.strip():
        raise Refused("not an address: too long, or with blanks or control characters in it")
    try:
        url = httpx2.URL(address.strip())
    except (httpx2.InvalidURL, ValueError, TypeError) as error:
        raise Refused(f"not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused(f"the scheme {url.scheme[:20]!r}; expected an address of http:// or https://")
    if url.userinfo:
        raise Refused("a name or password stands in the address; it would be sent and stored")
    return url.copy_with(fragment=None)


def fetch(address: str, limits: Limits) -> Fetched:
    """What an address holds, redirects followed, each checked anew. Raises Unfit with the reason."""
    budget = Budget(time.monotonic() + limits.timeout_s, limits.max_bytes + HEADER_BYTES)
    url = checked_address(address)
    for _ in range(limits.redirects + 1):
        reply = _asked(url, limits, budget)
        location = reply.headers.get("location")
        if reply.status in _REDIRECTS and location:
            url = _redirected(url, location)
            continue
        if reply.status != HTTPStatus.OK:
            raise Unfit(f"the server answered {reply.status} {_phrase(reply.status)}".strip())
        return _fetched(url, reply, limits)
    raise Refused(f"more than {limits.redirects} redirects")


def _asked(url: httpx2.URL, limits: Limits, budget: Budget) -> _Reply:
    headers: dict[bytes | str, bytes | str] = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": limits.user_agent,
        "Accept": _ACCEPT,
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
    }
    backend = PinnedBackend(budget, limits.allow_private)
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limits.timeout_s)
    target = httpcore2.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/"
    )
    try:
        with (
            httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream("GET", target, headers=headers, extensions={"timeout": timeouts}) as reply,
        ):
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers}
            wanted = reply.status == HTTPStatus.OK
            return _Reply(reply.status, found, _body(reply, limits.max_bytes) if wanted else b"")
    except httpcore2.TimeoutException as error:
        raise Refused(f"no whole answer within {limits.timeout_s:g} s (--timeout)") from error
    except httpcore2.RemoteProtocolError as error:
        raise Unfit(f"the server does not keep to HTTP: {str(error)[:100]}") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError, OSError) as error:
        raise Unfit(f"the server cannot be reached: {str(error)[:200] or type(error).__name__}") from error


def _body(reply: httpcore2.Response, max_bytes: int) -> bytes:
    """The body as it was sent. Raises Refused as soon as it has more than max_bytes."""
    pieces, size = [], 0
    for piece in reply.iter_stream():
        size += len(piece)
        if size > max_bytes:
            raise Refused(f"more than {max_bytes / MEBIBYTE:g} MiB (--max-mb)")
        pieces.append(piece)
    return b"".join(pieces)


def _fetched(url: httpx2.URL, reply: _Reply, limits: Limits) -> Fetched:
    encoding = reply.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise Unfit(f"content encoding {encoding[:20]!r}, which was not asked for; expected gzip or deflate")
    content_type = reply.headers.get("content-type", "")
    charset = _CHARSET.search(content_type)
    return Fetched(
        str(url),
        content_type.partition(";")[0].strip().lower(),
        charset and charset[1],
        inflated(reply.body, encoding.removeprefix("x-"), limits.max_bytes),
    )


def _redirected(url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        return checked_address(str(url.join(location)))
    except (httpx2.InvalidURL, ValueError) as error:
        raise Refused("a redirect to what is no address") from error
    except Refused as refused:
        raise Refused(f"a redirect that is not followed: {refused}") from refused


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """What the system trusts; takes some milliseconds to read."""
    return ssl.create_default_context()
