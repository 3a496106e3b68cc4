"""What the page shows beside plain hits: the answer, articles, what narrows, files, the status, likeness."""

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from passage_index.snapshot import open_snapshot
from search_api.app import create_app
from search_api.page.words import article_link, direction, share, size
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.replies import Page, page
from tests.test_answers import ARTICLES as FERRY
from tests.test_answers import ASKED
from tests.written_cases import built

QUESTION = "how many cracks did engineers find in the piers?"
ASK = "/?q=how+many+cracks+did+engineers+find+in+the+piers%3F"


def plain(found: Page, pattern: str) -> str:
    return " ".join(" ".join(found.texts(pattern)).split())


def test_the_answer_is_that_of_ask_with_its_source_date_and_confidence(client: TestClient) -> None:
    asked = client.get("/v1/ask", params={"q": QUESTION}).json()
    shown = page(client, ASK)
    assert plain(shown, 'class="quote"') == " ".join(asked["answer"]["text"].split())
    assert f"confidence {share(asked['confidence'])}" in plain(shown, 'class="sure"')
    cited = asked["citations"][0]
    box = re.search(r'<section class="answer".*?</section>', shown.html, re.DOTALL)[0]
    assert cited["source"] in box and cited["sha256"] in box and "quotation checked" in box
    span = asked["answer"]["span"]
    marked = unescape("".join(re.findall(r'<mark class="sentence">(.*?)</mark>', box)))
    assert marked == (span["text"] if span else "")


