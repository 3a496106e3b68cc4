"""Asks an OpenAI-compatible endpoint to write, and gives the text as it arrives.

Tries again where that may help, takes only so many bytes, and says what went wrong in words that hold
neither the key nor anything that the endpoint sent. messages -> pieces of text | ModelFault
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2

from passage_index.errors import InputError
from search_api.answers.writing.prompt import Message
from search_api.settings import Settings, llm_key

logger = logging.getLogger(__name__)

PAUSE_S = 0.5  # before the second try; twice as long before each further one
MOST_PAUSE_S = 10.0  # an endpoint that wants a longer one is not tried again
CONNECTING_S = 10.0
BYTES_A_TOKEN = 1024  # of a stream, which wraps each token in a record

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ModelFault(Exception):
    """Why a language model's text cannot be had, or not all of it. Told to whoever asked."""


class Endpoint:
    """A place that writes. Holds connections: close it."""

    def __init__(self, settings: Settings) -> None:
        """Raises InputError where the settings are no address, or the key could not be sent."""
        self.model = settings.llm_model or ""
        base = (settings.llm_url or "").rstrip("/")
        host = _host(base)
        if not self.model:
            raise InputError("SEARCH_LLM_URL is set and SEARCH_LLM_MODEL is not; name the language model")
        self._url = f"{base}/chat/completions"
        self._most_tokens, self._retries = settings.llm_max_tokens, settings.llm_retries
        self._client = httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity", **_authorisation(llm_key(settings))},
            timeout=httpx2.Timeout(None, connect=CONNECTING_S),  # the whole has a time limit of its own
            trust_env=host not in _LOOPBACK,  # a proxy for the network is none for this machine
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def pieces(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        """The text, piece by piece. Close it to stop the model. Raises ModelFault, also after some pieces."""
        try:
            async with self._answered(messages) as reply, aclosing(self._records(reply)) as records:
                async for record in records:
                    text, is_cut = _read(record)
                    yield text
                    if is_cut:
                        raise ModelFault(f"was cut off at {self._most_tokens} tokens")
        except httpx2.HTTPError as error:
            logger.warning("the language model's connection broke: %s", type(error).__name__)
            raise ModelFault("broke off") from None

    @asynccontextmanager
    async def _answered(self, messages: Sequence[Message]) -> AsyncIterator[httpx2.Response]:
        """A reply of status 200, asked for again where the endpoint is busy or cannot be reached."""
        asked = {
            "model": self.model,
            "messages": list(messages),
            "max_tokens": self._most_tokens,
            "temperature": 0,
            "stream": True,
        }
        for attempt in range(self._retries + 1):
            try:
                request = self._client.build_request("POST", self._url, json=asked)
                reply = await self._client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                fault, wanted_s = "cannot be reached", 0.0
            else:
                try:
                    if reply.status_code == 200:
                        yield reply
                        return
                finally:
                    await reply.aclose()
                fault, wanted_s = f"answered with status {reply.status_code}", _wanted_pause_s(reply)
                may_help = reply.status_code == 429 or reply.status_code >= 500
                if not may_help or wanted_s > MOST_PAUSE_S:
                    break
            if attempt < self._retries:
                logger.info("the language model %s; trying again", fault)
                await asyncio.sleep(max(PAUSE_S * 2**attempt, wanted_s))
        raise ModelFault(fault)

    async def _records(self, reply: httpx2.Response) -> AsyncGenerator[bytes]:
        """The JSON of each event of a stream; the one body of an endpoint that does not stream."""
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise ModelFault("answered in a form that cannot be read")
        is_stream = "json" not in reply.headers.get("content-type", "")
        most, count, rest = BYTES_A_TOKEN * (self._most_tokens + 64), 0, b""
        async for block in reply.aiter_raw():
            count += len(block)
            if count > most:
                raise ModelFault("sent more than it was asked for")
            rest += block
            if is_stream:
                *lines, rest = rest.split(b"\n")
                for data in filter(None, map(_data, lines)):
                    if data == b"[DONE]":
                        return
                    yield data
        last = _data(rest) if is_stream else rest
        if last and last != b"[DONE]":
            yield last


def _host(base: str) -> str:
    try:
        parts = urlsplit(base)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InputError(
            "SEARCH_LLM_URL is no base URL; it is of the form http://127.0.0.1:11434/v1, without a query"
        )
    if "@" in parts.netloc:
        raise InputError("SEARCH_LLM_URL holds a user or a password; give a key as SEARCH_LLM_KEY")
    return parts.hostname


def _authorisation(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(
            "SEARCH_LLM_KEY holds a blank or a sign that cannot be sent; it is one line of ASCII"
        )
    return {"Authorization": f"Bearer {key}"}


def _data(line: bytes) -> bytes:
    """What an event says; nothing for comments and other fields."""
    return line[5:].strip() if line.startswith(b"data:") else b""


def _read(record: bytes) -> tuple[str, bool]:
    """The text of one record, and whether the model was cut off there."""
    try:
        said: Any = json.loads(record)
        if not said["choices"]:
            return "", False  # counts of tokens
        choice = said["choices"][0]
        part = choice["delta"] if "delta" in choice else choice["message"]
        text = part.get("content") or ""
        is_cut = choice.get("finish_reason") == "length"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ModelFault("answered in a form that cannot be read") from None
    if not isinstance(text, str):
        raise ModelFault("answered in a form that cannot be read")
    return text, is_cut


def _wanted_pause_s(reply: httpx2.Response) -> float:
    """What `Retry-After` asks for, in seconds; 0 where it says nothing, or a date."""
    wanted = reply.headers.get("retry-after", "")
    return float(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 6 else 0.0
