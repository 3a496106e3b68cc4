"""Articles by address: what is read, and all that is refused. Every server here is on the loopback."""

import gzip
import time
import zlib
from http.server import BaseHTTPRequestHandler

import pytest

from indexer.articles import Record, read_articles
from indexer.web import fetching
from indexer.web.fetching import MEBIBYTE, Limits
from indexer.web.manners import Visitor
from indexer.web.pages import web_sources
from passage_index.types import Article, PartialDate
from tests.pdfs import pdf
from tests.reading import BODY, PAGE
from tests.web_reading import LIMITS, TEXT, only, read, reason
from tests.web_stub import Site


def test_a_page_is_an_article_with_its_address_date_and_title(here: Site) -> None:
    page = PAGE.replace("https://www.lindow.example/bridge", "/bridge?page=1#top")
    asked = here.put("/amp/bridge", page)
    assert only(asked) == Article(
        id=f"{here.root}/bridge?page=1#top",
        text=TEXT,
        title="Bridge closed",
        published=PartialDate.parse("2021-03"),
        source="127.0.0.1",
        url=f"{here.root}/bridge?page=1#top",
        language="en",
        metadata={"author": "Ada Quill", "fetched_from": asked},
    )
    assert here.headers[0]["User-Agent"] == fetching.USER_AGENT
    assert "Cookie" not in here.headers[0] and here.headers[0]["Accept-Encoding"] == "gzip, deflate"


def test_a_canonical_link_to_another_host_is_not_believed(here: Site) -> None:
    article = only(here.put("/bridge", PAGE))  # it names lindow.example
    assert (article.id, article.url) == (f"{here.root}/bridge", f"{here.root}/bridge")


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        (PAGE.encode(), "application/octet-stream", TEXT),
        (
            PAGE.replace("Monday", "Mardi à 8 h").encode("cp1252"),
            "text/html; charset=windows-1252",
            TEXT.replace("Monday", "Mardi à 8 h"),
        ),
        (f"Bridge closed\n\n{BODY}".encode(), "text/plain; charset=utf-8", BODY),
        (pdf([BODY]), "application/octet-stream", BODY),
    ],
)
def test_what_it_is_is_seen_by_body_and_type(here: Site, body: bytes, media_type: str, text: str) -> None:
    assert only(here.put("/a", body, media_type)).text == text


def test_packed_pages_are_unpacked(here: Site) -> None:
    assert only(here.put("/gz", gzip.compress(PAGE.encode()), Content_Encoding="gzip")).text == TEXT
    assert only(here.put("/z", zlib.compress(PAGE.encode()), Content_Encoding="deflate")).text == TEXT


def test_redirects_are_followed_so_far_and_no_further(here: Site) -> None:
    here.put("/end", PAGE)
    for step in range(5):
        here.redirect(f"/{step}", f"/{step - 1}" if step else "end")
    assert only(f"{here.root}/4").url == f"{here.root}/end"
    here.redirect("/5", f"{here.root}/4")
    assert reason(f"{here.root}/5") == "more than 5 redirects"
    loop = here.redirect("/loop", "/loop")
    here.asked.clear()
    assert reason(loop) == "more than 5 redirects"
    assert here.asked == ["/loop"] * 6


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("file:///etc/passwd", "the scheme 'file'"),
        ("gopher://127.0.0.1/", "the scheme 'gopher'"),
        ("http://user:secret@127.0.0.1/", "a name or password"),
        ("http://[::1", "redirect"),
    ],
)
def test_redirects_to_what_is_no_web_address_are_refused(here: Site, to: str, why: str) -> None:
    told = reason(here.redirect("/r", to))
    assert why in told and "redirect" in told and "secret" not in told


