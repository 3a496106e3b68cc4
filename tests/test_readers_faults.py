"""Records that cannot be read: refused with their place and reason, and all the others kept."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from reading import BODY, PAGE, ROW, ids, jsonl, only, read, reasons, warc, written

from indexer.articles import Record, Rejected
from indexer.readers import jsonl as jsonl_reader
from indexer.readers import streams


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a",}', "bad JSON at column 14: "),
        (b"[1]", "not a JSON object but an array"),
        (b"null", "not a JSON object but null"),
        (b'{"_id": 1}', "no text: none of text, body, content holds any"),
        (b'{"text": " \\u0000\\n "}', "no text: nothing but blanks and control characters"),
        (b'{"text": ["a"]}', "no text: it is an array; expected a string"),
        (b'{"text": "a\xff"}', "invalid UTF-8 at byte 11; expected UTF-8"),
        (b'{"text": "a\\ud800"}', "a lone surrogate, half of a character, stands in the record"),
        (
            b'{"text": "a", "x": {"\\udc00": 1}}',
            "a lone surrogate, half of a character, stands in the record",
        ),
        (b"[" * 100_000, "bad JSON: nested too deeply"),
        (b'{"text": "a", "x": ' + b"[" * 40 + b"]" * 40 + b"}", "metadata nested deeper than 32 levels"),
        (b'{"text": "a", "x": ' + b"9" * 5000 + b"}", "bad JSON: a number with too many digits"),
        (b'{"_id": true, "text": "a"}', "the id is a boolean; expected a string or a number"),
        (
            b'{"_id": "' + b"i" * 513 + b'", "text": "a"}',
            "the id has 513 characters; at most 512 are allowed",
        ),
        (b'{"_id": "a\\u0007", "text": "a"}', "the id holds a control character"),
        (b'{"_id": "first", "text": "b"}', "the id 'first' stands already on line 1"),
    ],
)
def test_jsonl_bad_line_costs_only_itself(tmp_path: Path, line: bytes, reason: str) -> None:
    good = (jsonl({"_id": name, "text": BODY}) for name in ("first", "last"))
    found = read(written(tmp_path / "a.jsonl", next(good) + line + b"\n" + next(good)))
    assert ids(found) == ["first", "last"]
    ((number, said),) = reasons(found)
    assert number == 2
    assert said.startswith(reason)


def test_jsonl_line_too_long_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bounded(stream: Any, limit: int = 1000) -> Any:
        return streams.bounded_lines(stream, limit)

    monkeypatch.setattr(jsonl_reader, "bounded_lines", bounded)
    long = b'{"text": "' + b"x" * 200_000 + b'"}\n'
    found = read(written(tmp_path / "a.jsonl", jsonl(ROW) + long + jsonl({"text": "short"}) + long.strip()))
    assert ids(found) == ["wend-1", "a.jsonl#3"]
    assert reasons(found) == [(2, "a line longer than 32 MiB"), (4, "a line longer than 32 MiB")]


def test_jsonl_utf16_and_bom(tmp_path: Path) -> None:
    content = json.dumps({"text": "Міст"}, ensure_ascii=False) + "\n"
    assert only(written(tmp_path / "a.jsonl", content.encode("utf-16"))).text == "Міст"
    assert only(written(tmp_path / "b.jsonl", content.encode("utf-8-sig"))).text == "Міст"
    found = read(written(tmp_path / "c.jsonl", content.encode("utf-16") + b"\0"))
    assert (ids(found), reasons(found)) == (["c.jsonl#1"], [(2, "invalid UTF-16")])


def rows_packed(count: int) -> bytes:
    """Rows that do not pack well, so that half an archive holds about half of them."""
    return jsonl(*({"_id": str(n), "text": os.urandom(500).hex()} for n in range(count)))


@pytest.mark.parametrize(
    ("suffix", "pack", "kind"), [("gz", gzip.compress, "gzip"), ("zst", zstandard.compress, "zstd")]
)
def test_cut_off_and_damaged_archives_keep_what_came_before(
    tmp_path: Path, suffix: str, pack: Any, kind: str
) -> None:
    packed = pack(rows_packed(1000))
    cut = read(written(tmp_path / f"cut.jsonl.{suffix}", packed[: len(packed) // 2]))
    assert 300 < len(ids(cut)) < 700
    assert reasons(cut) == [(len(cut), f"the {kind} archive is cut off: its end is missing")]
    middle = len(packed) // 2
    damaged = read(
        written(tmp_path / f"bad.jsonl.{suffix}", packed[:middle] + bytes(200) + packed[middle + 200 :])
    )
    assert any(reason.startswith(f"the {kind} archive is damaged") for _, reason in reasons(damaged))
    joined = written(
        tmp_path / f"two.jsonl.{suffix}", pack(jsonl({"text": "a"})) + pack(jsonl({"text": "b"}))
    )
    assert ids(read(joined)) == [f"two.jsonl.{suffix}#1", f"two.jsonl.{suffix}#2"]
    (nothing,) = read(written(tmp_path / f"no.jsonl.{suffix}", b"no archive"))
    assert nothing.reason.startswith(f"the {kind} archive is damaged")


def test_zst_bomb_is_unpacked_piece_by_piece(tmp_path: Path) -> None:
    bomb = zstandard.compress(bytes(200 << 20))
    with written(tmp_path / "a.jsonl.zst", bomb).open("rb") as file:
        sizes = [len(chunk) for chunk in streams._unzstd(file)]
    assert (sum(sizes), max(sizes) <= 64 << 20) == (200 << 20, True)
    assert reasons(read(tmp_path / "a.jsonl.zst")) == [
        (1, "unpacks to more than 200 times its size; unpack it yourself if it is sound")
    ]


def test_text_and_csv_invalid_utf8(tmp_path: Path) -> None:
    (text,) = read(written(tmp_path / "a.txt", "é".encode() + b"\xff"))
    assert text.reason == "invalid UTF-8 at byte 2; expected UTF-8"
    found = read(written(tmp_path / "a.csv", b'id,text\n1,one\n2,"x\n\xff"\n3,three\n'))
    assert ids(found) == ["1", "3"]
    assert reasons(found) == [(3, "invalid UTF-8 at byte 0 of line 4; expected UTF-8")]


@pytest.mark.parametrize(
    ("content", "read_ids", "rejected"),
    [
        ("id,words\n1,a\n", [], [(None, "no column named text, body or content: found id, words")]),
        ("", [], [(None, "no column named text, body or content: found nothing")]),
        ("id,text\n1,a,b\n2,c\n", ["2"], [(2, "3 cells in the row, 2 in the header")]),
        ("id,text\n1\n2,c\n", ["2"], [(2, "1 cells in the row, 2 in the header")]),
        ('id,text\n1,"a"b\n2,c\n', ["2"], [(2, "bad CSV: ',' expected after '\"'")]),
        ('id,text\n1,a\n2,"never closed\n', ["1"], [(3, "bad CSV: unexpected end of data")]),
        ("id,text\n1,a\n1,b\n", ["1"], [(3, "the id '1' stands already on line 2")]),
    ],
)  # fmt: skip
def test_csv_faults(tmp_path: Path, content: str, read_ids: list[str], rejected: list[Any]) -> None:
    found = read(written(tmp_path / "a.csv", content))
    assert (ids(found), reasons(found)) == (read_ids, rejected)


def test_parquet_faults(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "a.parquet", b"PAR1 and no more"))
    assert found.reason.startswith("the parquet file is damaged: ")
    pq.write_table(pa.table({"words": ["a"]}), tmp_path / "b.parquet")
    assert reasons(read(tmp_path / "b.parquet")) == [
        (None, "no column named text, body or content: found words")
    ]
    raw = pa.array([b"good", b"\xff", b"fine"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": raw}), tmp_path / "c.parquet")
    assert reasons(read(tmp_path / "c.parquet")) == [(2, "invalid UTF-8")]
    table = pa.table({"text": [os.urandom(200).hex() for _ in range(400)]})
    plain: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(table, tmp_path / "d.parquet", row_group_size=100, **plain)
    data = bytearray((tmp_path / "d.parquet").read_bytes())
    data[len(data) // 2 + 100] ^= 0xFF
    kept = read(written(tmp_path / "d.parquet", bytes(data)))
    assert len(ids(kept)) in (128, 192, 256)
    assert reasons(kept)[0][1].startswith("the parquet file is damaged: ")


@pytest.mark.parametrize("gz", [False, True])
def test_warc_cut_off_keeps_the_pages_before(tmp_path: Path, gz: bool) -> None:
    pages = [(f"http://p.example/{n}", "200 OK", "text/html", PAGE.encode()) for n in range(3)]
    archive = warc(*pages, gz=gz)
    cut = read(written(tmp_path / ("a.warc.gz" if gz else "a.warc"), archive[: -200 if gz else -300]))
    assert ids(cut) == ["http://p.example/0", "http://p.example/1"]
    ((line, reason),) = reasons(cut)
    assert line == 4
    assert "cut off" in reason


def test_warc_other_faults(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "a.warc", b"no archive at all\n" * 10))
    assert found.reason.startswith("not a WARC record: ")
    page = ("http://p.example/", "200 OK", "text/html", b"<html><body></body></html>")
    brotli = ("http://q.example/", "200 OK", "text/html\r\nContent-Encoding: br", b"\x0b\x02\x80")
    found = read(written(tmp_path / "b.warc", warc(page, brotli, (*page[:3], PAGE.encode()))))
    assert ids(found) == ["http://p.example/"]
    assert [line for line, _ in reasons(found)] == [2, 3]
    assert reasons(found)[1][1] == "content encoding 'br'; expected gzip, deflate or none"


def test_warc_lengths_and_packing_that_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = ("http://p.example/", "200 OK", "text/html", PAGE.encode())
    longer = warc(good).replace(b"</html>", b"</html>more")
    found = read(written(tmp_path / "a.warc", longer + warc(("http://q.example/", *good[1:]))))
    assert ids(found) == ["http://p.example/", "http://q.example/"]
    assert reasons(found) == [(2, "the record is longer than its Content-Length says")]
    cut = (
        "http://r.example/",
        "200 OK",
        "text/html\r\nContent-Encoding: gzip",
        gzip.compress(PAGE.encode())[:-50],
    )
    empty = ("http://s.example/", "\r\n\r\n", "", b"")
    found = read(written(tmp_path / "b.warc", warc(cut, empty, good)))
    assert (ids(found), reasons(found)) == (
        ["http://p.example/"],
        [(2, "the packed page is cut off: its end is missing")],
    )
    assert capsys.readouterr() == ("", "")


def test_feed_entity_bombs_and_other_xml_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    bomb += '<rss version="2.0"><channel><item><title>&b;</title>'
    for encoding in ("utf-8", "utf-16"):
        (found,) = read(written(tmp_path / "a.rss", f"{bomb}</item></channel></rss>".encode(encoding)))
        assert found.reason == "the XML declares entities, which are not expanded here"
    (found,) = read(written(tmp_path / "b.rss", f"<oops>\0</no>{bomb}"))
    assert found.reason == "the XML is damaged and declares entities"
    (found,) = read(written(tmp_path / "c.xml", "<urlset><url>x</url></urlset>"))
    assert found.reason == "not an RSS or Atom feed"


def test_html_nested_too_deeply_is_refused_not_cut(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "a.html", "<p>Words" + "<div>" * 5000 + "more words"))
    assert found.reason == "the HTML is nested too deeply to be read whole"


def test_file_larger_than_a_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate((32 << 20) + 1)  # a sparse file, which takes no room
    assert reasons(read(path)) == [(None, "larger than 32 MiB, the most one record may have")]


@given(content=st.binary(max_size=300))
@pytest.mark.parametrize(
    "suffix",
    ["txt", "md", "html", "jsonl", "jsonl.gz", "jsonl.zst", "csv", "parquet", "warc", "warc.gz", "xml"],
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(content)
    assert all(isinstance(one, Record | Rejected) for one in read(path))
