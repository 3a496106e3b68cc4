"""Reader of .warc and .warc.gz: an HTML page a server answered with (status 200) -> a row.

Other records (requests, metadata, images, redirects, errors) are no articles and are passed over.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.readers.html import MAX_PAGE_BYTES, page_fields
from indexer.readers.markup import page_markup
from indexer.readers.records import MAX_RECORD_BYTES, PARSER_FAULTS, Rejected, Row, Unfit, shown
from indexer.readers.streams import ChunkStream, inflated, open_regular, unpacked

_log = logging.getLogger(__name__)

MAX_LINE_BYTES = 16 << 20

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_ENCODINGS = ("", "identity", "gzip", "deflate")
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}\"?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)


def read_warc(path: Path) -> Iterator[Row | Rejected]:
    """A row for each HTML page, numbered by its record, with its URL as id. Raises Unfit, OSError."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    name, number, pages, errors = shown(path), 0, 0, 0
    with open_regular(path) as file:
        # Unpacked here: warcio takes an archive that is cut off or damaged for one that ends.
        chunks = ChunkStream(_with_line_ends(unpacked(file, path.name)))
        try:
            archive = ArchiveIterator(chunks, no_record_parse=True)
            archive.INC_RECORD = ""  # what it would print to stderr; its count is reported here
            for record in archive:
                if archive.err_count > errors:
                    yield Rejected(name, number, "the record is longer than its Content-Length says")
                errors, number = archive.err_count, number + 1
                page = _page(name, number, record)
                if page is not None:
                    pages += 1
                    yield page
        except Unfit as fault:
            yield Rejected(name, number + 1, str(fault))
        except (ArchiveLoadFailed, *PARSER_FAULTS) as error:
            yield Rejected(name, number + 1, f"not a WARC record: {str(error)[:100] or type(error).__name__}")
    _log.info("%s: %d records, %d of them HTML pages", name, number, pages)


def _page(name: str, number: int, record: Any) -> Row | Rejected | None:
    try:
        found = _html(record)
        while record.raw_stream.read(1 << 16):
            pass
        if record.length is None or record.raw_stream.limit:
            raise Unfit("the record is cut off, or its Content-Length is wrong")
        if found is None:
            return None
        body, charset = found
        url = record.rec_headers.get_header("WARC-Target-URI") or ""
        fields = page_fields(page_markup(body, charset), url)
    except Unfit as fault:
        return Rejected(name, number, str(fault))
    except (EOFError, *PARSER_FAULTS) as error:
        return Rejected(name, number, f"the HTTP headers are damaged: {type(error).__name__}")
    return Row(number, {**fields, "_id": url})


def _html(record: Any) -> tuple[bytes, str | None] | None:
    """(body, charset of the header) of a record that is an HTML page, else None."""
    from warcio.bufferedreaders import ChunkedDataReader
    from warcio.statusandheaders import StatusAndHeadersParser

    if record.rec_type != "response" or not record.length:
        return None
    if record.length > MAX_RECORD_BYTES:
        raise Unfit(f"a record of more than {MAX_RECORD_BYTES >> 20} MiB")
    # Not left to the iterator, for which one bad HTTP header is the end of the archive.
    headers = StatusAndHeadersParser(["HTTP/"], verify=False).parse(record.raw_stream)
    content_type = (headers.get_header("content-type") or "").lower()
    if headers.get_statuscode() != "200" or not content_type.startswith(_HTML_TYPES):
        return None
    encoding = (headers.get_header("content-encoding") or "").strip().lower()
    if encoding not in _ENCODINGS:
        raise Unfit(f"content encoding {encoding[:20]!r}; expected gzip, deflate or none")
    chunked = (headers.get_header("transfer-encoding") or "").lower() == "chunked"
    stream = ChunkedDataReader(record.raw_stream) if chunked else record.raw_stream
    body = inflated(stream.read(MAX_PAGE_BYTES + 1), encoding, MAX_PAGE_BYTES)
    charset = _CHARSET.search(content_type)
    return body, charset and charset[1]


def _with_line_ends(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, refused where 16 MiB hold no line end: warcio takes the square of a line's length."""
    since = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n")
        since = since + len(chunk) if end < 0 else len(chunk) - end - 1
        if since > MAX_LINE_BYTES:
            raise Unfit(f"no line end within {MAX_LINE_BYTES >> 20} MiB")
        yield chunk
