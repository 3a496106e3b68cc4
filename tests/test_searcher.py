"""A question's whole way: pages that fit together, filters, folding, grouping, marks and warnings."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from passage_index.encoder import EncoderIdentity
from passage_index.errors import EncoderMismatch, InputError, NotFound
from passage_index.snapshot import open_snapshot
from search_api.fusion import Mode
from search_api.hits import Hit, SearchReply, SearchRequest
from search_api.questions import QuestionEncoder
from search_api.searcher import Searcher, open_searcher
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder

BRIDGE = SearchRequest("Which bridge was closed, and why did the frost open joints?", limit=100)
REPORTS = SearchRequest("weather report of the barometer", limit=100)
REQUESTS = [
    BRIDGE,
    REPORTS,
    replace(BRIDGE, collapse=False),
    replace(BRIDGE, group_by_article=True),
    replace(REPORTS, mode="keyword"),
    replace(REPORTS, mode="semantic", collapse=False),
    replace(REPORTS, date_from=date(2020, 1, 5), date_to=date(2020, 1, 20)),
    replace(BRIDGE, sources=("The Meridian Wire", "Island Times")),
    replace(REPORTS, depth=7),
    replace(BRIDGE, min_score=0.05),
]


def ids(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.stored.passage.id for hit in hits]


def articles(reply: SearchReply) -> list[str]:
    return [hit.stored.article.id for hit in reply.hits]


def timeless(reply: SearchReply) -> SearchReply:
    return replace(reply, took_ms=0.0)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("size", [1, 4])
def test_pages_put_together_are_one_long_page(searcher: Searcher, request_: SearchRequest, size: int) -> None:
    whole = searcher.search(request_)
    assert whole.total == len(whole.hits) > 1 and [hit.rank for hit in whole.hits] == list(
        range(1, whole.total + 1)
    )
    pages = [
        searcher.search(replace(request_, limit=size, offset=offset))
        for offset in range(0, whole.total + 5, size)
    ]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert {(page.total, page.total_relation) for page in pages} == {(whole.total, whole.total_relation)}
    assert pages[-1].hits == ()


@pytest.mark.parametrize("request_", REQUESTS)
def test_scores_fall_and_ties_stand_by_id(searcher: Searcher, request_: SearchRequest) -> None:
    hits = searcher.search(request_).hits
    order = [(-hit.scores.fused, hit.stored.passage.id) for hit in hits]
    assert order == sorted(order) and all(0 <= hit.score <= 1 for hit in hits)
    assert all(one.score >= other.score for one, other in pairwise(hits))


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_offset_cuts_what_it_says_out_of_the_article(
    searcher: Searcher, request_: SearchRequest
) -> None:
    by_id = {article["_id"]: article["text"] for article in ARTICLES}
    for hit in searcher.search(request_).hits:
        passage, article = hit.stored.passage, hit.stored.article
        if article.id != "wrapped":  # whose line ends were joined
            assert article.text == by_id[article.id]
        assert hit.stored.text == article.text[passage.start : passage.end]
        spans = [(mark.start, mark.end) for mark in hit.highlights if mark.kind == "sentence"]
        assert (
            spans == [] if request_.mode == "keyword" else len(spans) == 1 and spans[0] in passage.sentences
        )
        for mark in hit.highlights:
            assert passage.start <= mark.start < mark.end <= passage.end
            assert mark.kind == "sentence" or article.text[mark.start : mark.end].isalnum()


def test_near_duplicates_are_folded_behind_the_best_and_counted(searcher: Searcher) -> None:
    folded, plain = searcher.search(BRIDGE), searcher.search(replace(BRIDGE, collapse=False))
    (first, *_) = folded.hits
    assert articles(plain)[:2] == [first.stored.article.id, first.duplicates[0].article_id]
    assert {first.stored.article.id, first.duplicates[0].article_id} == {"bridge", "bridge-copy"}
    members = [one.id for hit in folded.hits for one in (hit.stored.passage, *hit.duplicates)]
    assert sorted(members) == sorted(ids(plain.hits)) and folded.total < plain.total
    assert all(hit.duplicates == () for hit in plain.hits)


def test_grouped_by_article_each_shows_its_best_passage(searcher: Searcher) -> None:
    plain = searcher.search(replace(BRIDGE, collapse=False))
    grouped = searcher.search(replace(BRIDGE, collapse=False, group_by_article=True))
    assert articles(grouped) == list(dict.fromkeys(articles(plain)))
    best = {hit.stored.article.id: hit.stored.passage.id for hit in reversed(plain.hits)}
    assert ids(grouped.hits) == [best[article_id] for article_id in articles(grouped)]


def test_a_lowest_score_cuts_the_tail(searcher: Searcher) -> None:
    plain = searcher.search(replace(BRIDGE, collapse=False))
    threshold = plain.hits[4].score
    cut = searcher.search(replace(BRIDGE, collapse=False, min_score=threshold))
    assert cut.hits == tuple(hit for hit in plain.hits if hit.score >= threshold) != plain.hits
    assert cut.total == len(cut.hits)
    assert searcher.search(replace(BRIDGE, min_score=1.0)).hits == ()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"date_from": date(2023, 11, 9), "date_to": date(2023, 11, 9)}, {"bridge", "month"}),
        ({"date_from": date(2019, 3, 1), "date_to": date(2019, 3, 2)}, {"year"}),
        ({"date_from": date(2023, 11, 30)}, {"month"}),
        ({"date_to": date(2018, 12, 31)}, set()),
        ({"sources": ("Island Times",)}, {"bridge-copy", "undated"}),
        ({"sources": ("Island Times",), "date_from": date(2000, 1, 1)}, {"bridge-copy"}),
    ],
)
def test_filters_let_pass_what_overlaps(
    searcher: Searcher, filters: dict[str, object], found: set[str]
) -> None:
    reply = searcher.search(replace(BRIDGE, collapse=False, **filters))  # type: ignore[arg-type]
    assert set(articles(reply)) == found
    dated = "date_from" in filters or "date_to" in filters
    assert reply.warnings == (("articles without a date are left out of a search by date",) if dated else ())


def test_the_total_says_when_the_pool_was_cut(searcher: Searcher) -> None:
    cut, whole = searcher.search(replace(REPORTS, depth=7)), searcher.search(REPORTS)
    assert (cut.total_relation, whole.total_relation) == ("gte", "eq") and cut.total < whole.total
    few = searcher.search(SearchRequest("marmalade zeppelin", mode="keyword"))
    assert (few.total, few.total_relation, articles(few)) == (1, "eq", ["a folder/50% ü?#.txt"])
    assert searcher.search(SearchRequest("xylophone", mode="keyword")).total == 0


@pytest.mark.parametrize("question", ["", " ", "?!", "—…", '""', "-", "+"])
def test_a_question_without_a_word_is_refused(searcher: Searcher, question: str) -> None:
    with pytest.raises(InputError, match="no word"):
        searcher.search(SearchRequest(question))


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_a_question_of_stop_words_alone_is_answered(searcher: Searcher, mode: Mode) -> None:
    assert searcher.search(SearchRequest("who are they", mode=mode)).hits
    assert searcher.search(SearchRequest("-bridge", mode=mode)).total_relation == "eq"


def test_a_range_that_ends_before_it_begins_is_refused(searcher: Searcher) -> None:
    backwards = replace(BRIDGE, date_from=date(2021, 1, 2), date_to=date(2021, 1, 1))
    with pytest.raises(InputError, match="date_from 2021-01-02 lies after date_to 2021-01-01"):
        searcher.search(backwards)


def test_a_question_that_is_not_read_to_its_end_is_warned_of(searcher: Searcher) -> None:
    long = SearchRequest(" ".join(["goats"] * 300))
    assert searcher.search(long).warnings == (
        "only the first 256 of the question's 302 tokens were compared by meaning",
    )
    assert searcher.search(replace(long, mode="keyword")).warnings == ()
    assert searcher.search(SearchRequest(" ".join(["goats"] * 254))).warnings == ()


def test_many_threads_get_what_one_gets(searcher: Searcher) -> None:
    alone = [timeless(searcher.search(request_)) for request_ in REQUESTS]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(searcher.search, REQUESTS * 10))
    assert [timeless(reply) for reply in together] == alone * 10


def test_another_encoder_than_the_index_s_is_refused_and_both_are_named(index: Path) -> None:
    class Other(FakeEncoder):
        identity = EncoderIdentity(name="other", weights_sha256="1" * 64, dim=64, max_tokens=256)

    snapshot = open_snapshot(index)
    with pytest.raises(EncoderMismatch, match=r"fake \(64 dims.*other \(64 dims"):
        Searcher(snapshot, Other())
    snapshot.close()
    with pytest.raises(NotFound):
        open_searcher(index / "nowhere")


def test_an_encoder_that_is_shared_is_not_closed(index: Path) -> None:
    shared = QuestionEncoder(FakeEncoder())
    for _ in range(2):
        opened = Searcher(open_snapshot(index), shared)
        assert articles(opened.search(BRIDGE))[0] in {"bridge", "bridge-copy"}
        opened.close()
    shared.close()
