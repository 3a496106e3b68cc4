"""What a near-duplicate says differently: its own sentences, where they stand, whatever their dress."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from passage_index.types import Article, Passage, Span, StoredPassage
from search_api.differences import differing_sentences
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from tests.conftest import ARTICLES

ASKED = SearchRequest("the stone bridge over the Wend at Lindow was closed", limit=100, differences=True)


def stored(*sentences: str, article: str = "", before: str = "") -> StoredPassage:
    """A passage of these sentences; the article goes on after it with `article`."""
    spans: list[Span] = []
    text = before
    for sentence in sentences:
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence + " "
    passage = Passage("a", len(before), spans[-1][1], tuple(spans))
    return StoredPassage(passage, text[len(before) : spans[-1][1]], Article("a", text + article))


def differing(other: StoredPassage, hit: StoredPassage) -> list[str]:
    return [other.article.text[start:end] for start, end in differing_sentences([other], hit)[0]]


def test_a_changed_number_is_a_difference_and_dress_is_none() -> None:
    hit = stored("Three men came.", "They left at noon – “late”.", "It rained.")
    other = stored("Four men came.", 'They left, at NOON: "late"!', "It  rained", before="By our own. ")
    assert differing(other, hit) == ["Four men came."]
    assert differing_sentences([other, hit], hit) == [[(12, 26)], []]
    assert differing(hit, other) == ["Three men came."]
    assert differing(hit, hit) == []


def test_a_sentence_of_the_article_s_next_passage_is_no_difference() -> None:
    hit = stored("It rained.", article="Nobody was hurt.")
    assert differing(stored("It rained.", "Nobody was hurt."), hit) == []
    assert differing(stored("It rained.", "Nobody was."), hit) == []  # said, if not as a sentence
    assert differing(stored("It rained.", "Body was hurt."), hit) == ["Body was hurt."]


def test_a_sentence_without_a_word_is_no_difference() -> None:
    assert differing(stored("It rained.", "—", "…"), stored("It snowed.")) == ["It rained."]


@given(st.lists(st.text("ab .,", min_size=1), min_size=1, max_size=5), st.lists(st.text("ab .,", min_size=1), min_size=1, max_size=5))  # fmt: skip
def test_what_differs_is_what_the_other_s_words_do_not_hold(ours: list[str], theirs: list[str]) -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())

    def holds(whole: list[str], part: list[str]) -> bool:
        return any(whole[i : i + len(part)] == part for i in range(len(whole)))

    other, hit = stored(*ours), stored(*theirs)
    expected = [one for one in ours if words(one) and not holds(words(hit.article.text), words(one))]
    assert differing(other, hit) == expected


def test_a_search_shows_the_sentence_that_a_copy_changed(searcher: Searcher) -> None:
    texts = {one["_id"]: one["text"] for one in ARTICLES}
    for hit in searcher.search(ASKED).hits:
        for copy in hit.duplicates:
            assert copy.differences is not None
            for sentence in copy.differences:
                assert texts[copy.article_id][sentence.start : sentence.end] == sentence.text
                assert sentence.text not in texts[hit.stored.article.id]
    first = searcher.search(ASKED).hits[0]
    days = {"bridge": "Monday", "bridge-copy": "Sunday"}
    assert [one.article_id for one in first.duplicates] == list(days.keys() - {first.stored.article.id})
    (copy,) = first.duplicates
    assert copy.differences and f"closed on {days[copy.article_id]}" in copy.differences[0].text
    (plain,) = searcher.search(replace(ASKED, differences=False)).hits[0].duplicates
    assert plain.differences is None


def test_copies_are_counted_whatever_the_lowest_score(searcher: Searcher) -> None:
    hits = searcher.search(ASKED).hits
    assert len(hits[0].duplicates) == 1
    cut = searcher.search(replace(ASKED, min_score=hits[0].score)).hits
    assert [hit.duplicates for hit in cut] == [hit.duplicates for hit in hits[: len(cut)]]


@pytest.mark.parametrize("asked", [{}, {"differences": "true"}])
def test_http_counts_copies_and_tells_differences_where_asked(
    client: TestClient, asked: dict[str, str]
) -> None:
    parameters = {"q": ASKED.question, "limit": "1"} | asked
    (hit,) = client.get("/v1/search", params=parameters).json()["hits"]
    (copy,) = hit["duplicates"]
    assert hit["duplicate_count"] == 1 and list(copy) == ["id", "article_id", "differences"]
    if asked:
        text = client.get(f"/v1/articles/{copy['article_id']}").json()["text"]
        assert [text[one["start"] : one["end"]] for one in copy["differences"]] == [
            one["text"] for one in copy["differences"]
        ]
        assert copy["differences"]
    else:
        assert copy["differences"] is None
    flat = client.get("/v1/search", params=parameters | {"collapse": "false"}).json()["hits"][0]
    assert (flat["duplicates"], flat["duplicate_count"]) == ([], 0)
