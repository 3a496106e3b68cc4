"""Rows and texts read in: text, title, date, source, ids and metadata have the values written here."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from reading import ARTICLE, BODY, ROW, jsonl, only, read, written

from indexer.articles import Record, normalise_text
from indexer.readers.front_matter import split_front_matter
from passage_index.types import Article, PartialDate


def test_jsonl_every_key_and_packing_gives_the_same_article(tmp_path: Path) -> None:
    for name, pack in (
        ("a.jsonl", bytes),
        ("a.ndjson.gz", gzip.compress),
        ("a.jsonl.zst", zstandard.compress),
    ):
        assert read(written(tmp_path / name, pack(jsonl(ROW)))) == [Record(ARTICLE, str(tmp_path / name), 1)]


def test_jsonl_other_names_of_keys_and_lines(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "body": BODY,
        "published_at": "2021-03-12T08:00:00Z",
        "url": "http://www.lindow.example/b",
        "source": "The Post",
        "language": "en-GB",
        "text": "",
        "metadata": {"page": 3, "desk": "x"},
        "desk": "y",
        "score": float("nan"),
        "none": None,
    }
    first, second = read(written(tmp_path / "a.jsonl", b"\n" + jsonl(row) + b"  \n" + jsonl({"Text": BODY})))
    assert (first.line, second.line) == (2, 4)
    assert first.article == Article(
        id="7",
        text=BODY,
        published=PartialDate.parse("2021-03-12"),
        source="The Post",
        url="http://www.lindow.example/b",
        language="en-GB",
        metadata={"page": 3, "desk": "y"},
    )
    assert second.article == Article(id="a.jsonl#4", text=BODY, language="en")


@pytest.mark.parametrize(
    ("given", "source", "url", "kept"),
    [
        ({"source": "The  Post"}, "The Post", None, {}),
        ({"url": "https://news.a.example:80/x"}, "news.a.example", "https://news.a.example:80/x", {}),
        (
            {"source": "http://a.example/1", "url": "http://b.example/2"},
            "a.example",
            "http://b.example/2",
            {},
        ),
        ({"url": "javascript:alert(1)"}, None, None, {"url": "javascript:alert(1)"}),
        ({"url": "http://[bad/"}, None, None, {"url": "http://[bad/"}),
        ({"source": {"name": "Post"}}, None, None, {"source": {"name": "Post"}}),
    ],
)
def test_source_and_url(
    tmp_path: Path, given: dict[str, Any], source: str | None, url: str | None, kept: dict[str, Any]
) -> None:
    article = only(written(tmp_path / "a.jsonl", jsonl({"text": BODY, **given})))
    assert (article.source, article.url, article.metadata) == (source, url, kept)


def test_date_line_in_the_text_is_taken_out_and_metadata_wins(tmp_path: Path) -> None:
    text = f" date 2023-11-09 {BODY}"
    rows = (
        {"text": text},
        {"text": text, "date": "2023-11-10"},
        {"text": text, "date": "9/11/2023"},
        {"text": text, "date": "2023-11-09"},
    )
    articles = [found.article for found in read(written(tmp_path / "a.jsonl", jsonl(*rows)))]
    assert [article.text for article in articles] == [BODY] * 4
    assert [str(article.published) for article in articles] == [
        "2023-11-09",
        "2023-11-10",
        "2023-11-09",
        "2023-11-09",
    ]
    assert [article.metadata for article in articles] == [
        {},
        {"date_in_text": "2023-11-09"},
        {"date_as_given": "9/11/2023"},
        {},
    ]


@pytest.mark.parametrize(
    ("content", "title", "published", "text"),
    [
        (f"Bridge closed\n\n{BODY}", "Bridge closed", "None", BODY),
        (
            f"\ufeffBridge closed\r\n\r\nPublished: 12 March 2021\r\n{BODY}",
            "Bridge closed",
            "2021-03-12",
            BODY,
        ),
        (f"March 12, 2021\n\nBridge closed\n\n{BODY}", "Bridge closed", "2021-03-12", BODY),
        (
            f"---\ntitle: 'Bridge: closed'\ndate: 2021\n# x\ntags:\n - a\n---\n\n{BODY}",
            "Bridge: closed",
            "2021",
            BODY,
        ),
        (f"It is closed.\n\n{BODY}", "", "None", f"It is closed.\n\n{BODY}"),
        (f"Bridge\nclosed\n\n{BODY}", "", "None", f"Bridge\nclosed\n\n{BODY}"),
        (f"{'B' * 121}\n\n{BODY}", "", "None", f"{'B' * 121}\n\n{BODY}"),
        (f"---\n\n{BODY}\n\n---", "", "None", f"---\n\n{BODY}\n\n---"),
        ("Bridge closed", "", "None", "Bridge closed"),
    ],
)
def test_txt_title_and_date(tmp_path: Path, content: str, title: str, published: str, text: str) -> None:
    article = only(written(tmp_path / "a.txt", content))
    assert (article.title, str(article.published), article.text) == (title, published, text)


@pytest.mark.parametrize(
    ("given", "published", "kept"),
    [
        ("2021-03-12", "2021-03-12", {}),
        ("2021-03-14", "2021-03-14", {"date_in_text": "2021-03-12"}),
        ("last week", "2021-03-12", {"date_as_given": "last week"}),
    ],
)
def test_txt_date_line_below_front_matter(
    tmp_path: Path, given: str, published: str, kept: dict[str, str]
) -> None:
    article = only(
        written(tmp_path / "a.txt", f"---\ndate: {given}\n---\nDate: 2021-03-12\n\nBridge\n\n{BODY}")
    )
    assert (article.title, article.text, str(article.published)) == ("Bridge", BODY, published)
    assert article.metadata == kept


def test_txt_front_matter_fills_the_article(tmp_path: Path) -> None:
    head = "\n".join(f'{key}: "{value}"' for key, value in ROW.items() if key != "text")
    assert only(written(tmp_path / "a.txt", f"---\n{head}\n---\n{BODY}\n")) == ARTICLE
    assert only(written(tmp_path / "b.txt", f"{BODY}".encode("utf-16"))).text == BODY


BLOCKS = {
    "tags:\n  - harbour\n  - eel\npinned: true\nwords: 12\nshare: -0.5": {
        "tags": ["harbour", "eel"], "pinned": True, "words": 12, "share": -0.5,
    },
    "title: >\n  A long\n  title\nsubtitle: 'Ann''s'": {"title": "A long title", "subtitle": "Ann's"},
    "date: 2024-06-01 # published\ntags: [eel, fish]": {"date": "2024-06-01", "tags": ["eel", "fish"]},
    "id: 007\ntitle: 1.10\nsource: true": {"id": "007", "title": "1.10", "source": "true"},
    "a: '12'\nb: no\nc: 012\nd: 1e5\ne:": {"a": "12", "b": "no", "c": "012", "d": "1e5", "e": ""},
    "by: {name: Ann, age: 7}": {"by": {"name": "Ann", "age": 7}},
    # What is no YAML, or has aliases, is read line by line.
    "title: Fire: the sequel\ntags: [a]\n  - b": {"title": "Fire: the sequel", "tags": "[a]"},
    "a: &x [1, 2]\nb: *x": {"a": "&x [1, 2]", "b": "*x"},
    "handle: @news": {"handle": "@news"},
    "k: " + "[" * 5000: {"k": "[" * 5000},
    "k: " + "[" * 30_000: {"k": "[" * 30_000},
    "": {},
}  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS)
def test_front_matter_is_yaml_or_lines(block: str) -> None:
    lines = f"{block}\n" if block else ""
    assert split_front_matter(f"---\n{lines}---\n{BODY}") == (BLOCKS[block], BODY)


def test_front_matter_may_be_toml() -> None:
    block = "title = 'Flood'\nDate = 2024-06-01\ntags = ['a']\n[more]\nx = 1"
    fields = {"title": "Flood", "date": "2024-06-01", "tags": ["a"], "more": {"x": 1}}
    assert split_front_matter(f"+++\n{block}\n+++\n\n{BODY}") == (fields, BODY)
    for text in (f"+++\nno toml\n+++\n{BODY}", f"+++\na = 1\n{BODY}", "+++\na = 1\n++++\n", f"+++ {BODY}"):
        assert split_front_matter(text) == ({}, text)


@pytest.mark.parametrize(
    ("row", "published", "kept"),
    [
        ({"date": "soon", "published_at": "2024"}, "2024", {"date_as_given": "soon"}),
        ({"date": "", "published_at": "2024"}, "2024", {}),
        ({"date": "soon", "published_at": "later"}, "None", {"date_as_given": "soon"}),
        ({"date": "2023", "published_at": "2024"}, "2023", {"published_at": "2024"}),
    ],
)
def test_the_first_date_that_can_be_read_counts(
    tmp_path: Path, row: dict[str, str], published: str, kept: dict[str, str]
) -> None:
    article = only(written(tmp_path / "a.jsonl", jsonl({"text": BODY} | row)))
    assert (str(article.published), article.metadata) == (published, kept)


def test_markdown_words_without_marks(tmp_path: Path) -> None:
    content = (
        "# The *bridge*\n\nIt is **closed**, says [the _council_](http://x.example 'z'),\nsince `Monday`.\\\n"
        "For now.\n\n## Why\n\n- cracks\n- age\n\n2. first\n\n   more\n\n```py\nx = 1\n\ny = 2\n```\n\n"
        "<div>Kept &amp; <i>shown</i></div>\n\n<!-- not shown -->\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n"
        "![A pier](p.png) &copy; * * *\n\n---\n\nEnd."
    )
    article = only(written(tmp_path / "a.markdown", content))
    assert article.title == "The bridge"
    assert article.text == (
        "It is closed, says the council, since Monday.\nFor now.\n\nWhy\n\n- cracks\n- age\n\n"
        "2. first\n\nmore\n\nx = 1\n\ny = 2\n\nKept & shown\n\na | b\n1 | 2\n\nA pier © * * *\n\nEnd."
    )
    titled = only(written(tmp_path / "b.md", f"---\ntitle: Given\n---\n# Heading\n\n{BODY}"))
    assert (titled.title, titled.text) == ("Given", f"Heading\n\n{BODY}")


def test_csv_quoted_newlines_and_line_numbers(tmp_path: Path) -> None:
    content = (
        '\ufeffID,Title,Text,Views\r\n1,"One, two","A first\nline ""quoted""",12\r\n\r\n,,Second text,\r\n'
    )
    first, second = read(written(tmp_path / "a.csv", content))
    assert (first.line, first.article) == (
        2,
        Article(
            id="1", title="One, two", text='A first\nline "quoted"', language="en", metadata={"Views": "12"}
        ),
    )
    assert (second.line, second.article.id, second.article.metadata) == (5, "a.csv#5", {})
    assert only(written(tmp_path / "b.csv", "id;text\n4;a, b, c\n")).text == "a, b, c"


