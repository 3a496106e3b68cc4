"""The HTTP API: what is asked for comes back, whole and citable; how errors look is in test_http_faults."""

import hashlib
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from indexer.build import BuildOptions, build
from indexer.growing import delete
from passage_index.snapshot import open_snapshot
from passage_index.types import passage_id
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.conftest import ARTICLES, BRIDGE
from tests.fakes import FakeEncoder
from tests.growing import record, written
from tests.replies import problem


def found(client: TestClient, **asked: object) -> dict:
    reply = client.get("/v1/search", params=asked)
    assert reply.status_code == 200, reply.text
    return reply.json()


def ids(reply: dict) -> list[str]:
    return [hit["article_id"] for hit in reply["hits"]]


def without_time(reply: dict) -> dict:
    return {name: value for name, value in reply.items() if name != "took_ms"}


def test_search_finds_the_passage_and_cites_it(client: TestClient) -> None:
    reply = found(client, q="keepers replaced the lighthouse lamp")
    assert {name: value for name, value in reply.items() if name not in ("hits", "took_ms")} == {
        "query": "keepers replaced the lighthouse lamp", "total": reply["total"], "total_relation": "eq",
        "offset": 0, "limit": 10, "generation": 1, "answerable": reply["answer_probability"] >= 0.5,
        "answer_probability": reply["answer_probability"],
        "did_you_mean": None, "interpretations": [], "warnings": [],
    }  # fmt: skip
    assert 0 < reply["took_ms"] < 5000 and 0 <= reply["answer_probability"] <= 1
    hit = reply["hits"][0]
    text = next(one["text"] for one in ARTICLES if one["_id"] == "month")
    assert {name: hit[name] for name in list(hit)[:12]} == {
        "rank": 1, "id": passage_id("month", 0, len(text)), "article_id": "month",
        "title": "Lighthouse lamp replaced", "url": None, "source": "Port Gazette", "published_at": "2023-11",
        "language": "en", "text": text, "start": 0, "end": len(text),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }  # fmt: skip
    assert list(hit)[12:] == [
        "score", "scores", "highlights", "duplicates", "duplicate_count", "explanation",
    ]  # fmt: skip
    assert list(hit["scores"]) == ["dense", "sentence", "lexical", "fused", "rerank"]
    assert 0 < hit["score"] < 1 and hit["scores"]["rerank"] is None


def test_a_misspelt_question_is_mended_and_the_reply_says_so(client: TestClient) -> None:
    reply = found(client, q="lighthuose lamp", mode="keyword")
    assert ids(reply)[0] == "month" and reply["did_you_mean"] == "lighthouse lamp"
    assert reply["interpretations"] == [{"word": "lighthuose", "also": ["lighthouse"], "reason": "slip"}]


def test_offsets_slice_back_to_the_text_of_the_article(client: TestClient) -> None:
    for question in ("foxes moved into the tramway depot", "cracks in the piers", "пішохідний міст", "ميناء"):
        for hit in found(client, q=question, limit=50, collapse=False)["hits"]:
            text = client.get(f"/v1/articles/{quote(hit['article_id'])}").json()["text"]
            assert text[hit["start"] : hit["end"]] == hit["text"]
            assert hashlib.sha256(hit["text"].encode()).hexdigest() == hit["sha256"]
            for mark in hit["highlights"]:
                assert hit["start"] <= mark["start"] < mark["end"] <= hit["end"]


def test_highlights_are_the_nearest_sentence_and_the_words(client: TestClient) -> None:
    hit = found(client, q="foxes in the depot", limit=1)["hits"][0]
    text = client.get("/v1/articles/astral").json()["text"]
    marked = [(mark["kind"], text[mark["start"] : mark["end"]]) for mark in hit["highlights"]]
    assert marked[0] == ("sentence", "Three foxes moved into the tramway depot 🚋.")
    assert ("word", "foxes") in marked and ("word", "depot") in marked


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "barometer readings"},
        {"q": "barometer readings", "limit": 3, "offset": 4, "mode": "keyword"},
        {"q": "bridge", "date_from": "2023-11", "date_to": "2023", "collapse": False, "mode": "semantic"},
        {"q": "bridge", "source": ["Island Times", "Port Gazette"], "group_by": "article", "min_score": 1e-4},
    ],
)
def test_post_and_the_aliases_answer_as_get_does(client: TestClient, asked: dict) -> None:
    reply = without_time(found(client, **asked))
    assert reply["hits"]
    assert without_time(client.get("/search", params=asked).json()) == reply
    for path in ("/v1/search", "/search"):
        posted = client.post(path, json=asked)
        assert posted.status_code == 200 and without_time(posted.json()) == reply


