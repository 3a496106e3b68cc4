"""The page: what a person sees and follows, without a script, whatever stands in the articles."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from passage_index.types import sha256_text
from search_api.page.words import article_link
from tests.conftest import ARTICLES, BRIDGE
from tests.replies import BROWSER, page


def search(client: TestClient, **asked: object) -> dict:
    return client.get("/v1/search", params=asked).json()


def test_empty_page_offers_three_questions_that_the_corpus_answers(client: TestClient) -> None:
    home = page(client, "/")
    assert f"{len(ARTICLES)} articles in {len(ARTICLES) + 2} passages, 2019–2023" in " ".join(
        home.html.split()
    )
    examples = home.links("/?q=")
    assert len(examples) == 3
    titles = {one["title"] for one in ARTICLES}
    for link in examples:
        (title,) = parse_qs(urlsplit(link).query)["q"]
        assert title in titles
        assert f">{title}</a></h3>" in unescape(page(client, link).html)


def in_order(hits: list[dict]) -> list[dict]:
    """As the page shows them: those of one article where its first one stands."""
    places: dict[str, int] = {}
    for hit in hits:
        places.setdefault(hit["article_id"], len(places))
    return sorted(hits, key=lambda hit: places[hit["article_id"]])


def by_article(hits: list[dict], links: list[str]) -> list[str]:
    of_hit = {hit["rank"]: link for hit, link in zip(hits, links, strict=True)}
    return [of_hit[hit["rank"]] for hit in in_order(hits)]


def test_hits_are_those_of_the_api_in_order(client: TestClient) -> None:
    found = page(client, "/?q=cracks+in+the+piers")
    hits = search(client, q="cracks in the piers")["hits"]
    expected = [article_link(hit["article_id"], hit["start"], hit["end"]) for hit in hits]
    linked = dict.fromkeys(unescape(link) for link in re.findall(r'href="(/articles/[^"]*)"', found.html))
    answered = found.texts('class="quote"')
    assert len(expected) == 10 and [link for link in linked if link in expected] == by_article(hits, expected)
    assert found.of("ol", start="1") and len(answered) <= 1
    for hit, quoted in zip(in_order(hits), found.texts('class="passage'), strict=True):
        assert "".join(quoted.split()) == "".join(hit["text"].split())


def test_sentence_and_words_are_marked_and_nested(client: TestClient) -> None:
    html = page(client, "/?q=foxes+moved+into+the+depot").html
    marked = re.search(r'<mark class="sentence">(.*?\.)</mark>', html)
    assert marked is not None
    assert marked[1] == (
        'Three <mark class="word">foxes</mark> <mark class="word">moved</mark> into the tramway '
        '<mark class="word">depot</mark> 🚋.'
    )
    words_only = page(client, "/?q=zeppelin&mode=keyword").html
    assert '<mark class="word">zeppelin</mark>' in words_only and "sentence" not in words_only


def test_source_and_date_are_told_as_exactly_as_known(client: TestClient) -> None:
    def meta(question: str) -> str:
        return " ".join(page(client, f"/?q={question}").texts('class="origin"')[0].split())

    assert meta("surveyor+Ada+Quill&source=The+Meridian+Wire") == "The Meridian Wire · 9 November 2023"
    assert meta("lighthouse+lamp") == "Port Gazette · November 2023"
    assert meta("observatory+dome") == "The Meridian Wire · 2019"
    assert meta("goats+numbered+tag") == "Island Times · undated"


def test_languages_and_directions_are_marked_up(client: TestClient) -> None:
    quotes = page(client, "/?q=ميناء+للصيادين").of("blockquote", lang="ar", dir="rtl")
    assert [one["class"] for one in quotes] == ["quote", "passage"]
    assert page(client, "/articles/uk").of("h1", lang="uk", dir="ltr")


def test_similar_passages_are_listed_with_their_source(client: TestClient) -> None:
    found = page(client, "/?q=the+surveyor+measured+the+longest+crack")
    assert "<summary>+1 similar</summary>" in found.html
    (listed,) = re.findall(r'<details class="similar">.*?</details>', found.html, re.DOTALL)[:1]
    hit = search(client, q="the surveyor measured the longest crack")["hits"][0]
    twin = hit["duplicates"][0]["article_id"]
    assert f'href="{article_link(twin)}?start=' in listed
    assert ("Island Times" if twin == "bridge-copy" else "The Meridian Wire") in listed


def test_paging_links_lead_through_all_results_and_keep_the_filters(client: TestClient) -> None:
    link, seen, asked = (
        "/?q=barometer+readings&source=Weather+Office&date_from=2020",
        [],
        {"q": "barometer readings"},
    )
    pages = 0
    while link:
        found = page(client, link)
        seen += re.findall(r'id="hit-(\d+)"', found.html)
        later = [str(one["href"]) for one in found.of("a", rel="next")]
        link, pages = later[0] if later else "", pages + 1
    assert seen == [str(rank) for rank in range(1, 24)] and pages == 3
    assert "21–23 of 23 passages" in " ".join(found.html.split())
    (earlier,) = found.of("a", rel="prev")
    assert parse_qs(urlsplit(str(earlier["href"])).query) == {
        "q": [asked["q"]], "source": ["Weather Office"], "date_from": ["2020"], "offset": ["10"],
        "generation": ["1"],
    }  # fmt: skip
    assert "There are no more results" in page(client, "/?q=goats&source=Weather+Office&offset=40").html


def test_total_says_at_least_when_there_may_be_more(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    searcher = client.app.state.serving.searcher
    whole = searcher.find
    monkeypatch.setattr(searcher, "find", lambda request: whole(replace(request, depth=15)))
    reply = search(client, q="barometer")
    assert reply["total_relation"] == "gte"
    assert f"of at least {reply['total']} passages" in " ".join(page(client, "/?q=barometer").html.split())


def test_form_keeps_what_was_filled_in(client: TestClient) -> None:
    found = page(
        client,
        "/?q=%22vault%22+%3Cb%3E&mode=keyword&date_from=2022&date_to=&source=Port+Gazette&group_by=article&x=1",
    )
    assert found.of("input", name="q", value='"vault" <b>')
    assert [one["value"] for one in found.of("input", type="radio") if "checked" in one] == ["keyword"]
    boxes = [one["value"] for one in found.of("input", type="checkbox", name="source") if "checked" in one]
    assert boxes == ["Port Gazette"] and "checked" in found.of("input", name="group_by")[0]
    assert found.of("input", name="date_from", value="2022") and found.of("input", name="date_to", value="")


def test_no_hit_page_offers_a_way_on(client: TestClient) -> None:
    found = page(client, "/?q=zeppelin&mode=keyword&date_from=1900&date_to=1901")
    assert "No passage was found" in found.html
    assert "/?q=zeppelin" in found.links("/?q=")
    assert len(found.links("/?q=")) >= 4  # without filters, and three examples


def test_other_spellings_and_slips_are_told_and_lead_to_the_mended_question(client: TestClient) -> None:
    shown = page(client, "/?q=the+lighthuose+%3Clamp&mode=keyword&offset=1")
    assert shown.links("q=the+lighthouse") == ["/?q=the+lighthouse+%3Clamp&mode=keyword"]
    assert shown.texts('class="meant"') == ["Did you mean the lighthouse <lamp?"]
    assert shown.texts('class="spelled"') == ["Searched also for lighthouse (asked: lighthuose)"]
    assert not page(client, "/?q=the+lighthouse+lamp").texts('class="(?:meant|spelled)"')


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("q=x&date_from=soon", "date_from: not of the form that is wanted here, see /docs"),
        ("q=%3F%3F", "The question has no word in it; ask with at least one letter or digit"),
        ("q=x&offset=ten", "offset: Input should be a valid integer"),
        ("q=x&offset=1.0e9", "offset: Input should be a valid integer"),
        ("q=" + "a" * 5000, "The length of q can be at most 4000 here"),
    ],
)
def test_a_fault_is_told_on_the_page_beside_the_form(client: TestClient, query: str, told: str) -> None:
    found = page(client, f"/?{query}", 422)
    assert told in found.texts('class="fault"')[0]
    assert found.of("input", name="q")


def test_error_pages_are_for_browsers_only(client: TestClient) -> None:
    found = page(client, "/articles/nothing", 404)
    assert "There is no article of this id" in found.html and "/" in found.links("/")
    assert "Not found" in page(client, "/nowhere", 404).html
    for path in ("/v1/articles/nothing", "/search?q="):
        assert client.get(path, headers=BROWSER).headers["content-type"] == "application/problem+json"
    assert client.get("/articles/nothing").headers["content-type"] == "application/problem+json"


def test_article_marks_and_cites_the_passage_a_hit_leads_to(client: TestClient) -> None:
    hit = search(client, q="cracks in the piers", source="The Meridian Wire")["hits"][0]
    link = article_link("bridge", hit["start"], hit["end"])
    assert link in [
        unescape(href) for href in page(client, "/?q=cracks+in+the+piers").links("/articles/bridge?")
    ]
    found = page(client, link.removesuffix("#passage"))
    assert len(found.of("mark", id="passage")) == 1
    marked = "".join(found.texts('class="sentence"'))
    assert "".join(marked.split()) == "".join(hit["text"].split())
    assert hit["sha256"] in found.html
    (check,) = found.links("/v1/verify?")
    assert client.get(unescape(check)).json() == {
        "verified": True, "reason": "matches", "quote": hit["text"], "start": hit["start"], "end": hit["end"],
    }  # fmt: skip
    assert len(re.findall(r"<p><mark|<p>The council|<p>Shop", found.html)) >= 2  # paragraphs stay paragraphs


@pytest.mark.parametrize(
    "place", ["start=0&end=99999", "start=5&end=5", "start=-1&end=4", "start=a", "end=9"]
)
def test_article_shows_itself_when_the_place_is_not_in_it(client: TestClient, place: str) -> None:
    found = page(client, f"/articles/bridge?{place}")
    assert "is not in this article" in found.html and not found.of("mark")
    assert "".join("".join(found.texts('class="text')).split()) == "".join(BRIDGE.split())


def test_ids_of_any_characters_have_a_page_that_results_link_to(client: TestClient) -> None:
    (link,) = [unescape(one) for one in page(client, "/?q=zeppelin&mode=keyword").links("/articles/")]
    assert link.startswith("/articles/a%20folder/50%25%20%C3%BC%3F%23.txt?start=0&end=")
    assert "<code>a folder/50% ü?#.txt</code>" in page(client, link.removesuffix("#passage")).html


def test_markup_in_articles_and_questions_is_only_text(client: TestClient) -> None:
    evil = "%3C/title%3E%3Cscript%3Ealert(%22q%22)%3C/script%3E%22%3E%3Csvg%20onload=alert(1)%3E vault"
    for path in (
        f"/?q={evil}",
        "/?q=burglars+vault&source=%22%3E%3Csvg+onload%3Dalert(1)%3E",
        "/articles/markup?start=0&end=30",
    ):
        found = page(client, path)
        assert not [one for one in found.of("svg") if one.get("class") != "timeline"] and not found.of("b")
        assert all(not str(one.get("href", "")).lower().startswith("javascript") for one in found.of("a"))
    hits = page(client, "/?q=burglars+wrote+on+the+vault&mode=keyword")
    assert "</mark><script>alert('text')</script> on the vault" in hits.texts('class="passage')[0]
    assert '<script>alert("title")</script>' in hits.texts('id="hit-1"')[0]
    assert '"><svg onload=alert(1)>' in hits.texts('class="origin"')[0]


def test_lines_of_wrapped_text_are_joined_and_others_kept(client: TestClient) -> None:
    assert page(client, "/?q=dredge+the+basin&mode=keyword").of("blockquote", **{"class": "passage wrapped"})
    assert page(client, "/?q=zeppelin&mode=keyword").of("blockquote", **{"class": "passage"})
    assert page(client, "/articles/wrapped").of("div", **{"class": "text wrapped"})


def test_style_sheet_is_served_under_an_address_of_its_content(client: TestClient) -> None:
    (sheet,) = page(client, "/").of("link", rel="stylesheet")
    reply = client.get(str(sheet["href"]))
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/css")
    assert str(sheet["href"]).endswith(sha256_text(reply.text)[:12])
