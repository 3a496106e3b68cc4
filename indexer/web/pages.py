"""What stands at an address -> rows: a page, a PDF or a text is one, a feed one an entry.

What it is, the beginning of its body says, then its media type, then the address. The readers of
files read it. address -> Row | Rejected
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from indexer.readers.feed import feed_rows
from indexer.readers.html import page_fields
from indexer.readers.markup import page_markup, page_tree
from indexer.readers.pdf import read_pdf
from indexer.readers.plain import plain_fields
from indexer.readers.records import Elsewhere, Rejected, Row, Unfit
from indexer.web.fetching import Fetched
from indexer.web.manners import Visitor

_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]")
_HTML = re.compile(rb"<!doctype html|<html[\s>]", re.IGNORECASE)
_HEAD_BYTES = 1024

_TYPES = {
    "text/html": "html", "application/xhtml+xml": "html",
    "application/rss+xml": "feed", "application/atom+xml": "feed", "application/rdf+xml": "feed",
    "application/xml": "feed", "text/xml": "feed",
    "application/pdf": "pdf", "application/x-pdf": "pdf",
    "text/plain": "text", "text/markdown": "text",
}  # fmt: skip
_SUFFIXES = {".html": "html", ".htm": "html", ".xml": "feed", ".rss": "feed", ".pdf": "pdf", ".txt": "text"}
_UNTYPED = ("", "application/octet-stream", "binary/octet-stream")


def web_sources(addresses: list[str], feeds: list[str], visitor: Visitor, follow: int = 0) -> list[Elsewhere]:
    """Addresses as sources of rows; `feeds` must be feeds, the others may be.

    follow: of so many entries of each feed the linked page is read instead of the feed's own text.
    """
    wanted = [*((one, False) for one in addresses), *((one, True) for one in feeds)]
    return [
        Elsewhere(one, partial(_rows, one, visitor, follow, must_be_feed)) for one, must_be_feed in wanted
    ]


def _rows(address: str, visitor: Visitor, follow: int, must_be_feed: bool) -> Iterator[Row | Rejected]:
    found = visitor.asked_for(address)
    kind = kind_of(found)
    if must_be_feed and kind != "feed":
        raise Unfit(f"not a feed but {found.media_type[:60] or 'of no type'}{_hint(found, kind)}")
    if kind != "feed":
        yield Row(None, _article_fields(found, kind, address))
        return
    for row in feed_rows(found.body, address):
        if isinstance(row, Row) and row.line is not None and row.line <= follow:
            yield _followed(row, address, visitor)
        else:
            yield row


def kind_of(found: Fetched) -> str:
    """`html`, `feed`, `pdf` or `text`. Raises Unfit for anything else."""
    head = found.body[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"%PDF-"):
        return "pdf"
    if _HTML.match(head):
        return "html"
    kind = _TYPES.get(found.media_type)
    if kind in ("html", "feed", None) and head.startswith(b"<") and _FEED.search(head):
        return "feed"
    if kind == "feed" and _HTML.search(head):
        return "html"
    if found.media_type in _UNTYPED:
        kind = _SUFFIXES.get(Path(urlsplit(found.url).path).suffix.lower())
    if kind is None:
        raise Unfit(f"the type is {found.media_type[:60]!r}; expected HTML, a feed, PDF or plain text")
    return kind


def _article_fields(found: Fetched, kind: str, address: str) -> dict[str, object]:
    """The one row of a page, a PDF or a text, with the address that it should be known by."""
    url = found.url
    fields: Mapping[str, object]
    if kind == "html":
        markup = page_markup(found.body, found.charset)
        url = _canonical(markup, found.url) or found.url
        fields = page_fields(markup, url)
        if fields.get("sitename") == urlsplit(url).netloc:
            fields = {**fields, "sitename": None}  # the page names none
    elif kind == "pdf":
        fields = _pdf_fields(found.body)
    else:
        fields = plain_fields(page_markup(found.body, found.charset))
    asked = {} if address == url else {"fetched_from": address}
    return {**fields, "_id": url, "url": url, **asked}


def _canonical(markup: str, url: str) -> str | None:
    """The address that a page names as its own, if it is one of the same host."""
    for link in page_tree(markup).iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and link.get("href"):
            try:
                named = urljoin(url, link.get("href").strip())
                same = _host(named) == _host(url) and named.startswith(("http://", "https://"))
            except ValueError:
                return None
            return named if same else None
    return None


def _host(address: str) -> str:
    return urlsplit(address).netloc.lower().removeprefix("www.")


def _pdf_fields(body: bytes) -> Mapping[str, object]:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(body)
        file.flush()
        (row,) = read_pdf(Path(file.name))
    return row.fields if isinstance(row, Row) else {}


def _followed(entry: Row, feed: str, visitor: Visitor) -> Row | Rejected:
    """An entry with the text of the page that it links to, if that is longer than its own."""
    link = entry.fields.get("url")
    if not isinstance(link, str):
        return entry
    try:
        found = visitor.followed(link)
        kind = kind_of(found)
        if kind == "feed":
            raise Unfit("it is a feed")
        page = _article_fields(found, kind, link)
    except Unfit as fault:
        return Rejected(feed, entry.line, f"the linked page {link[:200]} cannot be read: {fault}")
    own = {key: value for key, value in entry.fields.items() if value}
    longer = max(str(page.get("text") or ""), str(own.get("text") or ""), key=len)
    named = {"url": page["url"], "source": None, "fetched_from": page.get("fetched_from")}
    return Row(entry.line, {**page, **own, **named, "text": longer})


def _hint(found: Fetched, kind: str) -> str:
    """Where a page says that its feed is."""
    if kind != "html":
        return ""
    for link in page_tree(page_markup(found.body, found.charset)).iter("link"):
        if (link.get("type") or "") in ("application/rss+xml", "application/atom+xml") and link.get("href"):
            return f"; the page names {urljoin(found.url, link.get('href'))[:300]} as its feed"
    return ""
