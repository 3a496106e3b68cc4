"""Filters, `as_of`, facets and older generations over HTTP."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.build import BuildOptions
from indexer.growing import add, delete
from search_api.parameters import SearchParameters, search_request
from search_api.settings import Settings
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import written
from tests.replies import problem

JSON = {"content-type": "application/json"}


def found(client: TestClient, asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same by GET, POST and in a batch."""
    by_get = client.get("/v1/search", params={"q": "the town", **more, "filter": json.dumps(asked)})
    by_post = client.post("/v1/search", json={"q": "the town", **more, "filter": asked})
    batch = client.post("/v1/search/batch", json={"requests": [{"q": "the town", **more, "filter": asked}]})
    replies = [by_get.json(), by_post.json(), *batch.json()["replies"]]
    for reply in replies:
        reply.pop("took_ms")
    assert replies[0] == replies[1] == replies[2]
    return replies[0]


def ids(reply: dict[str, Any]) -> set[str]:
    return {hit["article_id"] for hit in reply["hits"]}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"source": "Island Times"}, {"bridge-copy", "undated"}),
        ({"source": "Island Times", "published_at": {"$exists": False}}, {"undated"}),
        ({"language": {"$in": ["uk", "ar"]}}, {"uk", "ar"}),
        ({"$or": [{"article_id": "a folder/50% ü?#.txt"}, {"title": "Новий міст"}]}, {"a folder/50% ü?#.txt", "uk"}),
        ({"$and": [{"source": "Port Gazette"}, {"published_at": {"$gte": "2023"}}]}, {"month", "ar"}),
        ({"url": {"$exists": True}, "$not": {"source": "The Meridian Wire"}}, {"markup"}),
        ({"metadata.desk": {"$exists": True}}, {"bridge"}),
        ({"source": {"$nin": ["Weather Office", "Port Gazette", "Island Times"]}, "language": "en"},
         {"bridge", "year", "markup"}),
        ({"source": "Nobody"}, set()),
    ],
)  # fmt: skip
def test_a_filter_lets_pass_what_it_says(
    client: TestClient, asked: dict[str, Any], expected: set[str]
) -> None:
    for mode in ("hybrid", "semantic"):
        reply = found(client, asked, limit=100, collapse=False, mode=mode)
        assert ids(reply) == expected
        assert len(reply["hits"]) == reply["total"]


def test_an_empty_filter_filters_nothing(client: TestClient) -> None:
    assert found(client, {})["total"] == client.get("/v1/search", params={"q": "the town"}).json()["total"]
    assert client.post("/v1/search", json={"q": "the town", "filter": None}).json()["total"] > 0


def test_warnings_tell_of_undated_articles_and_of_unknown_keys(client: TestClient) -> None:
    undated = ["articles without a date are left out of a search by date"]
    assert found(client, {"published_at": {"$lt": "2023"}})["warnings"] == undated
    assert found(client, {"published_at": {"$ne": "2023"}})["warnings"] == []
    assert found(client, {"metadata.desk": "none of these"})["warnings"] == []
    assert found(client, {"metadata.colour": "white"})["warnings"] == ["no article has metadata.colour"]
    reply = client.get("/v1/search?q=the+town&as_of=2019&collapse=false").json()
    assert (ids(reply), reply["warnings"]) == ({"year"}, undated)
    reply = client.get("/v1/search?q=the+town&as_of=2021-01&mode=keyword&date_from=2021").json()
    assert ids(reply) <= {"wrapped"} and reply["warnings"] == undated


KNOWN = "known are article_id, source, language, title, url, published_at, metadata.KEY"


@pytest.mark.parametrize(
    ("written_", "told"),
    [
        ('{"colour": "white"}', f"filter: field colour is not known here; {KNOWN}"),
        ('{"metadata.n": NaN}', "filter: metadata.n: compared with text, finite numbers, true or false; found a number that is not finite"),
        ('{"metadata.n": {"$lt": 1e999}}', "filter: metadata.n: compared with text, finite numbers, true or false; found a number that is not finite"),
        ('{"source": "\\ud800"}', "filter: source: a value holds a NUL or half of a surrogate pair, which is no character"),
        ('"source"', 'filter: a filter is an object such as {"source": "Port Gazette"}; found text'),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_used_is_refused(client: TestClient, written_: str, told: str) -> None:
    assert problem(client.get("/v1/search", params={"q": "x", "filter": written_}), 422) == told
    body = f'{{"q": "x", "filter": {written_}}}'
    assert problem(client.post("/v1/search", content=body, headers=JSON), 422) == told
    batch = f'{{"requests": [{{"q": "x"}}, {body}]}}'
    refused = problem(client.post("/v1/search/batch", content=batch, headers=JSON), 422)
    assert refused == f"requests.1.{told}"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("", "filter: not JSON: Expecting value, at character 0"),
        ("{'source': 1}", "filter: not JSON: Expecting property name enclosed in double quotes, at character 1"),
        ('{"source": "a", "source": "b"}', "filter: source stands twice in one object; put both into $and"),
        ('{"metadata.n": ' + "9" * 5000 + "}", "filter: not JSON: a number has too many digits"),
        ('{"$not":' * 2000 + "1" + "}" * 2000, "filter: the filter is nested too deeply; at most 8 levels are allowed"),
        ("[" * 20_001, "filter: the filter has 20001 characters; at most 20000 are allowed"),
    ],
)  # fmt: skip
def test_a_filter_in_a_query_string_is_json(client: TestClient, sent: str, told: str) -> None:
    assert problem(client.get("/v1/search", params={"q": "x", "filter": sent}), 422) == told


