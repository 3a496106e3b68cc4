"""More like this: what is near a passage, an article or a text, without itself, within the same filters."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from passage_index.encoder import unit
from passage_index.errors import InputError, NotFound
from passage_index.types import StoredPassage
from search_api.hits import SearchReply, SearchRequest
from search_api.searcher import Searcher
from search_api.similar import DISTINCTIVE_WORDS, SimilarRequest, distinctive_words, picked
from tests.conftest import ARTICLES, BRIDGE
from tests.pools import pool_of
from tests.replies import problem

LIST = SearchRequest("the id", limit=100, collapse=False)


def articles(reply: SearchReply) -> list[str]:
    return [hit.stored.article.id for hit in reply.hits]


def ids(reply: SearchReply) -> list[str]:
    return [hit.stored.passage.id for hit in reply.hits]


def passages(searcher: Searcher, article_id: str) -> list[StoredPassage]:
    found = searcher.snapshot.article_passages(article_id)
    assert found is not None
    return found


def test_the_copy_of_a_passage_is_most_like_it(searcher: Searcher) -> None:
    for place, own in enumerate(passages(searcher, "bridge")):
        reply = searcher.similar(SimilarRequest(LIST, passage_id=own.passage.id))
        copy = passages(searcher, "bridge-copy")[place]
        assert ids(reply)[0] == copy.passage.id and "bridge" not in articles(reply)
        assert reply.total == len(ARTICLES) and reply.warnings == ()
        vectors = [
            searcher.snapshot.vectors(searcher.snapshot.rows_of_article(one.article.id))[index]  # type: ignore[arg-type]
            for one, index in ((own, place), (copy, place))
        ]
        assert reply.hits[0].scores.dense == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-2)


def test_only_the_passage_itself_is_left_out_where_its_article_may_be_shown(searcher: Searcher) -> None:
    first, second = passages(searcher, "bridge")
    request = SimilarRequest(LIST, passage_id=first.passage.id, exclude_same_article=False)
    reply = searcher.similar(request)
    assert first.passage.id not in ids(reply) and second.passage.id in ids(reply)
    assert reply.total == len(ARTICLES) + 1
    whole = searcher.similar(SimilarRequest(LIST, article_id="bridge", exclude_same_article=False))
    assert whole.total == len(ARTICLES) + 2 and set(articles(whole)[:4]) == {"bridge", "bridge-copy"}


def test_an_article_is_searched_by_the_mean_of_its_passages(searcher: Searcher) -> None:
    reply = searcher.similar(SimilarRequest(LIST, article_id="bridge"))
    assert set(articles(reply)[:2]) == {"bridge-copy"} and "bridge" not in articles(reply)
    rows = searcher.snapshot.rows_of_article("bridge")
    assert rows is not None
    mean = unit(searcher.snapshot.vectors(rows).mean(axis=0))
    for hit in reply.hits:
        other = searcher.snapshot.rows_of_article(hit.stored.article.id)
        assert other is not None
        exact = searcher.snapshot.cosines(mean, other)
        assert hit.scores.dense in exact.tolist()


def test_a_text_is_searched_like_a_passage(searcher: Searcher) -> None:
    reply = searcher.similar(SimilarRequest(replace(LIST, question=BRIDGE)))
    assert set(articles(reply)[:4]) == {"bridge", "bridge-copy"} and reply.total == len(ARTICLES) + 2
    long = searcher.similar(SimilarRequest(replace(LIST, question=" ".join([BRIDGE] * 8))))
    assert long.warnings and "tokens were compared by meaning" in long.warnings[0]


@pytest.mark.parametrize("change", [{}, {"collapse": True}, {"group_by_article": True}, {"diversity": 0.5}])
def test_pages_fit_together(searcher: Searcher, change: dict[str, Any]) -> None:
    request = SimilarRequest(replace(LIST, **change), article_id="report-07")
    whole = searcher.similar(request)
    pages = [
        searcher.similar(replace(request, search=replace(request.search, limit=4, offset=offset)))
        for offset in range(0, whole.total + 4, 4)
    ]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert [hit.rank for hit in whole.hits] == list(range(1, whole.total + 1)) and whole.total > 10


def test_a_long_article_does_not_fill_its_own_pool(searcher: Searcher) -> None:
    """Its two passages would be the two candidates of either leg."""
    reply = searcher.similar(SimilarRequest(replace(LIST, depth=2), article_id="bridge"))
    assert set(articles(reply)) >= {"bridge-copy"} and reply.total_relation == "gte"


def test_filters_hold(searcher: Searcher) -> None:
    dated = replace(LIST, date_from=date(2020, 1, 5), date_to=date(2020, 1, 9))
    reply = searcher.similar(SimilarRequest(dated, article_id="bridge"))
    assert set(articles(reply)) == {f"report-{number:02}" for number in range(4, 9)}
    assert reply.warnings == ("articles without a date are left out of a search by date",)
    sourced = replace(LIST, sources=("Island Times",))
    assert set(articles(searcher.similar(SimilarRequest(sourced, article_id="bridge")))) == {"bridge-copy", "undated"}  # fmt: skip


def test_what_is_not_there_or_says_nothing_is_refused(searcher: Searcher) -> None:
    with pytest.raises(NotFound, match="no such passage"):
        searcher.similar(SimilarRequest(LIST, passage_id="A" * 22))
    with pytest.raises(NotFound, match="no such article"):
        searcher.similar(SimilarRequest(LIST, article_id="nobody"))
    with pytest.raises(InputError, match="no word"):
        searcher.similar(SimilarRequest(replace(LIST, question="?!")))


def test_explanations_name_the_words_that_were_taken(searcher: Searcher) -> None:
    request = SimilarRequest(replace(LIST, explain=True), article_id="bridge")
    for hit in searcher.similar(request).hits:
        told = {one.part: one for one in hit.explanation or ()}
        given = [one.contribution for one in told.values() if one.contribution is not None]
        assert sum(given) == pytest.approx(hit.scores.fused, abs=1e-5)
        assert 0 < len(told["words"].words) <= DISTINCTIVE_WORDS
        assert all(one.word in BRIDGE or one.word in "Lindow bridge closed" for one in told["words"].words)


def test_a_range_that_ends_before_it_begins_is_refused(searcher: Searcher) -> None:
    backwards = replace(LIST, date_from=date(2021, 1, 2), date_to=date(2021, 1, 1))
    with pytest.raises(InputError, match="swap them"):
        searcher.similar(SimilarRequest(backwards, article_id="bridge"))


def test_an_id_without_a_letter_is_an_id(searcher: Searcher) -> None:
    with pytest.raises(NotFound):
        searcher.similar(SimilarRequest(replace(LIST, question="—"), article_id="—"))


def test_what_the_model_cannot_read_is_compared_by_words(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searcher.questions, "pieces", lambda words: [0] * len(words))
    reply = searcher.similar(SimilarRequest(replace(LIST, question="пішохідний міст у селі")))
    assert articles(reply) == ["uk"] and reply.hits[0].scores.dense == 0.0
    assert len(reply.warnings) == 1 and "script" in reply.warnings[0]


# -- words -----------------------------------------------------------------------------------------


def test_distinctive_words_are_the_heaviest_that_others_have_too(searcher: Searcher) -> None:
    lexical = searcher.snapshot.lexical
    text = "goats goats goats xylophone the the the the barometer lighthouse lamp"
    words = distinctive_words(text, lexical, [])
    counts = Counter(lexical.terms(text))
    idf = lexical.idf(counts)
    heavy = {term: count * idf[term] for term, count in counts.items()}
    assert words.terms == tuple(
        sorted((one for one in heavy if one not in ("xylophon", "the")), key=lambda term: (-round(heavy[term], 6), term))
    )  # fmt: skip
    assert (words.terms[0], words.terms[-1]) == ("goat", lexical.terms("barometer")[0])
    own = passages(searcher, "undated")  # the only article with goats in it
    assert "goat" not in distinctive_words(text, lexical, own).terms
    many = " ".join(one["text"] for one in ARTICLES)
    assert len(distinctive_words(many, lexical, []).terms) == DISTINCTIVE_WORDS
    assert distinctive_words("", lexical, []).terms == ()


def test_frequencies_count_passages(searcher: Searcher) -> None:
    assert searcher.snapshot.lexical.frequencies(["goat", "xylophon", "weather"]) == {
        "goat": 1, "xylophon": 0, "weather": 23,
    }  # fmt: skip


def test_a_pool_can_be_picked_from() -> None:
    pool = pool_of("abcd", [0.1, 0.2, 0.3, 0.4], article=[7, 8, 9, 7])
    some = picked(pool, np.array([3, 1]))
    assert some.ids == ["d", "b"] and some.dense.tolist() == [0.4, 0.2] and some.article.tolist() == [7, 8]
    assert np.array_equal(some.signature, pool.signature[[3, 1]]) and len(some) == 2
    assert (some.terms, some.rarest_idf) == (pool.terms, pool.rarest_idf)
    assert len(picked(pool, np.array([], dtype=np.int64))) == 0


# -- over HTTP -------------------------------------------------------------------------------------


def test_http_answers_in_the_shape_of_a_search(client: TestClient, searcher: Searcher) -> None:
    own = passages(searcher, "bridge")[0]
    found = client.get("/v1/search", params={"q": "bridge", "limit": 3}).json()
    for asked, query in (
        ({"passage_id": own.passage.id}, own.passage.id),
        ({"article_id": "bridge"}, "bridge"),
        ({"text": "a stone bridge"}, "a stone bridge"),
    ):
        reply = client.post("/v1/similar", json=asked | {"limit": 3, "collapse": False, "explain": True})
        assert reply.status_code == 200 and reply.headers["x-generation"] == "1"
        body = reply.json()
        assert list(body) == list(found) and list(body["hits"][0]) == list(found["hits"][0])
        assert (body["query"], body["limit"], len(body["hits"])) == (query, 3, 3)
        assert "bridge-copy" in [hit["article_id"] for hit in body["hits"]] and body["hits"][0]["explanation"]


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({}, 422, "exactly one of passage_id, article_id and text is needed, not 0"),
        ({"text": "goats", "article_id": "bridge"}, 422, "exactly one of .* not 2"),
        ({"text": "goats", "q": "goats"}, 422, "q: not known here"),
        ({"text": "goats", "rerank": True}, 422, "rerank: not known here"),
        ({"text": "goats", "limit": 101}, 422, "limit can be at most 100"),
        ({"text": "x" * 4001}, 422, "the length of text can be at most 4000"),
        ({"text": "a\x00b"}, 422, "text"),
        ({"text": ""}, 422, "no word"),
        ({"passage_id": "nothing"}, 404, "no such passage"),
        ({"article_id": "nothing"}, 404, "no such article"),
        ({"article_id": "bridge", "generation": 77}, 410, "generation 77"),
        ({"article_id": 7}, 422, "article_id"),
    ],
)
def test_http_refuses_what_it_cannot_answer(
    client: TestClient, asked: dict[str, Any], status: int, told: str
) -> None:
    assert re.search(told, problem(client.post("/v1/similar", json=asked), status))


def test_http_takes_no_query_string_and_nothing_but_json(client: TestClient) -> None:
    assert client.post("/v1/similar?limit=3", json={"text": "goats"}).status_code == 422
    assert client.post("/v1/similar", content="goats").status_code == 415
    assert client.get("/v1/similar").status_code == 405
