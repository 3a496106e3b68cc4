"""Makes bombs and lies: archives, tables, pages and feeds, for hostile_files.py. sizes -> bytes."""

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

MIB, GIB = 1 << 20, 1 << 30


def gzipped(size: int, unit: bytes = b"\0", before: bytes = b"", after: bytes = b"") -> bytes:
    """A gzip archive of `size` bytes, written in pieces."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as archive:
        archive.write(before)
        block = unit * (MIB // len(unit))
        for _ in range(size // len(block)):
            archive.write(block)
        archive.write(after)
    return out.getvalue()


def zstd(size: int, unit: bytes = b"\0", before: bytes = b"") -> bytes:
    """The same as a zstd archive."""
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    block = unit * (MIB // len(unit))
    return b"".join(
        [
            packer.compress(before),
            *(packer.compress(block) for _ in range(size // len(block))),
            packer.flush(),
        ]
    )


def sparse(name: str, size: int, before: bytes = b"", after: bytes = b"") -> Callable[[Path], Path]:
    """A file of `size` NULs that takes no room on the disk, between two pieces of text."""

    def make(folder: Path) -> Path:
        with (folder / name).open("wb") as out:
            out.write(before)
            out.seek(size, os.SEEK_CUR)
            out.write(after or b"\0")
        return folder / name

    return make


def warc(*records: tuple[str, bytes]) -> bytes:
    """An archive of responses: (Content-Length as stated, or "" for the true one; HTTP headers and body)."""
    parts = []
    for number, (length, block) in enumerate(records):
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://h.example/{number}\r\n"
            f"Content-Type: application/http\r\nContent-Length: {length or len(block)}\r\n\r\n"
        )
        parts.append(head.encode() + block + b"\r\n\r\n")
    return b"".join(parts)


def answer(body: bytes, *headers: str) -> bytes:
    """An HTTP response as a WARC record holds it."""
    lines = "".join(f"{one}\r\n" for one in ("HTTP/1.1 200 OK", "Content-Type: text/html", *headers, ""))
    return lines.encode() + body


def feed(inner: str, head: str = "") -> str:
    """An RSS feed of one entry."""
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel><item>{inner}</item></channel></rss>'


def laughs(levels: int = 9) -> str:
    """Entities that unfold to 10 ** levels words."""
    rows = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, levels + 1)]
    return '<!DOCTYPE rss [<!ENTITY l0 "lol">' + "".join(rows) + "]>"


def parquet(table: pa.Table, **options: object) -> bytes:
    """A table as a file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def parquet_rows(count: int) -> bytes:
    """The same text in every row: a few bytes on the disk, as many articles as one likes."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["word " * 20_000]))
    return parquet(pa.table({"text": text}), compression="zstd", store_schema=False)


def parquet_lie(find: bytes, put: bytes) -> bytes:
    """A sound file in which one thing is said otherwise."""
    data = parquet(pa.table({"text": ["one", "two"]}), compression="none", use_dictionary=False)
    assert find in data
    return data.replace(find, put)


def nested(levels: int) -> pa.Array:
    """An array in an array in an array."""
    value: object = 1
    for _ in range(levels):
        value = [value]
    return pa.array([value])


def pdf(content: bytes, kids: str = "3 0 R", packed: str = "", more: bytes = b"") -> bytes:
    """A file of one page with a stream of content; its table of objects is left for the reader to mend."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count 1 >>".encode(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << >> >>",
        f"<< /Length {len(content)} {packed} >>\nstream\n".encode() + content + b"\nendstream",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + more + b"trailer << /Root 1 0 R /Size 5 >>\nstartxref\n0\n%%EOF\n"
