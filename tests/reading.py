"""What the tests of the readers share: one small article, and files made of it."""

import gzip
import json
from pathlib import Path
from typing import Any

from indexer.articles import Record, Rejected, read_articles
from passage_index.types import Article, PartialDate

BODY = "The old stone bridge over the Wend was closed on Monday. Engineers had found cracks in two piers."
ROW = {
    "_id": "wend-1",
    "title": "Bridge closed",
    "text": BODY,
    "date": "2021-03",
    "source": "https://www.lindow.example/bridge",
    "lang": "en",
    "desk": "local",
}
ARTICLE = Article(
    id="wend-1",
    text=BODY,
    title="Bridge closed",
    published=PartialDate.parse("2021-03"),
    source="lindow.example",
    url="https://www.lindow.example/bridge",
    language="en",
    metadata={"desk": "local"},
)
PAGE = f"""<!doctype html><html><head><title>Bridge closed</title>
<meta property="article:published_time" content="2021-03"><meta name="author" content="Ada Quill">
<link rel="canonical" href="https://www.lindow.example/bridge"></head>
<body><nav><a href="/">Home</a></nav><article><h1>Bridge closed</h1><p>{BODY}</p>
<p>It stays <b>shut</b> until May.</p></article><footer>&copy; 2019 The Post</footer></body></html>"""


def read(*paths: Path) -> list[Any]:
    return list(read_articles(paths))


def only(path: Path) -> Article:
    (found,) = read(path)
    assert isinstance(found, Record), found
    return found.article


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def warc(*responses: tuple[str, str, str, bytes], gz: bool = False) -> bytes:
    """(url, status, content type, body) of each, after an info record -> an archive."""
    records = [b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 7\r\n\r\nby hand\r\n\r\n"]
    for url, status, kind, body in responses:
        block = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
        head += f"Content-Length: {len(block)}\r\n\r\n"
        records.append(head.encode() + block + b"\r\n\r\n")
    return b"".join(map(gzip.compress, records) if gz else records)


def ids(found: list[Any]) -> list[str]:
    return [one.article.id for one in found if isinstance(one, Record)]


def reasons(found: list[Any]) -> list[tuple[int | None, str]]:
    return [(one.line, one.reason) for one in found if isinstance(one, Rejected)]
