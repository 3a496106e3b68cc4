"""Reader of RSS and Atom files: an entry -> a row. Documents that declare entities are refused."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from indexer.readers.markup import fragment_text
from indexer.readers.records import PARSER_FAULTS, Rejected, Row, Unfit, shown
from indexer.readers.streams import whole

MAX_FEED_BYTES = 32 << 20  # feedparser holds a feed whole, several times over


def read_feed(path: Path) -> Iterator[Row | Rejected]:
    """A row for each entry, numbered from 1. Raises Unfit if the file is no feed or is unsafe; OSError."""
    yield from feed_rows(whole(path, MAX_FEED_BYTES), shown(path))


def feed_rows(data: bytes, name: str) -> Iterator[Row | Rejected]:
    """As `read_feed`, of bytes from anywhere; `name` says from where."""
    import feedparser

    if len(data) > MAX_FEED_BYTES:
        raise Unfit(f"a feed of more than {MAX_FEED_BYTES >> 20} MiB")
    _refuse_entities(data)
    # A stream, for feedparser would take bytes that look like a path or an address for one.
    try:
        found = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    except PARSER_FAULTS as error:
        raise Unfit(f"not readable as a feed: {type(error).__name__}") from error
    if not found.get("version") and not found.entries:
        raise Unfit("not an RSS or Atom feed")
    if not found.entries:
        raise Unfit("a feed without an entry")
    for number, entry in enumerate(found.entries, 1):
        try:
            yield Row(number, _fields(entry, found.feed))
        except Unfit as fault:
            yield Rejected(name, number, str(fault))


def _refuse_entities(data: bytes) -> None:
    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import parseString

    try:
        parseString(data, ContentHandler())
    except DefusedXmlException as error:
        raise Unfit("the XML declares entities, which are not expanded here") from error
    except (SAXParseException, LookupError, ValueError) as error:
        # Not well formed, as many feeds are; feedparser is lenient, so look for what expat did not reach.
        if b"<!ENTITY" in data.replace(b"\0", b""):
            raise Unfit("the XML is damaged and declares entities") from error


def _fields(entry: Any, feed: Any) -> dict[str, object]:
    bodies = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    texts = [_text(body) for body in bodies]
    link = entry.get("link")
    return {
        "_id": entry.get("id") or link,
        "title": _text(entry.get("title_detail") or {}),
        "text": max(texts, key=len, default=""),
        "date": entry.get("published") or entry.get("updated"),
        "url": link,
        "source": None if link else feed.get("title"),
        "language": feed.get("language"),
        "author": entry.get("author"),
        "tags": [tag.get("term") for tag in entry.get("tags", ()) if tag.get("term")] or None,
        "feed": feed.get("title"),
    }


def _text(detail: Any) -> str:
    value = detail.get("value") or ""
    return value if detail.get("type") == "text/plain" else fragment_text(value)