@pytest.fixture(scope="module")
def ferry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service over articles that agree, differ and correct each other."""
    index = built(tmp_path_factory.mktemp("ferry"), FERRY)
    searcher = Searcher(open_snapshot(index), FakeEncoder())
    with TestClient(create_app(Settings(index=index, ask_from=0.0), searcher)) as opened:
        yield opened
    searcher.close()


@pytest.mark.parametrize("until", ["2024-02-15", "2024-03"])
def test_other_sources_figures_and_newer_articles_stand_in_the_box(ferry: TestClient, until: str) -> None:
    asked = ferry.get("/v1/ask", params={"q": ASKED, "date_to": until}).json()
    shown = ferry.get("/", params={"q": ASKED, "date_to": until}).text
    box = re.search(r'<section class="answer".*?</section>', shown, re.DOTALL)[0]
    assert asked["answer"]["text"] in unescape(re.sub("<[^>]*>", "", box))
    for one in asked["disagreements"]:
        assert f"<b>{one['other_says']}</b> instead of <b>{one['answer_says']}</b>" in box
        assert article_link(
            one["citation"]["article_id"], one["citation"]["start"], one["citation"]["end"]
        ) in unescape(box)
    assert ("Newer, and it may correct this" in box) == bool(asked["newer"])
    others = asked["independent_sources"]
    told = f"{others} independent sources say so" if others > 1 else "One source says so"
    assert told in box
    assert bool(asked["disagreements"]) == (until == "2024-03") and (others > 1 or until == "2024-03")


def test_a_question_without_an_answer_gets_a_plain_no_and_a_subject_does_not(client: TestClient) -> None:
    refused = page(client, "/?q=who+painted+the+ceiling+of+the+opera%3F")
    assert "Not found here" in refused.html and len(refused.texts('class="passage')) > 0
    assert "Not found here" not in page(client, "/?q=opera+ceiling").html
    assert "Not found here" not in page(client, "/?q=who+painted+the+opera%3F&mode=keyword").html
    assert "Not found here" not in page(client, "/?q=who+painted+the+opera%3F&offset=10").html


def test_passages_of_one_article_stand_together(client: TestClient) -> None:
    shown = page(client, "/?q=bridge+at+Lindow+surveyor+measured+cracks")
    hits = client.get("/v1/search", params={"q": "bridge at Lindow surveyor measured cracks"}).json()["hits"]
    articles = list(dict.fromkeys(hit["article_id"] for hit in hits))
    assert len(articles) < len(hits), "two passages of an article are among the hits"
    assert len(shown.of("article", **{"class": "hit"})) == len(articles)
    assert sorted(int(rank) for rank in re.findall(r'id="hit-(\d+)"', shown.html)) == [
        hit["rank"] for hit in hits
    ]


def test_tags_name_what_narrows_and_take_it_away(client: TestClient) -> None:
    shown = page(
        client,
        "/?q=x+bridge&mode=keyword&date_from=2019&date_to=2023&source=Port+Gazette&source=Island+Times&language=en&group_by=article&sort=newest",
    )
    labels = [" ".join(text.split()) for text in shown.texts('class="tag"')]
    assert labels == [
        "words only ×, remove", "2019 to 2023 ×, remove", "Port Gazette ×, remove", "Island Times ×, remove",
        "English ×, remove", "one passage per article ×, remove",
    ]  # fmt: skip
    left = [parse_qs(urlsplit(str(one["href"])).query) for one in shown.of("a", **{"class": "tag"})]
    assert "mode" not in left[0] and "date_from" not in left[1] and left[2]["source"] == ["Island Times"]
    assert "language" not in left[4] and "group_by" not in left[5]
    assert all(one["sort"] == ["newest"] and one["q"] == ["x bridge"] for one in left)


def test_sources_lead_to_as_many_hits_as_they_count(client: TestClient) -> None:
    shown = page(client, "/?q=lighthouse+goats+observatory&mode=keyword")
    facet = re.search(r'<ul class="facet">.*?</ul>', shown.html, re.DOTALL)[0]
    counted = re.findall(r'<a href="([^"]*)"><bdi>(.*?)</bdi> <span class="number">(\d+)', facet)
    assert len(counted) >= 2
    for link, name, count in counted:
        narrowed = page(client, unescape(link))
        assert f"of {count} passage" in " ".join(narrowed.html.split())
        assert set(re.findall(r'class="origin">\s*<bdi>(.*?)</bdi>', narrowed.html)) == {name}


def test_language_narrows(client: TestClient) -> None:
    shown = page(client, "/?q=%D0%BC%D1%96%D1%81%D1%82&mode=keyword&language=uk")
    assert [one["lang"] for one in shown.of("blockquote")] == ["uk"]


def test_more_like_this_is_that_of_the_api(client: TestClient) -> None:
    hit = client.get("/v1/search", params={"q": QUESTION}).json()["hits"][0]
    shown = page(client, f"/?q=cracks&like={hit['id']}")
    alike = client.post("/v1/similar", json={"passage_id": hit["id"]}).json()
    assert sorted(re.findall(r'id="hit-(\d+)"', shown.html), key=int) == [
        str(one["rank"]) for one in alike["hits"]
    ]
    assert alike["hits"][0]["title"] in plain(shown, 'id="hit-1"')
    assert hit["title"] in plain(shown, 'class="like"') and "/?q=cracks" in shown.links("/?q=cracks")
    assert shown.of("input", name="q", value="cracks")
    page(client, "/?like=nothing", 404)


def test_results_as_json_are_the_reply_of_the_api(client: TestClient) -> None:
    (link,) = page(client, "/?q=barometer&source=Weather+Office&offset=10").links("/results.json")
    reply = client.get(unescape(link))
    assert reply.headers["content-disposition"] == 'attachment; filename="passages.json"'
    expected = client.get(
        "/v1/search", params={"q": "barometer", "source": "Weather Office", "limit": 100}
    ).json()
    assert reply.json() | {"took_ms": 0} == expected | {"took_ms": 0}


def test_results_as_csv_hold_the_passages_and_no_formula(client: TestClient) -> None:
    reply = client.get("/results.csv", params={"q": "burglars wrote on the vault", "mode": "keyword"})
    assert (
        reply.content.startswith("\ufeff".encode())
        and reply.headers["content-type"] == "text/csv; charset=utf-8"
    )
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    hits = client.get(
        "/v1/search", params={"q": "burglars wrote on the vault", "mode": "keyword", "limit": 100}
    ).json()["hits"]
    assert [(row["rank"], row["article_id"], row["text"], row["sha256"]) for row in rows] == [
        (str(hit["rank"]), hit["article_id"], hit["text"], hit["sha256"]) for hit in hits
    ]
    assert not any(str(value).startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    client_reply = client.get(
        "/results.csv", params={"q": "x", "date_from": "soon"}, headers={"accept": "text/html"}
    )
    assert client_reply.status_code == 422 and "date_from" in client_reply.text


def test_an_article_has_related_ones_and_never_itself(client: TestClient) -> None:
    shown = page(client, "/articles/report-03")
    related = re.search(r'<section class="related".*?</section>', shown.html, re.DOTALL)[0]
    links = re.findall(r'href="/articles/([^?"]*)', related)
    assert len(links) == 5 and "report-03" not in links and len(set(links)) == 5
    assert all(link.startswith("report-") for link in links)


def test_the_status_tells_what_stats_tell(client: TestClient, settings: Settings) -> None:
    stats = client.get("/v1/stats").json()
    shown = page(client, "/status")
    text = " ".join(re.sub(r"<[^>]*>", " ", unescape(shown.html)).split())
    for told in (
        f"{len(ARTICLES)} articles", f"{stats['passages']} passages", f"{stats['sentences']} sentences",
        f"{size(stats['index_bytes'])} on disk", "fake, 64 dimensions", "2019-01-01 to 2023-11-30", "1 passages undated",
        "all, searched exactly", "Searches are answered.", "Weather Office 23", "Ukrainian 1", "Arabic 1",
    ):  # fmt: skip
        assert told in text, told


def test_the_status_is_told_when_the_index_folder_is_gone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search_api.routes_page.shutil.disk_usage", Mock(side_effect=FileNotFoundError))
    assert "the index folder cannot be reached" in page(client, "/status").html


def test_directions_shares_and_sizes() -> None:
    assert [direction(one) for one in ("ar", "fa-IR", "he_IL", "uk", "en", None, "ha")] == [
        "rtl",
        "rtl",
        "rtl",
        "ltr",
        "ltr",
        "auto",
        "ltr",
    ]
    assert [share(one) for one in (0.0, 0.001, 0.824, 0.999, 1.0)] == [
        "0 %",
        "less than 1 %",
        "82 %",
        "99 %",
        "100 %",
    ]
    assert [size(one) for one in (12, 1234, 417_000, 1_400_000_000)] == [
        "12 bytes",
        "1.2 KB",
        "417 KB",
        "1.4 GB",
    ]


@pytest.mark.parametrize("path", ["/?q=x&sort=upwards", "/?q=x&language=%00", "/?like=" + "a" * 5000])
def test_what_cannot_be_asked_is_a_fault_and_no_failure(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"accept": "text/html"}).status_code in (400, 404, 422)


def test_a_file_of_results_is_json_with_all_fields(client: TestClient) -> None:
    body = json.loads(
        client.get(
            "/results.json",
            params={"like": client.get("/v1/search", params={"q": "goats"}).json()["hits"][0]["id"]},
        ).text
    )
    assert body["answerable"] is None and len(body["hits"]) > 10