@pytest.mark.parametrize(
    "query",
    ["q=x&q=y", "q=x&limit=1&limit=2", "q=x&filter={}&filter={}", "q=x&date_from=2024&date_from=2020"],
)
def test_a_parameter_of_one_value_is_given_once(client: TestClient, query: str) -> None:
    name = query.rpartition("&")[2].partition("=")[0]
    told = f"{name}: given more than once; it takes one value"
    assert problem(client.get(f"/v1/search?{query}"), 422) == told
    assert client.get("/v1/search?q=x&source=a&source=b&facets=month&facets=year").status_code == 200


def test_a_filter_in_a_body_is_an_object(client: TestClient) -> None:
    told = problem(client.post("/v1/search", json={"q": "x", "filter": '{"source": "a"}'}), 422)
    assert told == 'filter: a filter is an object such as {"source": "Port Gazette"}; found text'
    deep = b'{"q": "x", "filter": ' + b'{"$not":' * 20_000 + b"1" + b"}" * 20_001
    assert client.post("/v1/search", content=deep, headers=JSON).status_code == 400
    deep = b'{"q": "x", "filter": ' + b'{"$not":' * 60 + b"1" + b"}" * 61
    assert "nested too deeply" in problem(client.post("/v1/search", content=deep, headers=JSON), 422)


def test_facets_stand_in_the_reply_only_when_asked_for(client: TestClient) -> None:
    plain = client.get("/v1/search?q=the+town").json()
    assert "facets" not in plain
    asked = [
        client.get("/v1/search?q=the+town&facets=source,year").json(),
        client.get("/v1/search?q=the+town&facets=source&facets=year&limit=3&offset=7").json(),
        client.post("/v1/search", json={"q": "the town", "facets": ["source", "year"]}).json(),
    ]
    facets = asked[0]["facets"]
    assert all(one["facets"] == facets for one in asked) and list(facets) == ["source", "year"]
    for facet in facets.values():
        assert sum(one["count"] for one in facet["values"]) + facet["others"] == plain["total"]
    assert facets["source"]["values"][0] == {"name": "Weather Office", "count": 23}
    assert facets["year"]["values"][:2] == [{"name": "", "count": 1}, {"name": "2019", "count": 1}]
    assert list(asked[0])[:-1] == list(plain)
    for path in ("facets=colour", "facets=", "facets=source,,year"):
        told = problem(client.get(f"/v1/search?q=x&{path}"), 422)
        assert "Input should be 'source', 'month', 'year' or 'language'" in told


def test_texts_can_be_read_from_the_generation_that_a_search_named(
    serve_writes: Callable[..., TestClient], own_index: Path, tmp_path: Path
) -> None:
    client = serve_writes()
    hit = client.get("/v1/search?q=mill").json()["hits"][0]
    article, passage = hit["article_id"], hit["id"]
    cited = {"article_id": article, "start": hit["start"], "end": hit["end"], "sha256": hit["sha256"]}
    paths = (f"/v1/articles/{article}", f"/v1/articles/{article}/passages", f"/v1/passages/{passage}")
    before = [client.get(path).json() for path in paths]
    add([written(tmp_path / "more.jsonl", ARTICLES[:1])], own_index, FakeEncoder(), BuildOptions(keep=9))
    delete([article], own_index, BuildOptions(keep=9))
    client.app.state.serving.generations.follow()  # type: ignore[attr-defined]
    for path, was in zip(paths, before, strict=True):
        problem(client.get(path), 404)
        reply = client.get(f"{path}?generation=1")
        assert (reply.json(), reply.headers["x-generation"]) == (was, "1")
        assert "is not here, or not any more" in problem(client.get(f"{path}?generation=77"), 410)
        assert problem(client.get(f"{path}?generation=0"), 422).startswith("generation: ")
    assert client.get("/v1/verify", params=cited).json()["reason"] == "no such article"
    assert client.get("/v1/verify", params={**cited, "generation": 1}).json()["verified"] is True
    problem(client.get("/v1/verify", params={**cited, "generation": 77}), 410)


def test_the_pool_is_deep_enough_for_the_longest_page() -> None:
    for most, depth in ((100, 200), (30, 200), (150, 300)):
        asked = search_request(SearchParameters(q="x"), Settings(max_limit=most))
        assert asked.depth == depth
