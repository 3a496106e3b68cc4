"""Pages, web archives and feeds read in: the article and what its page says of it."""

import gzip
import zlib
from pathlib import Path

import pytest
from reading import BODY, PAGE, only, read, warc, written

from indexer.articles import Rejected
from passage_index.types import Article, PartialDate


def test_html_article_date_and_source(tmp_path: Path) -> None:
    article = only(written(tmp_path / "a.HTML", PAGE))
    assert article == Article(
        id="a.HTML",
        text=f"{BODY}\n\nIt stays shut until May.",
        title="Bridge closed",
        published=PartialDate.parse("2021-03"),
        source="lindow.example",
        url="https://www.lindow.example/bridge",
        language="en",
        metadata={"author": "Ada Quill"},
    )


@pytest.mark.parametrize(
    ("head", "published"),
    [
        (
            '<script type="application/ld+json">{"datePublished": "2020-02-03T10:00:00Z"}</script>',
            "2020-02-03",
        ),
        ('<meta name="dc.date" content="1987">', "1987"),
        ('<meta name="date" content="3 février 2020">', "2020-02-03"),  # htmldate's languages
        ("", "None"),  # the year in the footer is no date of publication
    ],
)
def test_html_date_has_the_precision_declared(tmp_path: Path, head: str, published: str) -> None:
    page = PAGE.replace('<meta property="article:published_time" content="2021-03">', head)
    assert str(only(written(tmp_path / "a.htm", page)).published) == published


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("windows-1251", "cp1251"),
        ("utf-8", "utf-8"),
        ("utf-8", "utf-16"),
        ("no-such", "utf-8"),
        ("utf-8", "cp1251"),
    ],
)
def test_html_encoding_declared_else_guessed(tmp_path: Path, declared: str, encoding: str) -> None:
    text = "Міст через річку Венд закрито з понеділка. Інженери знайшли тріщини у двох опорах старого мосту."
    page = f'<html><head><meta charset="{declared}"></head><body><p>{text}</p></body></html>'
    article = only(written(tmp_path / "a.html", page.encode(encoding)))
    assert (article.text, article.language) == (text, "uk")


def test_html_small_or_damaged_pages_keep_their_text(tmp_path: Path) -> None:
    pages = {
        "<p>Only a fragment</p>": "Only a fragment",
        '<html lang="en" /><body>Words\0 alone': "Words alone",
    }
    for page, text in pages.items():
        assert only(written(tmp_path / "a.html", page)).text == text


@pytest.mark.parametrize("gz", [False, True])
def test_warc_html_pages_only(tmp_path: Path, gz: bool) -> None:
    url = "https://www.post.example/1"
    archive = warc(
        ("http://x.example/a.png", "200 OK", "image/png", b"\x89PNG"),
        ("http://x.example/", "404 No", "text/html", b"<p>no</p>"),
        (
            url,
            "200 OK",
            "text/html; charset=windows-1252",
            PAGE.replace("Monday", "Mardi à 8 h").encode("cp1252"),
        ),
        gz=gz,
    )
    (found,) = read(written(tmp_path / ("a.warc.gz" if gz else "a.warc"), archive))
    article = found.article
    assert (found.line, article.id, article.url, article.source) == (4, url, url, "post.example")
    assert article.text.startswith("The old stone bridge over the Wend was closed on Mardi à 8 h.")


def test_warc_pages_as_servers_pack_them(tmp_path: Path) -> None:
    body, raw = PAGE.encode(), zlib.compressobj(wbits=-15)
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[i : i + 99]), body[i : i + 99]) for i in range(0, len(body), 99)
    )
    packed = {
        "Transfer-Encoding: chunked": chunks + b"0\r\n\r\n",
        "Content-Encoding: gzip": gzip.compress(body),
        "Content-Encoding: GZIP": body,  # some crawlers unpack the body and keep the header
        "Content-Encoding: deflate": zlib.compress(body),
        "content-encoding: deflate": raw.compress(body) + raw.flush(),
    }
    pages = [
        (f"http://p.example/{n}", "200 OK", f"text/html\r\n{head}", packed[head])
        for n, head in enumerate(packed)
    ]
    found = read(written(tmp_path / "a.warc", warc(*pages)))
    assert [one.article.text for one in found] == [f"{BODY}\n\nIt stays shut until May."] * 5


def test_rss_and_atom_entries(tmp_path: Path) -> None:
    rss = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>The Post</title>
    <language>en-gb</language><item><guid>g1</guid><title>Bridge &amp; river</title><link>https://www.post.example/1</link>
    <pubDate>Fri, 12 Mar 2021 23:00:00 -0500</pubDate>
    <description>&lt;p&gt;{BODY}&lt;/p&gt;</description></item>
    <item><title>Nothing</title><link>https://www.post.example/2</link></item></channel></rss>"""
    found, empty = read(written(tmp_path / "a.rss", rss))
    assert found.article == Article(
        id="g1",
        text=BODY,
        title="Bridge & river",
        published=PartialDate.parse("2021-03-12"),
        source="post.example",
        url="https://www.post.example/1",
        language="en-gb",
        metadata={"feed": "The Post"},
    )
    assert empty == Rejected(str(tmp_path / "a.rss"), 2, "no text: none of text, body, content holds any")
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><updated>2021-03-12T10:00:00Z</updated>
    <title type="html">A &lt;i&gt;bridge&lt;/i&gt;</title><summary>Short.</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{BODY}</p></div></content></entry></feed>"""
    article = only(written(tmp_path / "b.xml", atom))
    assert (article.id, article.title, article.text, str(article.published)) == (
        "urn:1",
        "A bridge",
        BODY,
        "2021-03-12",
    )
