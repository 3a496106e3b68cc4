"""Filtered searches of several segments with deletions: what brute force over everything would find."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Any

import numpy as np
import pytest

from indexer.build import build
from indexer.growing import add, delete
from passage_index import snapshot as snapshot_module
from passage_index.columns import Where
from passage_index.filters import parse_filter
from passage_index.lexical import Words
from passage_index.passages import id_bytes
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import Article
from search_api.fusion import Mode
from search_api.hits import SearchRequest
from search_api.question import parse_words
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, folder_in_memory, written
from tests.oracles import allows

WORDS = "bridge ferry storm harbour goat lamp council tower mill frost".split()
ARTICLES = 1000
DELETED = tuple(f"n-{number:04}" for number in range(0, ARTICLES, 9))


def record(number: int) -> dict[str, Any]:
    """Three words of ten, so that hundreds tie; every property in another rhythm."""
    random = np.random.default_rng(number)
    said = random.choice(WORDS, 3).tolist()
    dated = (
        {} if number % 7 == 0 else {"date": ("2019", "2020-03", f"2021-05-{number % 25 + 1:02}")[number % 3]}
    )
    return {
        "_id": f"n-{number:04}", "text": f"{' '.join(said)}.", "lang": ("en", "uk")[number % 5 == 0],
        "source": f"Source {number % 4}", "n": number, "half": number % 2 == 0, **dated,
    }  # fmt: skip


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Snapshot]:
    """Four segments, a ninth of everything deleted."""
    records = [record(number) for number in range(ARTICLES)]
    with folder_in_memory() as folder:
        parts = [written(folder / f"{start}.jsonl", records[start::4]) for start in range(4)]
        build([parts[0]], folder / "index", FakeEncoder(), NO_MERGE)
        for part in parts[1:]:
            add([part], folder / "index", FakeEncoder(), NO_MERGE)
        delete(DELETED, folder / "index", NO_MERGE)
        opened = open_snapshot(folder / "index")
        assert len(opened.segments) == 4 and opened.manifest.deleted == len(DELETED)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def living(snapshot: Snapshot) -> dict[str, Article]:
    """By passage id; an article here has one passage."""
    found = [snapshot.article_passages(f"n-{number:04}") for number in range(ARTICLES)]
    return {one.passage.id: one.article for one in chain.from_iterable(part or () for part in found)}


FILTERS: dict[str, dict[str, Any]] = {
    "half": {"metadata.half": True},
    "a tenth": {"metadata.n": {"$gte": 400, "$lt": 500}},
    "a hundredth": {"metadata.n": {"$gt": 600, "$lte": 610}},
    "a thousandth": {"metadata.n": {"$in": [703]}},
    "none": {"metadata.n": {"$lt": 0}},
    "dates": {"published_at": {"$gte": "2020-03-20", "$lt": "2021-05-09"}},
    "no dates": {"published_at": {"$exists": False}, "source": {"$ne": "Source 1"}},
    "a mixture": {"$or": [{"source": {"$in": ["Source 1", "Source 3"]}, "language": "uk"},
                          {"$not": {"metadata.n": {"$lt": 950}}}]},
    "ids": {"article_id": {"$in": ["n-0001", "n-0009", "n-0500", "nobody"]}},
}  # fmt: skip
QUESTIONS = ("bridge", "storm harbour frost", "+bridge goat", "lamp -council", '"mill tower" ferry')


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("among", "sift"), [(20_000, 12_000), (20_000, 0), (0, 12_000)])
def test_a_pool_is_the_best_of_each_leg_among_those_that_pass(
    snapshot: Snapshot, living: dict[str, Article], name: str, question: str, among: int, sift: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Ties by id; the evidence for every passage is taken from one pool of the whole index."""
    monkeypatch.setattr(snapshot_module, "AMONG_LIMIT", among)
    monkeypatch.setattr(snapshot_module, "SIFT_LIMIT", sift)
    vector = FakeEncoder().encode_questions([question])[0]
    words = parse_words(question, snapshot.lexical.terms)
    everything = snapshot.pool(vector, words, Where(), ARTICLES)
    signs = Words((), (), words.required, words.excluded)
    assert set(everything.ids) == set(snapshot.pool(vector, signs, Where(), ARTICLES).ids) <= living.keys()
    where = Where(filter=parse_filter(FILTERS[name]))
    allowed = [i for i, one in enumerate(everything.ids) if allows(living[one], FILTERS[name])]
    for depth in (1, 7, 60):
        best = {
            everything.ids[i]
            for scores in (everything.dense, everything.lexical)
            for i in sorted(
                (i for i in allowed if scores is everything.dense or scores[i] > 0),
                key=lambda i: (-scores[i], id_bytes(everything.ids[i])),
            )[:depth]
        }
        assert set(snapshot.pool(vector, words, where, depth).ids) == best


