"""What both clients do alike: the form of a request, what its reply says, the pause before another try.

Every call of this API may be sent again: reads change nothing, and a write that was taken twice is done once.
Call -> httpx's arguments; reply -> dataclass, error, or seconds to wait
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from search_client.calls import Call
from search_client.decoding import decode
from search_client.errors import ApiError, Unavailable, UnexpectedReply, api_error
from search_client.models import AskReply, Dropped, WritingDone, WritingWarning, WrittenSentence

T = TypeVar("T")

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0  # that a server may ask for, or repeated failure lead to
AGENT = "article-search-client/0.1.0"

# A request that did not arrive, or whose connection was cut; not one that the server is slow at.
LOST = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.RemoteProtocolError,
    httpx.WriteError,
)

Event = AskReply | WrittenSentence | Dropped | WritingWarning | WritingDone
EVENTS: Mapping[str, type[Any]] = {
    "answer": AskReply,
    "sentence": WrittenSentence,
    "dropped": Dropped,
    "warning": WritingWarning,
    "done": WritingDone,
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client asks. retries: further tries where the server is busy or not reached."""

    retries: int
    timeout_s: float

    def pause_s(self, tried: int, retry_after_s: float | None) -> float | None:
        """Seconds until the next try after `tried` tries, or None: no more.

        What the server asks for, else twice as long every time, with a random part so that clients who were
        sent away together do not come back together.
        """
        if tried > self.retries or (retry_after_s or 0.0) > LONGEST_PAUSE_S:
            return None
        grown_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tried - 1))
        return max(retry_after_s or 0.0, grown_s * random.uniform(0.5, 1.0))


def http_options(base_url: str, api_key: str | None, timeout_s: float) -> dict[str, Any]:
    """What httpx makes a client of. The key goes in `Authorization`, and never into a URL."""
    headers = {"User-Agent": AGENT} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
    return {"base_url": base_url.rstrip("/"), "headers": headers, "timeout": timeout_s}


def request_options(call: Call[Any]) -> dict[str, Any]:
    """A call as httpx's `request` and `stream` take it."""
    content, headers = call.body
    return {
        "method": call.method,
        "url": call.path,
        "params": call.parameters,
        "content": content,
        "headers": headers,
    }


def result(call: Call[T], reply: httpx.Response) -> T:
    """What a whole reply says. Raises ApiError, UnexpectedReply."""
    require_success(reply)
    try:
        value = json.loads(reply.content)
    except ValueError as error:
        raise UnexpectedReply(f"{call.method} {call.template} gave no JSON; is that the server?") from error
    return decode(call.reply, value)


def require_success(reply: httpx.Response) -> None:
    """Raises what a reply of another status than 2xx says; its body must have been read."""
    if reply.is_success:
        return
    if reply.status_code < 400:
        raise UnexpectedReply(
            f"the server answered {reply.status_code}, a redirect; use the address it names"
        )
    raise api_error(
        reply.status_code, reply.content, reply.headers.get("x-request-id"), retry_after_s(reply.headers)
    )


def is_worth_another_try(error: Exception) -> bool:
    """Whether the same request may go well in a while."""
    return isinstance(error, (*LOST, Unavailable))


def asked_to_wait_s(error: Exception) -> float | None:
    """What the server asked for, if it did."""
    return error.retry_after_s if isinstance(error, ApiError) else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The header Retry-After: seconds, or a date. None where there is none that can be read."""
    told = headers.get("retry-after", "").strip()
    if told.isdecimal():
        return float(told[:9])
    try:
        then = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


class EventReader:
    """Lines of server-sent events, one after another, to what they say."""

    def __init__(self) -> None:
        self._name, self._data = "", ""

    def feed(self, line: str) -> Event | None:
        """The event that this line ends, if it ends one of those that are known."""
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                self._name = value
            elif field == "data":
                self._data += value
            return None
        name, data, self._name, self._data = self._name, self._data, "", ""
        kind = EVENTS.get(name)
        if kind is None:
            return None
        try:
            event: Event = decode(kind, json.loads(data), name)
        except ValueError as error:
            raise UnexpectedReply(f"the event {name} holds no JSON") from error
        return event
