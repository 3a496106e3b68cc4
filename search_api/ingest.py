"""Bodies of articles on their way into the inbox: counted, looked over, written down as they come.

Looks at no more than tells a client at once that it sent the wrong thing; whether an article can be
indexed is found by the worker, and told by the task. Knows no route. Request -> task id
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.exceptions import HTTPException

from passage_index.errors import InputError
from passage_index.inbox import Draft, Inbox
from passage_index.types import ID_KEYS, TEXT_KEYS, article_id_fault

GATHERED_BYTES = 1 << 20  # handed to a thread at once

_BOM = b"\xef\xbb\xbf"


class Lines:
    """JSON lines as they pass: how many there are, and whether the first can be one."""

    def __init__(self) -> None:
        self.records = 0
        self._is_begun = False  # the line at hand has something other than blanks
        self._at_start = True

    def feed(self, part: bytes) -> None:
        """More bytes. Raises InputError when the first record is no JSON object."""
        if self._at_start and part:
            part = part.removeprefix(_BOM)
        for number, piece in enumerate(part.split(b"\n")):
            if number:
                self._is_begun = False
            if not self._is_begun and (text := piece.lstrip()):
                if self._at_start and not text.startswith(b"{"):
                    raise InputError("the first line is no JSON object; send one article a line, as JSON")
                self._at_start = False
                self._is_begun = True
                self.records += 1


async def take_lines(parts: AsyncIterator[bytes], inbox: Inbox) -> str:
    """Accept a body of JSON lines, one article each. Raises InputError, InboxFull, 503 on a full disk."""
    lines = Lines()

    def write(draft: Draft, part: bytes) -> None:
        lines.feed(part)
        draft.write(part)

    with await on_disk(inbox.draft) as draft:
        async for part in gathered(parts):
            await on_disk(write, draft, part)
        if lines.records == 0:
            raise InputError("the body holds no article; send one a line, as JSON")
        return await on_disk(inbox.accept, draft, "articles", None, lines.records)


async def take_article(parts: AsyncIterator[bytes], inbox: Inbox, article_id: str | None) -> str:
    """Accept a body of one article. Raises InputError, InboxFull, 400 (no JSON), 503 (full disk)."""
    with await on_disk(inbox.draft) as draft:
        body = bytearray()
        async for part in gathered(parts):
            body += part

        def write() -> str:
            check_article(bytes(body), article_id)
            draft.write(body)
            return inbox.accept(draft, "article", article_id, 1)

        return await on_disk(write)


async def take_deletion(inbox: Inbox, article_id: str) -> str:
    """Accept that an article is to go. Raises InputError, InboxFull, 503 on a full disk."""
    require_id(article_id)
    with await on_disk(inbox.draft) as draft:
        return await on_disk(inbox.accept, draft, "deletion", article_id, 1)


async def on_disk(work: Callable[..., Any], *arguments: object) -> Any:
    """The result of `work` on a thread, waited for in any case. Raises 503 where the disk refuses."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})  # it must not find its file closed
        raise
    except OSError as error:
        told = f"the write cannot be kept: {error.strerror or error}"
        raise HTTPException(503, told, {"Retry-After": "30"}) from error


async def gathered(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger parts."""
    waiting = bytearray()
    async for part in parts:
        waiting += part
        if len(waiting) >= GATHERED_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def check_article(body: bytes, article_id: str | None) -> None:
    """Raises InputError, or 400, when a body is not one article, or not the one that is meant.

    article_id: of the address; where that has none, the body must name it.
    """
    fields = _fields(body)
    if not any(isinstance(fields.get(key), str) and fields[key].strip() for key in TEXT_KEYS):
        raise InputError(f"no text: none of {', '.join(TEXT_KEYS)} holds any")
    named = next((fields[key] for key in ID_KEYS if fields.get(key) not in (None, "")), None)
    if isinstance(named, float) and named.is_integer():
        named = int(named)
    if named is not None and (isinstance(named, bool) or not isinstance(named, str | int | float)):
        raise InputError("the id must be a string or a number")
    if article_id is None:
        require_id("" if named is None else str(named))
    else:
        require_id(article_id)
        if named is not None and str(named) != article_id:
            raise InputError("the body names another id than the address; leave it out of the body")


def require_id(article_id: str) -> None:
    """Raises InputError on what can be no article's id."""
    fault = article_id_fault(article_id)
    if fault is not None:
        raise InputError(fault)
    try:
        article_id.encode()
    except UnicodeEncodeError as error:
        raise InputError("the id holds half of a surrogate pair, which is no character") from error


def _fields(body: bytes) -> dict[str, Any]:
    """Keys in lower case and their values; the first of several that differ in case only."""
    try:
        article = json.loads(body.removeprefix(_BOM).decode())
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is not UTF-8, at byte {error.start}") from error
    except json.JSONDecodeError as error:
        told = f"the body is not JSON: {error.msg}, at character {error.pos}"
        hint = "; send several articles one a line, as application/x-ndjson"
        raise HTTPException(400, told + (hint if error.msg == "Extra data" else "")) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON, or is nested too deeply") from error
    if not isinstance(article, dict):
        raise InputError("the body must be one article, a JSON object; send several one a line, as NDJSON")
    fields: dict[str, Any] = {}
    for key, value in article.items():
        fields.setdefault(key.strip().lower(), value)
    return fields