def test_parquet_rows(tmp_path: Path) -> None:
    day = PartialDate.parse("2021-03-12")
    table = pa.table(
        {
            "id": [1, None],
            "text": [BODY, BODY + " Twice."],
            "date": pa.array([day.first, None], pa.date32()),
            "tags": [["a", "b"], None],
            "raw": [b"\0", None],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = read(tmp_path / "a.parquet")
    assert (first.line, first.article.id, first.article.published) == (1, "1", day)
    assert first.article.metadata == {"tags": ["a", "b"]}
    assert (second.line, second.article.id, second.article.text) == (2, "a.parquet#2", BODY + " Twice.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a \r\n\r\n\r\n\r\nb\0", "a\n\nb"),
        ("\ufeff  e\u0301t\ufefe\u0000e\u200b \t\n", "ét\ufefee"),
        ("e\x00\u0301", "é"),
        ("one\rtwo\x0bthree\x85four\u2028five", "one\ntwo\nthree\nfour\nfive"),
        (" \u00a0 ", ""),
    ],
)
def test_normalise_text(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@given(st.text() | st.text(alphabet="a \t\n\r\0\ufeff\u0301\u1100\u1161\u2028\x1f", max_size=30))
def test_normalise_text_is_idempotent(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert not set(once) & {"\r", "\0", "\ufeff", "\x7f"}
    assert "\n\n\n" not in once and once == once.strip()
