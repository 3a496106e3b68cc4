"""Facets: counts of the hits of all pages, against the hits themselves."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from indexer.build import build
from indexer.growing import add, delete
from passage_index.snapshot import open_snapshot
from passage_index.types import Article
from search_api import facets as facets_module
from search_api.facets import Facet, FacetName
from search_api.hits import SearchReply, SearchRequest
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, written

NAMES: tuple[FacetName, ...] = ("source", "month", "year", "language")
DATES = (None, "2019", "2020-03", "2020-03-01", "2020-12-31", "1969-12-31")


def record(number: int) -> dict[str, Any]:
    date = DATES[number % len(DATES)]
    source = {} if number % 5 == 0 else {"source": f"Source {number % 5}"}
    text = "The same wire report of the storm was printed by all of them." if number % 4 == 0 else ""
    text = text or f"storm {number}: {' '.join(f'w{number}x{place}' for place in range(20))}."
    dated = {"date": date} if date else {}
    return {"_id": f"f-{number}", "text": text, "lang": ("en", "uk")[number % 3 == 0], **source, **dated}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """Two segments, one article deleted."""
    folder = tmp_path_factory.mktemp("facets")
    parts = [written(folder / f"{n}.jsonl", [record(i) for i in range(n, 60, 2)]) for n in (0, 1)]
    build([parts[0]], folder / "index", FakeEncoder(), NO_MERGE)
    add([parts[1]], folder / "index", FakeEncoder(), NO_MERGE)
    delete(["f-7"], folder / "index", NO_MERGE)
    opened = Searcher(open_snapshot(folder / "index"), FakeEncoder())
    yield opened
    opened.close()


def label(article: Article, name: FacetName) -> str:
    if name in ("month", "year"):
        return str(article.published or "")[: 7 if name == "month" else 4]
    return getattr(article, name) or ""


def counts(facet: Facet) -> dict[str, int]:
    return {one.name: one.count for one in facet.values}


def names(reply: SearchReply, name: FacetName) -> list[str]:
    return [one.name for one in reply.facets[name].values]


REQUEST = SearchRequest("the storm", limit=100, facets=NAMES)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, collapse=False),
        replace(REQUEST, group_by_article=True),
        replace(REQUEST, mode="keyword"),
        replace(REQUEST, mode="semantic", sources=("Source 1", "Source 2")),
        replace(REQUEST, min_score=0.02),
        replace(REQUEST, diversity=0.5),
    ],
)
def test_facets_count_the_hits_of_all_pages(searcher: Searcher, request_: SearchRequest) -> None:
    reply = searcher.search(request_)
    assert reply.total == len(reply.hits) > 10
    articles = [hit.stored.article for hit in reply.hits]
    for name in NAMES:
        assert counts(reply.facets[name]) == Counter(label(article, name) for article in articles)
        assert reply.facets[name].others == 0
    assert names(reply, "month") == sorted(names(reply, "month"))
    assert {"", "2019", "2020-03"} <= set(names(reply, "month")) or request_.min_score
    for name in ("source", "language"):
        order = [(-one.count, one.name) for one in reply.facets[name].values]
        assert order == sorted(order)
    for page in (
        replace(request_, limit=3),
        replace(request_, limit=1, offset=9),
        replace(request_, offset=500),
    ):
        assert searcher.search(page).facets == reply.facets
    assert searcher.search(replace(request_, facets=("year",))).facets == {"year": reply.facets["year"]}
    assert searcher.search(replace(request_, facets=())).facets == {}


def test_folded_copies_are_counted_once(searcher: Searcher) -> None:
    folded, flat = searcher.search(REQUEST), searcher.search(replace(REQUEST, collapse=False))
    assert flat.total - folded.total == 14  # of fifteen copies one is shown
    for name in NAMES:
        assert sum(counts(folded.facets[name]).values()) == folded.total


def test_what_has_few_hits_is_told_as_one_number(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = searcher.search(REQUEST)
    monkeypatch.setattr(facets_module, "MOST_VALUES", 2)
    cut = searcher.search(REQUEST)
    for name in NAMES:
        most = sorted(counts(whole.facets[name]).items(), key=lambda pair: (-pair[1], pair[0]))
        assert counts(cut.facets[name]) == dict(most[:2])
        assert cut.facets[name].others == sum(count for _, count in most[2:])
    assert names(cut, "month") == sorted(names(cut, "month"))


def test_facets_of_nothing_are_empty(searcher: Searcher) -> None:
    reply = searcher.search(replace(REQUEST, sources=("nobody",)))
    assert reply.total == 0 and reply.facets == dict.fromkeys(NAMES, Facet((), 0))