def test_words_that_must_not_occur_are_looked_for_together(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look is of all records: one for each of hundreds of words would hold a thread for seconds."""
    looks: list[int] = []
    search = snapshot.lexical.search
    monkeypatch.setattr(snapshot.lexical, "search", lambda *asked: looks.append(1) or search(*asked))
    seen = []
    for more in ("", " ".join(f"-w{n}" for n in range(700))):
        words = parse_words(f"bridge -lamp -council {more}", snapshot.lexical.terms)
        seen.append((set(snapshot.pool(None, words, Where(), ARTICLES).ids), len(looks)))
        looks.clear()
    assert seen[0] == seen[1] and seen[0][0] and len(words.excluded) == 702


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_as_many_hits_as_asked_for_while_there_are_more(
    snapshot: Snapshot, living: dict[str, Article], name: str, mode: Mode
) -> None:
    searcher = Searcher(snapshot, FakeEncoder())
    request = SearchRequest("bridge in the storm", limit=30, mode=mode, collapse=False)
    passing = sum(
        allows(article, FILTERS[name]) and (mode != "keyword" or {"bridge", "storm"} & {*article.text[:-1].split()} != set())
        for article in living.values()
    )  # fmt: skip
    hits = searcher.search(replace(request, filter=parse_filter(FILTERS[name]))).hits
    assert len(hits) == min(passing, 30)
    assert all(allows(hit.stored.article, FILTERS[name]) for hit in hits)
    searcher.questions.close()


def test_filters_of_all_kinds_are_joined(snapshot: Snapshot) -> None:
    searcher = Searcher(snapshot, FakeEncoder())
    request = SearchRequest("bridge", limit=1000, depth=ARTICLES, collapse=False)
    plain = searcher.search(request)
    asked = replace(
        request, sources=("Source 0", "Source 2"), date_from=date(2020, 3, 31), as_of=date(2021, 5, 3),
        filter=parse_filter({"metadata.n": {"$lt": 500}}),
    )  # fmt: skip
    kept = [
        hit.stored.passage.id
        for hit in plain.hits
        if (article := hit.stored.article).metadata["n"] < 500
        and article.source in ("Source 0", "Source 2")
        and article.published
        and article.published.last >= date(2020, 3, 31)
        and article.published.first <= date(2021, 5, 3)
    ]
    assert {hit.stored.passage.id for hit in searcher.search(asked).hits} == set(kept) and len(kept) > 20
    searcher.questions.close()


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_as_of_hides_what_can_only_have_been_published_later(snapshot: Snapshot, mode: Mode) -> None:
    """A year or month that has begun is kept, and what has no date is left out, with a word of it."""
    searcher = Searcher(snapshot, FakeEncoder())
    request = SearchRequest("bridge", limit=1000, depth=ARTICLES, collapse=False, mode=mode)
    plain = searcher.search(request)
    for day, dates in (
        (date(2018, 12, 31), set()),
        (date(2019, 1, 1), {"2019"}),
        (date(2020, 3, 1), {"2019", "2020-03"}),
        (date(2021, 5, 2), {"2019", "2020-03", "2021-05-01", "2021-05-02"}),
    ):
        reply = searcher.search(replace(request, as_of=day))
        assert {str(hit.stored.article.published) for hit in reply.hits} == dates
        assert len(reply.hits) == sum(str(hit.stored.article.published) in dates for hit in plain.hits)
        assert reply.warnings == ("articles without a date are left out of a search by date",)
    searcher.questions.close()


def test_a_key_that_no_article_has_is_told(snapshot: Snapshot) -> None:
    searcher = Searcher(snapshot, FakeEncoder())
    asked = {"metadata.half": True, "$not": {"metadata.colour": "white"}, "metadata.<b>": {"$exists": False}}
    reply = searcher.search(SearchRequest("bridge", filter=parse_filter(asked)))
    assert reply.hits and reply.warnings == ("no article has (a name)", "no article has metadata.colour")
    searcher.questions.close()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """250 copies of one text, an article of as many passages, and 150 articles that are like neither."""
    said = " ".join(f"ferry{number % 5} landed at pier {number}." for number in range(90))
    long = "\n\n".join(
        f"The bridge keeper wrote day{n} {' '.join(f'word{n}x{m}' for m in range(90))}." for n in range(250)
    )
    records = [{"_id": f"copy-{number}", "text": said, "lang": "en"} for number in range(250)]
    records += [{"_id": "diary", "text": long, "lang": "en"}]
    records += [
        {"_id": f"other-{n}", "text": f"ferry and bridge {' '.join(f'other{n}y{m}' for m in range(30))}.", "lang": "en"}
        for n in range(150)
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("crowded")
    build([written(folder / "a.jsonl", records)], folder / "index", FakeEncoder(), NO_MERGE)
    searcher = Searcher(open_snapshot(folder / "index"), FakeEncoder())
    assert len(searcher.snapshot.article_passages("diary") or ()) >= 200
    yield searcher
    searcher.close()


@pytest.mark.parametrize(
    "request_",
    [
        SearchRequest("ferry0 landed at pier", mode="keyword"),
        SearchRequest("ferry0 ferry1 landed at pier", mode="semantic"),
        SearchRequest("ferry0 landed at pier"),
        SearchRequest("the bridge keeper wrote", mode="semantic", group_by_article=True, collapse=False),
        SearchRequest("the bridge keeper wrote", group_by_article=True),
    ],
)
def test_a_page_is_full_although_what_is_nearest_is_folded(
    crowded: Searcher, request_: SearchRequest
) -> None:
    """Copies, or passages of one article, fill the first candidates of each leg; the page must not end there."""
    snapshot = crowded.snapshot
    shallow = snapshot.pool(
        None if request_.mode == "keyword" else crowded.questions.encode(request_.question),
        Words(()) if request_.mode == "semantic" else parse_words(request_.question, snapshot.lexical.terms),
        Where(),
        request_.depth,
    )
    assert len(shallow) >= request_.depth
    whole = crowded.search(replace(request_, limit=100))
    pages = [crowded.search(replace(request_, limit=20, offset=offset)) for offset in range(0, 100, 20)]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert {page.total for page in pages} == {whole.total}
    if request_.mode == "keyword":  # nothing else has these words
        parts = snapshot.article_passages("copy-0") or ()
        assert (len(whole.hits), whole.total_relation) == (len(parts), "eq")
        assert {len(hit.duplicates) for hit in whole.hits} == {249}
    else:
        assert len(whole.hits) == 100
