"""Hits by date: their order, what is left out, and that pages and counts fit together."""

from fastapi.testclient import TestClient

from search_api.finding import WORTH_FROM
from tests.replies import problem


def search(client: TestClient, **asked: object) -> dict:
    return client.get("/v1/search", params=asked).json()


def worth(client: TestClient, **asked: object) -> list[dict]:
    """What an order by date holds, by its definition, from the order by relevance."""
    hits = search(client, limit=100, **asked)["hits"]
    least = WORTH_FROM * max(hit["score"] for hit in hits)
    return [hit for hit in hits if hit["score"] >= least]


def test_newest_and_oldest_first_hold_what_is_worth_it_by_date(client: TestClient) -> None:
    asked = {"q": "barometer on day", "mode": "keyword"}
    expected = worth(client, **asked)
    assert len(expected) > 10
    newest = search(client, sort="newest", limit=100, **asked)
    assert newest["total"] == len(expected)
    dates = [hit["published_at"] for hit in newest["hits"]]
    assert dates == sorted((hit["published_at"] for hit in expected), reverse=True)
    assert [hit["rank"] for hit in newest["hits"]] == list(range(1, len(expected) + 1))
    oldest = search(client, sort="oldest", limit=100, **asked)
    assert [hit["id"] for hit in oldest["hits"]] == [hit["id"] for hit in reversed(newest["hits"])]


def test_undated_hits_stand_last_either_way_and_months_by_their_first_day(client: TestClient) -> None:
    asked = {"q": "goats lighthouse observatory bridge", "mode": "keyword", "collapse": False}
    found = {hit["article_id"] for hit in worth(client, **asked)}
    assert {"undated", "month", "year", "bridge"} <= found
    newest = [hit["article_id"] for hit in search(client, sort="newest", limit=100, **asked)["hits"]]
    oldest = [hit["article_id"] for hit in search(client, sort="oldest", limit=100, **asked)["hits"]]
    assert newest[-1] == oldest[-1] == "undated"
    assert newest.index("bridge") < newest.index("month") < newest.index("year")  # 9 November; November; 2019
    assert oldest[0] == "year"


def test_pages_by_date_fit_together_and_facets_count_them(client: TestClient) -> None:
    asked = {"q": "barometer on day", "sort": "oldest", "source": "Weather Office"}
    whole = search(client, limit=100, facets="source,year", **asked)
    paged = [
        hit["id"]
        for offset in range(0, 30, 7)
        for hit in search(client, limit=7, offset=offset, **asked)["hits"]
    ]
    assert paged == [hit["id"] for hit in whole["hits"]]
    assert whole["facets"]["year"] == {"values": [{"name": "2020", "count": whole["total"]}], "others": 0}


def test_more_like_this_can_be_sorted_and_other_orders_are_refused(client: TestClient) -> None:
    reply = client.post("/v1/similar", json={"article_id": "report-03", "sort": "newest", "limit": 50}).json()
    dates = [hit["published_at"] for hit in reply["hits"]]
    assert len(dates) > 5 and dates == sorted(dates, reverse=True)
    assert problem(client.get("/v1/search", params={"q": "goats", "sort": "date"}), 422).startswith("sort: ")
