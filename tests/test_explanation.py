"""Explanations: numbers that add up to the score, quotes that can be checked, words that are there or not."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from search_api.explanation import _PARTS
from search_api.fusion import Mode
from search_api.hits import Hit, Reason, SearchRequest
from search_api.searcher import Searcher

ASKED = SearchRequest("Which bridge was closed, and did the xylophone survive?", limit=100, explain=True)
MODES: list[Mode] = ["hybrid", "semantic", "keyword"]


def reasons(hit: Hit) -> dict[str, Reason]:
    assert hit.explanation is not None
    assert len({one.part for one in hit.explanation}) == len(hit.explanation)
    return {one.part: one for one in hit.explanation}


@pytest.mark.parametrize("question", [ASKED.question, "zeppelin marmalade", '"stone bridge" -goats', "who are they"])  # fmt: skip
@pytest.mark.parametrize("mode", MODES)
def test_contributions_add_up_to_the_fused_score(searcher: Searcher, mode: Mode, question: str) -> None:
    hits = searcher.search(replace(ASKED, question=question, mode=mode)).hits
    assert hits
    for hit in hits:
        given = [one.contribution for one in reasons(hit).values() if one.contribution is not None]
        assert sum(given) == pytest.approx(hit.scores.fused, abs=1e-6 * (1 + len(given)))


@pytest.mark.parametrize("mode", MODES)
def test_every_part_of_the_score_is_told_in_words(searcher: Searcher, mode: Mode) -> None:
    """A new part of the score needs a sentence in explanation.py."""
    for hit in searcher.search(replace(ASKED, mode=mode)).hits:
        named = {one.part for one in reasons(hit).values() if one.contribution is not None}
        assert named and named <= _PARTS.keys()
        assert ("passage" in named, "words" in named) == (mode != "keyword", mode != "semantic")
    assert searcher.search(replace(ASKED, explain=False)).hits[0].explanation is None


def test_values_are_the_hit_s_own_scores(searcher: Searcher) -> None:
    for hit in searcher.search(ASKED).hits:
        told = reasons(hit)
        assert told["passage"].value == hit.scores.dense and told["sentence"].value == hit.scores.sentence
        assert told["words"].value == hit.scores.lexical
        assert f"{hit.scores.dense:.2f}" in told["passage"].text


def test_the_nearest_sentence_is_quoted_where_it_stands(searcher: Searcher) -> None:
    for hit in searcher.search(ASKED).hits:
        quoted = reasons(hit)["sentence"].sentence
        assert quoted is not None and (quoted.start, quoted.end) in hit.stored.passage.sentences
        assert quoted.text == hit.stored.article.text[quoted.start : quoted.end]
        assert (quoted.start, quoted.end) == (hit.highlights[0].start, hit.highlights[0].end)


def test_words_are_those_of_the_question_with_their_worth_and_where_they_stand(searcher: Searcher) -> None:
    asked = replace(ASKED, question="Frost on bridges, closed by a xylophone at Lindow", collapse=False)
    hit = next(one for one in searcher.search(asked).hits if one.stored.article.id == "bridge")
    words = {one.word: one for one in reasons(hit)["words"].words}
    idf = searcher.snapshot.lexical.idf(["frost", "bridg", "close", "xylophon", "lindow"])
    assert {word: one.worth for word, one in words.items()} == pytest.approx(
        dict(zip(["Frost", "bridges", "closed", "xylophone", "Lindow"], idf.values(), strict=True)), abs=5e-4
    )
    assert words["xylophone"].found_in is None
    assert "missing: “xylophone”" in reasons(hit)["words"].text
    for word, one in words.items():
        inside = word.lower().rstrip("s") in hit.stored.text.lower()
        title = word.lower() in hit.stored.article.title.lower()
        assert one.found_in == ("passage" if inside else "title" if title else None)
    only_title = next(
        one for one in searcher.search(replace(asked, question="observatory finished")).hits
        if one.stored.article.id == "year"
    )  # fmt: skip
    assert {one.word: one.found_in for one in reasons(only_title)["words"].words}["finished"] == "passage"


def test_a_word_of_the_title_alone_is_told_so(searcher: Searcher) -> None:
    hit = searcher.search(replace(ASKED, question="odd zeppelin", mode="keyword")).hits[0]
    told = reasons(hit)["words"]
    assert {one.word: one.found_in for one in told.words} == {"odd": "title", "zeppelin": "passage"}
    assert "“odd” (" in told.text and ", in the title)" in told.text and "missing" not in told.text


def test_what_was_folded_is_told(searcher: Searcher) -> None:
    hits = searcher.search(ASKED).hits
    for hit in hits:
        folded = reasons(hit).get("duplicates")
        assert (folded.value if folded else 0) == len(hit.duplicates)
        assert folded is None or folded.contribution is None
    assert any("duplicates" in reasons(hit) for hit in hits)


def test_http_gives_explanations_only_where_they_are_asked_for(client: TestClient) -> None:
    asked: dict[str, Any] = {"q": "which bridge was closed", "limit": 3}
    assert {hit["explanation"] for hit in client.get("/v1/search", params=asked).json()["hits"]} == {None}
    for hit in client.get("/v1/search", params=asked | {"explain": True}).json()["hits"]:
        given = [one["contribution"] for one in hit["explanation"]]
        assert sum(one for one in given if one) == pytest.approx(hit["scores"]["fused"], abs=1e-5)
        for one in hit["explanation"]:
            assert list(one) == ["part", "text", "contribution", "value", "sentence", "words"] and one["text"]