def test_source_in_a_body_can_be_a_single_name(client: TestClient) -> None:
    reply = client.post("/v1/search", json={"q": "goats", "source": "Island Times"}).json()
    assert set(hit["source"] for hit in reply["hits"]) == {"Island Times"}


def test_batch_answers_in_order_as_single_searches_do(client: TestClient) -> None:
    asked = [{"q": "goats"}, {"q": "lighthouse lamp", "limit": 2}, {"q": "zeppelin", "mode": "keyword"}]
    replies = client.post("/v1/search/batch", json={"requests": asked}).json()["replies"]
    assert [without_time(reply) for reply in replies] == [without_time(found(client, **one)) for one in asked]


def test_pages_concatenated_are_the_one_big_page(client: TestClient) -> None:
    whole = found(client, q="barometer readings on the bridge", limit=100)
    assert whole["total"] == len(whole["hits"]) > 25
    pages = [
        found(client, q="barometer readings on the bridge", limit=4, offset=offset)["hits"]
        for offset in range(0, whole["total"] + 4, 4)
    ]
    assert list(chain.from_iterable(pages)) == whole["hits"]
    assert [hit["rank"] for hit in whole["hits"]] == list(range(1, whole["total"] + 1))
    assert pages[-1] == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"date_from": "2023-11-09", "date_to": "2023-11-09"}, {"bridge", "month"}),
        ({"date_from": "2023-11-10", "date_to": "2023-11"}, {"bridge-copy", "month"}),
        ({"date_to": "2019-06"}, {"year"}),
        ({"date_from": "2019", "date_to": "2019"}, {"year"}),
        ({"date_from": "2023-11-12"}, {"month"}),
        ({"source": "Island Times"}, {"bridge-copy", "undated"}),
        ({"source": ["Вісник", "The Meridian Wire"]}, {"uk", "bridge", "year"}),
        ({"source": "Nobody"}, set()),
    ],
)
def test_filters_leave_out_what_lies_outside(client: TestClient, asked: dict, expected: set[str]) -> None:
    reply = found(client, q="the town", limit=100, collapse=False, **asked)
    assert set(ids(reply)) == expected
    dated = ["articles without a date are left out of a search by date"]
    assert reply["warnings"] == (dated if "source" not in asked else [])


def test_near_duplicates_are_folded_unless_asked_for(client: TestClient) -> None:
    asked = {"q": "the surveyor measured the longest crack", "limit": 100}
    folded, flat = found(client, **asked), found(client, **asked, collapse=False)
    first = folded["hits"][0]
    twin = next(hit for hit in flat["hits"] if hit["id"] != first["id"] and hit["start"] == first["start"])
    assert {first["article_id"], twin["article_id"]} == {"bridge", "bridge-copy"}
    assert first["duplicates"] == [{"id": twin["id"], "article_id": twin["article_id"], "differences": None}]
    assert twin["id"] not in [hit["id"] for hit in folded["hits"]]
    assert not any(hit["duplicates"] for hit in flat["hits"])


def test_grouping_keeps_one_passage_of_an_article(client: TestClient) -> None:
    asked = {"q": "bridge", "limit": 100, "collapse": False}
    assert ids(found(client, **asked)).count("bridge") > 1
    grouped = ids(found(client, **asked, group_by="article"))
    assert len(grouped) == len(set(grouped)) == len(ARTICLES)


def test_min_score_and_modes(client: TestClient) -> None:
    every = found(client, q="barometer readings", limit=100)["hits"]
    bound = every[3]["score"]
    kept = found(client, q="barometer readings", limit=100, min_score=bound)["hits"]
    assert [hit["id"] for hit in kept] == [hit["id"] for hit in every if hit["score"] >= bound]
    assert ids(found(client, q="zeppelin", mode="keyword")) == ["a folder/50% ü?#.txt"]
    assert ids(found(client, q="zeppelin captain", mode="semantic"))[0] == "a folder/50% ü?#.txt"
    assert found(client, q="zeppelin", mode="keyword")["hits"][0]["scores"]["dense"] == 0.0


