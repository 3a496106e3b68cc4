"""Completion from the corpus: what is suggested, in what order, and over HTTP."""

import pytest
from fastapi.testclient import TestClient

from search_api.searcher import Searcher
from search_api.suggest import suggestions


def completed(client: TestClient, q: str, **asked: object) -> list[dict]:
    reply = client.get("/v1/suggest", params={"q": q, **asked})
    assert reply.status_code == 200, reply.text
    assert reply.json()["query"] == q and reply.headers["X-Generation"] == "1"
    return reply.json()["suggestions"]


def texts(client: TestClient, q: str, **asked: object) -> list[str]:
    return [one["text"] for one in completed(client, q, **asked)]


def test_names_words_and_titles_are_completed_in_most_articles_first(client: TestClient) -> None:
    found = completed(client, "baro")
    assert found[0] == {"text": "Barometer", "kind": "name", "articles": 23}
    assert {"text": "lighthouse", "kind": "word", "articles": 1} in completed(client, "lightH")
    assert {"text": "Lighthouse lamp replaced", "kind": "title", "articles": 1} in completed(
        client, "lighthouse l"
    )
    counts = [one["articles"] for one in completed(client, "w", limit=50)]
    assert counts == sorted(counts, reverse=True) and len(counts) > 5


def test_capitals_accents_and_blanks_do_not_count(client: TestClient) -> None:
    assert texts(client, "BARO") == texts(client, "báro") == texts(client, "  baro")
    assert texts(client, "weather   report 1") == texts(client, "Weather Report 1") != []


def test_the_last_words_of_a_question_are_completed(client: TestClient) -> None:
    assert texts(client, "how high stood the baro") == ["how high stood the Barometer"]
    assert texts(client, "who replaced the lighthouse la")[0] == "who replaced the lighthouse last"
    assert texts(client, "weather report ")[:1] == ["Weather report 0"]


@pytest.mark.parametrize("q", ["zzzz", " ", "%", "'", "the", "12", "東", "a\u0301\u0301", "x" * 200])
def test_what_begins_nothing_has_no_suggestion(client: TestClient, q: str) -> None:
    assert all(one not in ("the", "The") for one in texts(client, q))
    assert len(texts(client, q)) <= 10


def test_no_more_are_given_than_asked_for(client: TestClient) -> None:
    whole = texts(client, "w", limit=50)
    assert texts(client, "w", limit=3) == whole[:3] and len(set(whole)) == len(whole)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"q": ""},
        {"q": "x" * 201},
        {"q": "a", "limit": 0},
        {"q": "a", "limit": 51},
        {"q": "a", "of": 1},
    ],
)
def test_what_cannot_be_completed_is_refused(client: TestClient, asked: dict[str, object]) -> None:
    reply = client.get("/v1/suggest", params=asked)
    assert reply.status_code == 422 and reply.json()["type"] == "/docs#invalid"


def test_a_generation_that_is_gone_is_said_to_be_gone(client: TestClient) -> None:
    assert client.get("/v1/suggest", params={"q": "a", "generation": 1}).status_code == 200
    assert client.get("/v1/suggest", params={"q": "a", "generation": 77}).status_code == 410


def test_every_suggestion_begins_as_asked(searcher: Searcher) -> None:
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for one in suggestions(searcher.snapshot, letter, 20):
            assert one.text.lower().startswith(letter) and one.articles > 0
