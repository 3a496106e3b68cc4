"""Files that are made to hurt whoever reads them, and what has to become of each.

Written by code, so that nothing hostile lies in the repository. Case -> a file or folder on the disk
"""

import gzip
import json
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tests.hostile.making import (
    GIB,
    MIB,
    answer,
    feed,
    gzipped,
    laughs,
    nested,
    parquet,
    parquet_lie,
    parquet_rows,
    pdf,
    sparse,
    warc,
    zstd,
)  # fmt: skip

GOOD = '{"_id": "good", "text": "The ferry to Ostrel sailed at nine."}\n'


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile file or folder.

    says: a part of an error or of what a rejection says. articles: how many are indexed all the same;
    none is an error of the whole build.
    """

    name: str
    make: Callable[[Path], Path]
    says: str
    articles: int = 0


CASES: list[Case] = []
Bytes = Callable[[], bytes]


def file(name: str, says: str, content: bytes | str | Bytes, articles: int = 0) -> None:
    """A case of one file with some content."""

    def make(folder: Path) -> Path:
        found = content() if callable(content) else content
        (folder / name).write_bytes(found.encode() if isinstance(found, str) else found)
        return folder / name

    CASES.append(Case(f"{len(CASES):02} {name}", make, says, articles))


def case(name: str, says: str, articles: int = 0) -> Callable[[Callable[[Path], Path]], None]:
    """A case that makes more than one file, or one that no bytes can be written to."""

    def add(make: Callable[[Path], Path]) -> None:
        CASES.append(Case(f"{len(CASES):02} {name}", make, says, articles))

    return add


# -- packed ------------------------------------------------------------------------------------

BOMB = "unpacks to more than 200 times its size"
LONG = "a line longer than 32 MiB"
file("one-line.jsonl.gz", BOMB, lambda: gzipped(256 * MIB, b"x"))
file("blank-lines.jsonl.gz", BOMB, lambda: gzipped(256 * MIB, b"\n", GOOD.encode()), 1)
file(
    "rows.jsonl.gz", BOMB, lambda: gzipped(256 * MIB, b'{"text":""' + b" " * 1011 + b"}\n", GOOD.encode()), 1
)
file("gzip-of-gzip.jsonl.gz", "invalid UTF-8", lambda: gzip.compress(gzipped(64 * MIB)))
file("many-members.jsonl.gz", "no text", lambda: gzip.compress(b"{}\n") * 20_000, 0)
file("header-only.jsonl.gz", "the gzip archive is cut off", b"\x1f\x8b\x08\0\0\0\0\0\0\3")
file("endless-name.jsonl.gz", "the gzip archive is", b"\x1f\x8b\x08\x08\0\0\0\0\0\3" + b"n" * 5_000_000)
file("bomb.jsonl.zst", BOMB, lambda: zstd(256 * MIB, b"\n", GOOD.encode()))
file("line.jsonl.zst", BOMB, lambda: zstd(256 * MIB))
file("window.jsonl.zst", "the zstd archive is damaged", b"\x28\xb5\x2f\xfd\0\xff" + bytes(20))
file("bomb.warc.gz", "unpacks to more than 200 times", lambda: gzipped(256 * MIB, b"\r\n"))
file("page-gzip.warc", "a page of more than 8 MiB",
     lambda: warc(("", answer(gzipped(256 * MIB), "Content-Encoding: gzip"))))  # fmt: skip
file("page-deflate.warc", "a page of more than 8 MiB",
     lambda: warc(("", answer(zlib.compress(bytes(200 * MIB)), "Content-Encoding: deflate"))))  # fmt: skip
# 64 MiB of blanks as brotli has them, in a few bytes: nothing here unpacks it.
file("page-brotli.warc", "content encoding 'br'",
     lambda: warc(("", answer(b"\xff\xff\x3f" + bytes(99), "Content-Encoding: br"))))  # fmt: skip


@case("folder with a zip bomb", "", 1)
def _(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.txt", bytes(100 * MIB))
    (folder / "a.jsonl").write_text(GOOD)
    return folder


# -- JSON --------------------------------------------------------------------------------------

CASES.append(Case("1 GB line", sparse("line.jsonl", GIB, after=b"\n" + GOOD.encode()), LONG, 1))
CASES.append(Case("1 GB text", sparse("text.txt", GIB), "larger than 32 MiB"))
CASES.append(Case("1 GB page", sparse("page.html", GIB), "larger than 8 MiB"))
CASES.append(Case("1 GB feed", sparse("feed.rss", GIB), "larger than"))
CASES.append(Case("1 GB cell", sparse("cell.csv", GIB, b'text\n"'), "longer than 32 MiB"))
CASES.append(Case("1 GB header", sparse("h.warc", GIB, b"WARC/1.0\r\nA: "), "no line end within 16 MiB"))
file("deep.jsonl", "nested too deeply", "[" * 5_000_000 + "\n" + GOOD, 1)
file("deep-object.jsonl", "nested too deeply", '{"a":' * 500_000 + "\n" + GOOD, 1)
file("deep-metadata.jsonl", "nested deeper than 32", '{"text":"a","x":' + "[" * 900 + "]" * 900 + "}")
file("lists.jsonl", "no text", '{"a":[' + "[]," * 10_000_000 + "0]}")
file("digits.jsonl", "too many digits", '{"text":"a","n":' + "9" * 5_000_000 + "}")
file("huge.jsonl", "", '{"text":"a b c","n":[1e999,-1e999,NaN,1e-9999,9e307]}', 1)
file("huge-id.jsonl", "the id is no finite number", '{"_id":1e999,"text":"a b c"}')
file("keys.jsonl", "more than", lambda: json.dumps({"text": "a", **{f"k{n}": n for n in range(500_000)}}))
file("long-text.jsonl", "a text of more than 4 Mi characters",
     lambda: '{"text":"' + "a b. " * 1_000_000 + '"}')  # fmt: skip
file(
    "escapes.jsonl", "a text of more than 4 Mi characters", lambda: '{"text":"' + "\\u0041" * 5_000_000 + '"}'
)
file("long-title.jsonl", "", lambda: json.dumps({"text": "a b c", "title": "word " * 100_000}), 1)
file(
    "long-date.jsonl",
    "metadata of more than 1 Mi characters",
    lambda: json.dumps({"text": "a b c", "date": "1" * 5_000_000}),
)
file("nul-id.jsonl", "the id holds a control character", '{"_id":"a\\u0000b","text":"a"}')
file("surrogates.jsonl", "a lone surrogate", '{"_id":"\\ud800","text":"a"}')
file(
    "mixed-ends.jsonl", "bad JSON", b'{"text":"a b"}\r\n{"text":"c d"}\r{"text":"e"}\n\n\r\n{"text":"f g"}', 2
)
file("broken.jsonl", "invalid UTF-8", b'{"text":"\xc3\x28 \xa0\xa1 \xf8\xa1\xa1\xa1\xa1 \xed\xa0\x80"}\n')
file("overlong.txt", "invalid UTF-8", b"Dots \xc0\xae\xc0\xae/ and more.")
file("utf16.txt", "invalid UTF-16", b"\xff\xfe" + "text".encode("utf-16-le") + b"\xd8")
file("utf32.txt", "no text", b"\xff\xfe\0\0")
file("nuls.txt", "no text", bytes(5_000_000))
file("ansi.jsonl", "", json.dumps({"_id": "e", "title": "\x1b]0;owned\x07\x1b[2J\x9b31m red", "text": "a b c",
     "source": "\x1b[31mred", "url": "https://h.example/\x1b[2J"}), 1)  # fmt: skip


# -- tables ------------------------------------------------------------------------------------

file("columns.csv", "", lambda: "text" + ",a" * 1_000_000 + "\nwords" + ",1" * 1_000_000 + "\n", 1)
file("cells.csv", "cells in the row", lambda: "text,b\n" + "x\n" * 300_000)
file("quote.csv", "bad CSV", lambda: 'text,b\n"' + "a,\n" * 5_000_000)
file("nul.csv", "", b"text,b\na\0b c,\0\n", 1)
file("quotes.csv", "bad CSV", lambda: "text\n" + '"' * 9_000_001)
file("rows.parquet", BOMB, lambda: parquet_rows(2_000_000), -1)
file("cell.parquet", BOMB, lambda: parquet(pa.table({"text": ["\0" * 200 * MIB]}), compression="zstd"))
file("rows-lie.parquet", "the parquet file", lambda: parquet_lie(b"\x16\x04", b"\x16\xfe"))
file(
    "footer.parquet",
    "the parquet file is damaged",
    b"PAR1" + bytes(40) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1",
)
file("deep.parquet", "the parquet file is damaged", lambda: parquet(pa.table({"a": nested(90)})))


# -- markup ------------------------------------------------------------------------------------

file("laughs.rss", "declares entities", feed("<title>&l9;</title>", laughs()))
file("laughs.xml", "declares entities", feed("<title>&l9;</title>", laughs()).encode("utf-16"))
file("quadratic.rss", "declares entities",
     feed("&a;" * 50_000, '<!DOCTYPE r [<!ENTITY a "' + "x" * 50_000 + '">]>'))  # fmt: skip
file(
    "outside.rss",
    "declares entities",
    feed("<title>&x;</title>", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
)
file(
    "parameter.rss",
    "declares entities",
    feed("a", '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]>'),
)
file("dtd.rss", "declares entities", feed("<title>t</title><description>A b c.</description>",
     '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss.dtd">'), -1)  # fmt: skip
file("deep.rss", "a feed without an entry", "<rss>" + "<a>" * 200_000)
file("deep-entry.rss", "nested too deeply",
     feed("<description>" + "&lt;div&gt;" * 200_000 + "words</description>"))  # fmt: skip
file("deep.html", "nested too deeply", "<p>Words" + "<div>" * 200_000 + "more words")
file("deep-inline.html", "nested too deeply", "<p>Words" + "<b>" * 200_000 + "more words")
file("laughs.html", "", laughs() + "<html><body><p>The ferry sailed &l9; at nine.</p></body></html>", -1)
file(
    "attributes.html",
    "a tag of more than 2,000 attributes",
    "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">The ferry sailed.</p>",
)
file("comment.html", "", "<p>The ferry sailed at nine.</p><!--" + "-" * 4_000_000, -1)
file(
    "script.html",
    "",
    '<script type="application/ld+json">' + '{"datePublished"' * 200_000 + "</script><p>A b.</p>",
    -1,
)
file("metas.html", "", "<meta name=date content=1>" * 100_000 + "<p>The ferry sailed at nine.</p>", -1)
file("paragraphs.html", "a page of more than 100,000 elements", "<p>a b" * 300_000)
file("tables.html", "", "<table><tr><td>" * 2000 + "The ferry sailed at nine.", -1)
file("links.html", "a page of more than 100,000 elements", "<a href=x>a</a> " * 150_000)
file("codec.html", "", b"<meta charset=unicode_escape><p>\\u0041 The ferry sailed at nine.</p>", -1)
file("random.html", "", lambda: os.urandom(4 * MIB), -1)
file("quotes.md", "", lambda: ">" * 200_000 + " Words.", -1)
file("lists.md", "", lambda: "\n".join("  " * n + "- a" for n in range(1500)), -1)
file("stars.md", "", "*a **b " * 100_000, -1)
file("brackets.md", "", "[" * 200_000, -1)
file("links.md", "", "[a](" * 100_000, -1)
file("ticks.md", "", lambda: " ".join("`" * n for n in range(1, 1500)), -1)
file("references.md", "", lambda: "[a]: x\n" * 90_000 + "\n" + "[a] " * 20_000, -1)
file("table.md", "", lambda: "|a" * 20_000 + "\n" + "|-" * 20_000 + "\n" + "|b\n" * 2_000, -1)
file("entities.md", "", "&amp;" * 300_000, -1)
file(
    "front.md",
    "a Markdown text of more than 100,000 lines",
    "---\n" + "a: b\n" * 200_000 + "---\nWords here.",
    -1,
)
file(
    "length.warc",
    "a record of more than 32 MiB",
    lambda: warc(("999999999999", answer(b"<p>The ferry sailed.</p>"))),
)
file("negative.warc", "", lambda: warc(("-5", answer(b"<p>The ferry sailed.</p>"))), -1)
file("letters.warc", "", lambda: warc(("lots", answer(b"<p>The ferry sailed.</p>"))), -1)
file("headers.warc", "", lambda: warc(("", answer(b"<p>A b.</p>", *("X: y" for _ in range(200_000))))), -1)
file(
    "chunked.warc",
    "",
    lambda: warc(("", answer(b"ffffffffffffffff\r\n<p>A b.</p>", "Transfer-Encoding: chunked"))),
    -1,
)


file("bomb.pdf", "", lambda: pdf(zlib.compress(b" " * 300 * MIB), packed="/Filter /FlateDecode"))
file(
    "bombs.pdf",
    "",
    lambda: pdf(zlib.compress(zlib.compress(bytes(100 * MIB))), packed="/Filter [/FlateDecode /FlateDecode]"),
)
file("round.pdf", "", lambda: pdf(b"", kids="2 0 R 2 0 R"))
file("deep.pdf", "", lambda: pdf(b"", more=b"5 0 obj\n" + b"[" * 500_000 + b"\nendobj\n", kids="5 0 R"))
file("cut.pdf", "", lambda: pdf(b"BT (The ferry) Tj ET")[:200])


# -- names and kinds of files ------------------------------------------------------------------


@case("fifo", "neither a regular file nor a folder")
def _(folder: Path) -> Path:
    os.mkfifo(folder / "a.txt")
    return folder / "a.txt"


@case("device", "neither a regular file nor a folder")
def _(folder: Path) -> Path:
    (folder / "zero.jsonl").symlink_to("/dev/zero")
    return folder / "zero.jsonl"


@case("folder of things that are no files", "not followed", 1)
def _(folder: Path) -> Path:
    within = folder / "in"
    within.mkdir()
    os.mkfifo(within / "fifo.txt")
    (within / "passwd.txt").symlink_to("/etc/passwd")
    (within / "zero.txt").symlink_to("/dev/zero")
    (within / "up").symlink_to("../..")
    (within / "round").symlink_to("round")
    (within / "a.jsonl").write_text(GOOD)
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(within, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/s.txt")
        os.close(here)
    return within


@case("names", "control character", 1)
def _(folder: Path) -> Path:
    for name in (b"a\n.txt", b"b\xff.txt", b"\x1b[2J.txt", b"n" * 251 + b".txt"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("The ferry sailed.")
    return folder


@case("NUL in a path", "embedded null")
def _(folder: Path) -> Path:
    return folder / "a\0.txt"


@case("folders in folders", "", 1)
def _(folder: Path) -> Path:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(400):  # as deep as a path may be long, and no more
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    (folder / "a.jsonl").write_text(GOOD)
    return folder