def test_article_is_given_as_it_is_stored(client: TestClient) -> None:
    assert client.get("/v1/articles/bridge").json() == {
        "id": "bridge", "title": "Lindow bridge closed", "text": BRIDGE, "url": "https://wire.example/bridge",
        "source": "The Meridian Wire", "published_at": "2023-11-09", "language": "en",
        "metadata": {"desk": "local"},
    }  # fmt: skip


def test_passages_cover_the_article_in_order(client: TestClient) -> None:
    passages = client.get("/v1/articles/bridge/passages").json()["passages"]
    assert len(passages) == 2
    assert [list(one) for one in passages] == [["id", "text", "start", "end", "sha256"]] * 2
    assert passages[0]["start"] == 0 and passages[-1]["end"] == len(BRIDGE)
    for one in passages:
        assert one["text"] == BRIDGE[one["start"] : one["end"]]
        cited = client.get(f"/v1/passages/{one['id']}").json()
        assert cited == one | {
            "article_id": "bridge", "title": "Lindow bridge closed", "url": "https://wire.example/bridge",
            "source": "The Meridian Wire", "published_at": "2023-11-09", "language": "en",
        }  # fmt: skip


@pytest.mark.parametrize("safe", ["/", ""])
@pytest.mark.parametrize("article_id", ["a folder/50% ü?#.txt", "uk"])
def test_ids_of_any_characters_are_found_percent_encoded(
    client: TestClient, article_id: str, safe: str
) -> None:
    path = f"/v1/articles/{quote(article_id, safe=safe)}"
    assert client.get(path).json()["id"] == article_id
    assert len(client.get(f"{path}/passages").json()["passages"]) == 1


def test_an_id_may_end_as_the_address_of_passages_does(settings: Settings, tmp_path: Path) -> None:
    records = [record(1, "One.") | {"_id": name} for name in ("a", "a/passages", "a/passages/passages")]
    build([written(tmp_path / "in.jsonl", records)], tmp_path / "index", FakeEncoder(), BuildOptions())
    with TestClient(
        create_app(settings, Searcher(open_snapshot(tmp_path / "index"), FakeEncoder()))
    ) as client:
        found = {name: client.get(f"/v1/articles/{name}").json() for name in ("a", "a/passages/passages")}
        assert found["a"]["id"] == "a"
        assert "passages" in found["a/passages/passages"]  # of the shorter id
        problem(client.get("/v1/articles/b/passages"), 404)
        delete(["a"], tmp_path / "index", BuildOptions())
    with TestClient(
        create_app(settings, Searcher(open_snapshot(tmp_path / "index"), FakeEncoder()))
    ) as client:
        assert client.get("/v1/articles/a/passages").json()["id"] == "a/passages"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (True, "matches", BRIDGE[4:16], 4, 16)),
        (
            {"sha256": hashlib.sha256(b"stone bridge").hexdigest().upper()},
            (True, "matches", "stone bridge", 4, 16),
        ),
        ({"start": 5}, (False, "differs", "tone bridge", 5, 16)),
        ({"start": 0, "end": 12}, (False, "moved", "stone bridge", 4, 16)),
        ({"start": 10**6, "end": 10**6 + 12}, (False, "moved", "stone bridge", 4, 16)),
        ({"end": len(BRIDGE) + 1}, (False, "out of range", None, None, None)),
        ({"start": -1}, (False, "out of range", None, None, None)),
        ({"start": 16}, (False, "out of range", None, None, None)),
        ({"end": 10**400}, (False, "out of range", None, None, None)),
        ({"article_id": "nothing"}, (False, "no such article", None, None, None)),
    ],
)
def test_verify_tells_whether_a_citation_holds(client: TestClient, change: dict, expected: tuple) -> None:
    citation = {"article_id": "bridge", "start": 4, "end": 16} | {
        "sha256": hashlib.sha256(b"stone bridge").hexdigest()
    }
    reply = client.get("/v1/verify", params=citation | change)
    assert reply.status_code == 200
    assert tuple(reply.json().values()) == expected
