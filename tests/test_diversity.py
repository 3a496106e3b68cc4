"""Maximal marginal relevance: twins apart, the best first, nothing lost, pages that fit together."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passage_index.encoder import unit
from search_api import finding
from search_api.diversity import diversified
from search_api.hits import SearchReply, SearchRequest
from search_api.searcher import Searcher
from tests.conftest import ARTICLES

ASKED = SearchRequest("Which bridge was closed, and what did the weather report say?", limit=100)


def ids(reply: SearchReply) -> list[str]:
    return [hit.stored.passage.id for hit in reply.hits]


def greedy(relevance: list[float], cosines: np.ndarray, diversity: float) -> list[int]:
    """The definition of Carbonell and Goldstein, step by step over plain lists."""
    low, high = min(relevance), max(relevance)
    scaled = [(one - low) / ((high - low) or 1.0) for one in relevance]
    left, chosen = list(range(1, len(relevance))), [0]
    while left:
        gains = [(1 - diversity) * scaled[i] - diversity * max(cosines[i, j] for j in chosen) for i in left]
        best = left[int(np.argmax(np.round(gains, 6)))]
        chosen.append(best)
        left.remove(best)
    return chosen


def test_a_twin_goes_behind_what_says_something_else() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert diversified(np.array([0.9, 0.89, 0.5]), vectors, 0.5) == [0, 2, 1]
    assert diversified(np.array([0.9, 0.89, 0.5]), vectors, 0.1) == [0, 1, 2]


@given(st.integers(1, 12), st.integers(0, 10_000), st.sampled_from([0.01, 0.3, 0.5, 0.9, 1.0]))
def test_the_order_is_that_of_the_definition(count: int, seed: int, diversity: float) -> None:
    chance = np.random.default_rng(seed)
    relevance = np.sort(chance.random(count).round(2))[::-1]
    vectors = unit(chance.normal(size=(count, 5)).astype(np.float32))
    exact = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    expected = greedy(relevance.tolist(), exact @ exact.T, diversity)
    assert diversified(relevance, vectors, diversity) == expected


def test_nothing_and_equal_scores_and_zero_vectors_have_an_order() -> None:
    assert diversified(np.empty(0), np.empty((0, 4), dtype=np.float32), 0.5) == []
    assert diversified(np.full(3, 0.4), np.zeros((3, 4), dtype=np.float32), 0.5) == [0, 1, 2]


@pytest.mark.parametrize("change", [{}, {"collapse": False}, {"group_by_article": True}, {"mode": "keyword"}, {"mode": "semantic"}, {"min_score": 0.02}])  # fmt: skip
def test_a_diverse_search_holds_the_same_hits_in_another_order_on_any_page(
    searcher: Searcher, change: dict[str, object]
) -> None:
    plain = replace(ASKED, **change)  # type: ignore[arg-type]
    diverse = replace(plain, diversity=0.7)
    before, after = searcher.search(plain), searcher.search(diverse)
    assert sorted(ids(before)) == sorted(ids(after)) and before.total == after.total > 5
    assert ids(before) != ids(after) and ids(before)[0] == ids(after)[0]
    by_id = {hit.stored.passage.id: hit for hit in before.hits}
    assert [replace(hit, rank=0) for hit in after.hits] == [replace(by_id[one], rank=0) for one in ids(after)]
    pages = [searcher.search(replace(diverse, limit=4, offset=n)).hits for n in range(0, after.total, 4)]
    assert tuple(hit for page in pages for hit in page) == after.hits


def test_copies_stand_apart_where_they_are_not_folded(searcher: Searcher) -> None:
    request = replace(ASKED, question="the stone bridge over the Wend at Lindow was closed", collapse=False)
    articles = [hit.stored.article.id for hit in searcher.search(request).hits]
    assert set(articles[:2]) == {"bridge", "bridge-copy"}
    spread = [hit.stored.article.id for hit in searcher.search(replace(request, diversity=0.6)).hits]
    assert spread[0] == articles[0] and spread[1] not in {"bridge", "bridge-copy"}


def test_only_so_many_are_spread_and_the_rest_follows(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "SPREAD", 6)
    before, after = ids(searcher.search(ASKED)), ids(searcher.search(replace(ASKED, diversity=1.0)))
    assert sorted(before[:6]) == sorted(after[:6]) and before[6:] == after[6:] and before != after


def test_an_explanation_tells_who_moved(searcher: Searcher) -> None:
    before = ids(searcher.search(ASKED))
    for hit in searcher.search(replace(ASKED, diversity=0.7, explain=True)).hits:
        without = before.index(hit.stored.passage.id) + 1
        told = [one for one in hit.explanation or () if one.part == "diversity"]
        assert [one.value for one in told] == ([] if without == hit.rank else [without])
        assert all(f"hit {hit.rank} instead of {without}" in one.text for one in told)


def test_scores_fall_only_without_diversity(searcher: Searcher) -> None:
    assert len(ARTICLES) > 20
    plain, diverse = searcher.search(ASKED).hits, searcher.search(replace(ASKED, diversity=1.0)).hits
    assert all(one.score >= other.score for one, other in pairwise(plain))
    assert not all(one.score >= other.score for one, other in pairwise(diverse))