def headers_of(request: BaseHTTPRequestHandler, **headers: str) -> None:
    request.send_response(200)
    for name, value in {"Content_Type": "text/html", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()


def test_a_body_that_drips_ends_with_the_time(here: Site) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        headers_of(request)
        while not here.stopping.wait(0.05):
            request.wfile.write(b"<p>slow</p>")
            request.wfile.flush()

    def drip_headers(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while not here.stopping.wait(0.05):
            number += 1
            request.wfile.write(f"X-{number}: slow\r\n".encode())
            request.wfile.flush()

    def silent(_: BaseHTTPRequestHandler) -> None:
        here.stopping.wait(30)

    limits = Limits(timeout_s=0.5, allow_private=True)
    for path, answer in (("/body", drip), ("/headers", drip_headers), ("/silent", silent)):
        begun = time.monotonic()
        assert reason(here.on(path, answer), limits) == "no whole answer within 0.5 s (--timeout)"
        assert time.monotonic() - begun < 5.0


def test_redirects_share_one_time_limit(here: Site) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        here.stopping.wait(0.2)
        request.send_response(302)
        request.send_header("Location", "/again")
        request.end_headers()

    limits = Limits(timeout_s=0.5, redirects=1000, allow_private=True)
    assert "within 0.5 s" in reason(here.on("/again", slow), limits)
    assert len(here.asked) <= 3


def test_bodies_larger_than_the_limit_are_not_read_on(here: Site) -> None:
    sent = 0

    def endless(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        headers_of(request)
        while not here.stopping.is_set():
            sent += request.wfile.write(b"x" * 65536)

    assert reason(here.on("/endless", endless)) == "more than 1 MiB (--max-mb)"
    assert sent < 64 * MEBIBYTE
    assert reason(here.put("/big", b"x" * (MEBIBYTE + 1))) == "more than 1 MiB (--max-mb)"


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_bombs_are_not_unpacked(here: Site, packing: str) -> None:
    zeros = b"0" * (24 * MEBIBYTE)
    packed = gzip.compress(zeros) if packing == "gzip" else zlib.compress(zeros)
    assert len(packed) < MEBIBYTE
    assert reason(here.put("/bomb", packed, Content_Encoding=packing)) == "a page of more than 1 MiB"


def test_packings_that_were_not_asked_for_are_refused(here: Site) -> None:
    for encoding in ("br", "zstd", "gzip, gzip"):
        told = reason(here.put("/a", b"...", Content_Encoding=encoding))
        assert told == f"content encoding {encoding!r}, which was not asked for; expected gzip or deflate"
    assert "damaged" in reason(here.put("/d", b"\x1f\x8b damaged", Content_Encoding="gzip"))


def test_headers_without_end_are_refused(here: Site) -> None:
    def one_long(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not here.stopping.is_set():
            request.wfile.write(b"x" * 65536)

    def interim(request: BaseHTTPRequestHandler) -> None:
        while not here.stopping.is_set():
            request.wfile.write(b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" * 100)

    assert "does not keep to HTTP" in reason(here.on("/long", one_long))
    limits = Limits(timeout_s=1.0, allow_private=True)
    assert reason(here.on("/interim", interim), limits) == "no whole answer within 1 s (--timeout)"


def test_answers_that_are_no_http_or_no_article(here: Site) -> None:
    garbage = here.on("/garbage", lambda request: request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n") and None)
    assert "does not keep to HTTP" in reason(garbage)
    cut_off = here.on("/cut", lambda request: headers_of(request, Content_Length="1000"))
    assert "does not keep to HTTP" in reason(cut_off)
    assert reason(here.put("/png", b"\x89PNG", "image/png")) == (
        "the type is 'image/png'; expected HTML, a feed, PDF or plain text"
    )
    assert "the type is 'application/json'" in reason(here.put("/j", b"{}", "application/json"))
    assert reason(f"{here.root}/missing") == "the server answered 404 Not Found"
    assert reason(here.put("/teapot", "", status=599)) == "the server answered 599"
    assert "cannot be reached" in reason("http://127.0.0.1:9/")


def feed(here: Site, *links: str, summary: str = "Cracks were found.") -> str:
    entries = "".join(
        f"<item><guid>g{n}</guid><title>Entry {n}</title><link>{link}</link>"
        f"<pubDate>Fri, 12 Mar 2021 23:00:00 -0500</pubDate><description>{summary}</description></item>"
        for n, link in enumerate(links, 1)
    )
    return here.put(
        "/feed", f'<?xml version="1.0"?><rss version="2.0"><channel><title>The Post</title>{entries}</channel></rss>',
        "text/html",
    )  # fmt: skip


def test_a_feed_is_known_by_its_content(here: Site) -> None:
    address = feed(here, f"{here.root}/1", f"{here.root}/2")
    for found in (read(address), read(feeds=(address,))):
        assert [one.article.id for one in found] == ["g1", "g2"]
        assert [one.article.text for one in found] == ["Cracks were found."] * 2
    assert here.asked == ["/feed", "/feed"]


def test_what_is_no_feed_says_where_the_feed_is(here: Site) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/rss.xml">'
    address = here.put("/", PAGE.replace("<head>", f"<head>{link}"))
    (found,) = read(feeds=(address,))
    assert found.reason == f"not a feed but text/html; the page names {here.root}/rss.xml as its feed"


def test_followed_entries_have_the_text_of_their_pages(here: Site) -> None:
    here.put("/1", PAGE)
    here.put("/2", "<p>Subscribe to read on.</p>")
    whole = "Cracks were found in two piers of the bridge, the council said on Friday."
    address = feed(
        here, f"{here.root}/1", f"{here.root}/2", f"{here.root}/gone", f"{here.root}/4", summary=whole
    )
    one, stub, gone, unread = read(address, follow=3)
    assert (one.article.id, one.article.title, one.article.text) == ("g1", "Entry 1", TEXT)
    assert (str(one.article.published), one.article.url) == ("2021-03-12", f"{here.root}/1")
    assert one.article.metadata == {"author": "Ada Quill", "feed": "The Post"}
    assert stub.article.text == whole  # the page had less than the feed
    assert (gone.path, gone.line) == (address, 3)
    assert (
        gone.reason == f"the linked page {here.root}/gone cannot be read: the server answered 404 Not Found"
    )
    assert (unread.article.id, unread.article.text) == ("g4", whole)
    assert here.asked == ["/feed", "/robots.txt", "/1", "/2", "/gone"]


def test_robots_txt_is_asked_before_links_are_followed(here: Site) -> None:
    here.put("/robots.txt", "User-agent: article-search\nDisallow: /1\n", "text/plain")
    here.put("/1", PAGE)
    here.put("/2", PAGE)
    one, two = read(feed(here, f"{here.root}/1", f"{here.root}/2"), follow=9)
    assert "robots.txt of the host asks not to read it" in one.reason
    assert two.article.text == TEXT
    assert only(f"{here.root}/1").text == TEXT  # a person asked for this one
    here.put("/robots.txt", "", status=503)
    assert all("robots.txt" in found.reason for found in read(feed(here, f"{here.root}/2"), follow=9))


def test_two_requests_to_a_host_are_apart(here: Site) -> None:
    here.put("/1", PAGE)
    visitor = Visitor(LIMITS, pause_s=0.2)
    begun = time.monotonic()
    list(read_articles([], web_sources([f"{here.root}/1"] * 3, [], visitor)))
    assert time.monotonic() - begun >= 0.4


def test_the_same_article_at_two_addresses_is_rejected_and_not_the_end(here: Site) -> None:
    page = PAGE.replace("https://www.lindow.example/bridge", "/bridge")
    here.put("/1", page)
    here.put("/2", page)
    here.put("/3", "<p>Another article, with words of its own.</p>")
    one, two, three = read(f"{here.root}/1", f"{here.root}/2", f"{here.root}/3")
    assert isinstance(one, Record) and isinstance(three, Record)
    assert two.reason == f"the id '{here.root}/bridge' was read already, from another address"
