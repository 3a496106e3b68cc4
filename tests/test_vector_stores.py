"""The search of a vector store: that API's questions, answered by the searches they stand for."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from search_api.vector_stores import translated
from tests.replies import problem

URL = "/v1/vector_stores/articles/search"


def asked(client: TestClient, **body: Any) -> dict[str, Any]:
    reply = client.post(URL, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def searched(client: TestClient, **body: Any) -> list[dict[str, Any]]:
    return client.post("/v1/search", json=body).json()["hits"]


def passages(page: dict[str, Any]) -> list[str]:
    return [one["attributes"]["passage_id"] for one in page["data"]]


def test_a_page_holds_what_the_search_finds(client: TestClient) -> None:
    page, hits = (
        asked(client, query="bridge lorries", max_num_results=3),
        searched(client, q="bridge lorries"),
    )
    assert (page["object"], page["search_query"]) == ("vector_store.search_results.page", ["bridge lorries"])
    assert passages(page) == [hit["id"] for hit in hits[:3]]
    first, hit = page["data"][0], hits[0]
    assert first["content"] == [{"type": "text", "text": hit["text"]}]
    assert (first["file_id"], first["filename"], first["score"]) == (
        hit["article_id"],
        hit["title"],
        hit["score"],
    )
    for name in ("start", "end", "sha256", "source", "published_at", "language"):
        assert first["attributes"].get(name) == hit[name]
    assert [type(first["attributes"][name]) for name in ("start", "end")] == [int, int]  # 0.0 == 0 too
    assert all(
        len(one["attributes"]) <= 16 and None not in one["attributes"].values() for one in page["data"]
    )


def test_pages_follow_each_other_to_the_end(client: TestClient) -> None:
    every = searched(client, q="barometer", limit=100)
    found, page = [], None
    while True:
        reply = asked(client, query="barometer", max_num_results=7, **({"page": page} if page else {}))
        found += passages(reply)
        page = reply["next_page"]
        assert reply["has_more"] is (page is not None)
        if page is None:
            break
    assert found == [hit["id"] for hit in every]


def test_several_questions_are_merged_by_their_best_score(client: TestClient) -> None:
    questions = ["lighthouse lamp keepers", "foxes in the tramway depot"]
    best: dict[str, float] = {}
    for question in questions:
        for hit in searched(client, q=question, limit=100):
            best[hit["id"]] = max(best.get(hit["id"], 0.0), hit["score"])
    order = sorted(best, key=lambda one: (-best[one], one))
    first = asked(client, query=questions, max_num_results=6)
    second = asked(client, query=questions, max_num_results=6, page=first["next_page"])
    assert passages(first) + passages(second) == order[:12]
    assert [one["score"] for one in first["data"]] == [best[one] for one in order[:6]]
    assert first["search_query"] == questions


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"type": "eq", "key": "source", "value": "Port Gazette"}, {"source": "Port Gazette"}),
        ({"type": "ne", "key": "source", "value": "Weather Office"}, {"source": {"$ne": "Weather Office"}}),
        ({"type": "in", "key": "file_id", "value": ["month", "bridge"]}, {"article_id": {"$in": ["month", "bridge"]}}),
        ({"type": "gte", "key": "published_at", "value": "2023"}, {"published_at": {"$gte": "2023"}}),
        ({"type": "lt", "key": "published_at", "value": 1_578_355_200}, {"published_at": {"$lt": "2020-01-07"}}),
        ({"type": "or", "filters": [
            {"type": "eq", "key": "language", "value": "uk"},
            {"type": "and", "filters": [{"type": "eq", "key": "source", "value": "Port Gazette"}]}]},
         {"$or": [{"language": "uk"}, {"source": "Port Gazette"}]}),
    ],
    ids=lambda one: "",
)  # fmt: skip
def test_filters_mean_what_ours_mean(client: TestClient, theirs: Any, ours: Any) -> None:
    page = asked(client, query="report", filters=theirs, max_num_results=50)
    hits = searched(client, q="report", filter=ours, limit=50)
    assert passages(page) == [hit["id"] for hit in hits] != []
    assert len(hits) < 50


def test_unknown_keys_are_keys_of_the_metadata() -> None:
    theirs = {"type": "nin", "key": "section", "value": ["sport", 3]}
    assert translated(theirs) == {"metadata.section": {"$nin": ["sport", 3]}}
    assert translated(theirs | {"key": "metadata.section"}) == translated(theirs)


def test_a_threshold_leaves_out_and_what_is_ignored_is_told(client: TestClient) -> None:
    every = asked(client, query="lighthouse lamp", max_num_results=50)
    threshold = every["data"][1]["score"]
    page = asked(
        client, query="lighthouse lamp", max_num_results=50, rewrite_query=True,
        ranking_options={"ranker": "auto", "score_threshold": threshold},
    )  # fmt: skip
    assert passages(page) == [
        p for p, one in zip(passages(every), every["data"], strict=True) if one["score"] >= threshold
    ]
    assert page["warnings"] == ["rewrite_query: questions are searched as they are asked"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "query: Field required"),
        ({"query": []}, "query: Value should have at least 1 item"),
        ({"query": ""}, "at least 1 character"),
        ({"query": "?"}, "no word in it"),
        ({"query": ["a"] * 65}, "at most 64 questions"),
        ({"query": "a", "max_num_results": 51}, "less than or equal to 50"),
        ({"query": "a", "page": ""}, "not a `next_page` of this server"),
        ({"query": "a", "page": "x"}, "not a `next_page` of this server"),
        ({"query": "a", "page": "0-3"}, "not a `next_page` of this server"),
        ({"query": "a", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold"),
        (
            {"query": "a", "ranking_options": {"hybrid_search": {}}},
            "ranking_options.hybrid_search: not known",
        ),
        ({"query": "a", "filters": {"type": "like", "key": "a", "value": 1}}, "whose `type` is one of"),
        ({"query": "a", "filters": []}, "whose `type` is one of"),
        ({"query": "a", "filters": {"type": "eq", "key": "a"}}, "has type, key, value"),
        ({"query": "a", "filters": {"type": "eq", "key": 1, "value": 1}}, "`key` is a text"),
        ({"query": "a", "filters": {"type": "and", "filters": {}}}, "is a list"),
        ({"query": "a", "filters": {"type": "gt", "key": "file_id", "value": "a"}}, "$gt"),
        ({"query": "a", "filters": {"type": "gt", "key": "published_at", "value": 1e300}}, "no such moment"),
    ],
    ids=lambda one: "",
)
def test_mistakes_are_told(client: TestClient, body: Any, words: str) -> None:
    assert words in problem(client.post(URL, json=body), 422)


def test_filters_in_filters_have_an_end(client: TestClient) -> None:
    deep: dict[str, Any] = {"type": "eq", "key": "source", "value": "a"}
    for _ in range(8):
        deep = {"type": "and", "filters": [deep]}
    told = problem(client.post(URL, json={"query": "a", "filters": deep}), 422)
    assert "at most 8 levels deep" in told


def test_there_is_one_store(client: TestClient) -> None:
    told = problem(client.post("/v1/vector_stores/vs_1/search", json={"query": "a"}), 404)
    assert told == "no such vector store; the one of this server is `articles`"
    assert problem(client.post(URL, json={"query": "a", "page": "99-1"}), 410)
