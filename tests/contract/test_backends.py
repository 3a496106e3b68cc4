"""One contract, two backends: what is found, scored, filtered and fetched, against a brute-force oracle."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from passage_index.columns import Where
from passage_index.errors import NotFound
from passage_index.filters import parse_filter
from passage_index.lexical import Words
from search_api.hits import SearchRequest
from search_api.question import parse_words
from search_api.similar import SimilarRequest
from tests.contract.conftest import Case
from tests.fakes import FakeEncoder
from tests.oracles import allows, bm25, holds, passes

ALL = 1000
QUESTIONS = [
    "When did the bridge open?",
    "barometer on day 7",
    "the harbour at night",
    "COVID-19 in 2020",
    "zzz",
]
FILTERS: list[dict[str, Any]] = [
    {"source": "Weather Office"},
    {"source": {"$ne": "Weather Office"}},
    {"source": {"$in": ["Weather Office", 'a "quoted" \\ source', "Port Gazette"]}},
    {"source": {"$exists": False}},
    {"source": {"$gte": "M"}},
    {"language": "en"},
    {"language": {"$nin": ["en"]}},
    {"published_at": {"$gte": "2020-01-05", "$lte": "2020-01"}},
    {"published_at": {"$lt": "2020-01-03"}},
    {"published_at": {"$gt": "2020"}},
    {"published_at": "2023-11"},
    {"published_at": {"$exists": False}},
    {"$not": {"published_at": {"$gte": "2020-01-05"}}},
    {"article_id": "report-07"},
    {"article_id": {"$nin": ["report-07", "bridge"]}},
    {"title": {"$exists": True}},
    {"title": "Weather report 3"},
    {"title": {"$lt": "C"}},
    {"title": {"$gte": "Weather report 2", "$lt": "Weather report 3"}},
    {"url": {"$exists": True}},
    {"metadata.kind": "advert"},
    {"metadata.kind": {"$ne": "advert"}},
    {"metadata.nothing": {"$exists": True}},
    {"metadata.nothing": {"$ne": 1}},
    {"metadata.nothing": {"$not": {"$lte": 5}}},
    {"$or": [{"source": "Weather Office"}, {"language": "uk"}]},
    {"$and": [{"language": "en"}, {"$not": {"$or": [{"title": {"$gte": "M"}}, {"article_id": "bridge"}]}}]},
]  # fmt: skip


def vector_of(text: str) -> Any:
    return FakeEncoder().encode_questions([text])[0]


def oracle_cosines(case: Case, question: str) -> dict[str, float]:
    """Cosines of the vectors as the encoder gives them, not rounded to bf16."""
    vector = vector_of(question).astype(np.float64)
    rows = np.arange(len(case.passages))
    every = dict(zip(case.passages, rows, strict=True))
    stored = case.embedded.vectors(rows)
    return {name: float(stored[row].astype(np.float64) @ vector) for name, row in every.items()}


def terms_of(case: Case) -> dict[str, list[str]]:
    lexical = case.embedded.lexical
    return {
        name: lexical.terms(f"{stored.article.title}\n{stored.text}" if stored.article.title else stored.text)
        for name, stored in case.passages.items()
    }


def family(hit: Any) -> frozenset[str]:
    return frozenset([hit.stored.passage.id, *(one.id for one in hit.duplicates)])


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_nearest_passages_are_those_of_a_brute_force_search(case: Case, question: str) -> None:
    oracle = oracle_cosines(case, question)
    pool = case.backend.pool(vector_of(question), Words(()), Where(), 10)
    assert len(pool) == 10
    assert dict(zip(pool.ids, pool.dense, strict=True)) == pytest.approx(
        {name: oracle[name] for name in pool.ids}, abs=2e-6
    )
    tenth = sorted(oracle.values(), reverse=True)[9]
    assert min(pool.dense) == pytest.approx(tenth, abs=2e-6)


@pytest.mark.parametrize("question", QUESTIONS)
def test_words_rank_as_bm25_by_its_formula(case: Case, question: str) -> None:
    words = Words(parse_words(question, case.backend.lexical.terms).terms)
    texts = terms_of(case)
    oracle = dict(zip(texts, bm25(list(texts.values()), list(words.terms)), strict=True))
    pool = case.backend.pool(None, words, Where(), 10)
    matching = [name for name, score in oracle.items() if score > 0]
    assert len(pool) == min(10, len(matching))
    # Lengths are rounded in the embedded index and not in Milvus, and ties may fall otherwise.
    worst = sorted(oracle.values(), reverse=True)[:10][-1]
    assert all(oracle[name] >= 0.95 * worst for name in pool.ids)
    assert dict(zip(pool.ids, pool.lexical, strict=True)) == pytest.approx(
        {name: oracle[name] for name in pool.ids}, rel=0.06, abs=0.02
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_legs_score_what_either_found(case: Case, question: str) -> None:
    words = parse_words(question, case.backend.lexical.terms)
    ours = case.backend.pool(vector_of(question), words, Where(), ALL)
    theirs = case.embedded.pool(lambda: vector_of(question), words, Where(), ALL)  # one that is waited for
    assert sorted(ours.ids) == sorted(theirs.ids) == sorted(case.passages)
    order = [theirs.ids.index(name) for name in ours.ids]
    np.testing.assert_allclose(ours.dense, theirs.dense[order], atol=1e-6)
    np.testing.assert_allclose(ours.sentence, theirs.sentence[order], atol=1e-6)
    np.testing.assert_allclose(ours.lexical, theirs.lexical[order], rtol=0.06, atol=0.02)
    np.testing.assert_allclose(ours.article_lexical, theirs.article_lexical[order], rtol=0.06, atol=0.02)
    np.testing.assert_array_equal(ours.signature, theirs.signature[order])
    np.testing.assert_array_equal(ours.first_day, theirs.first_day[order])
    np.testing.assert_array_equal(ours.last_day, theirs.last_day[order])
    together = ours.article[:, None] == ours.article[None, :]
    np.testing.assert_array_equal(
        together, (theirs.article[:, None] == theirs.article[None, :])[order][:, order]
    )
    assert (ours.terms, ours.rarest_idf) == (theirs.terms, theirs.rarest_idf)


@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_filters_let_pass_what_the_oracle_does(case: Case, asked: dict[str, Any]) -> None:
    wanted = sorted(name for name, one in case.passages.items() if allows(one.article, asked))
    pool = case.backend.pool(vector_of("bridge"), Words(()), Where(filter=parse_filter(asked)), ALL)
    assert sorted(pool.ids) == wanted
    words = Words(tuple(case.backend.lexical.terms("bridge barometer harbour")))
    by_words = case.backend.pool(None, words, Where(filter=parse_filter(asked)), ALL)
    assert set(by_words.ids) <= set(wanted)


@pytest.mark.parametrize(
    "where",
    [
        Where(date(2020, 1, 5), date(2020, 1, 9)),
        Where(first_day=date(2020, 1, 20)),
        Where(last_day=date(2020, 1, 2)),
        Where(sources=("Weather Office", "Nobody")),
        Where(date(1900, 1, 1), date(1900, 1, 2)),
    ],
)
def test_ranges_of_days_and_sources_narrow_both_legs(case: Case, where: Where) -> None:
    wanted = sorted(name for name, one in case.passages.items() if passes(one.article, where))
    pool = case.backend.pool(vector_of("bridge"), Words(("barometer",)), where, ALL)
    assert sorted(pool.ids) == wanted


@pytest.mark.parametrize("phrase", ["barometer on day", "bridge", "day 7", "nowhere at all"])
def test_phrases_that_must_or_must_not_stand(case: Case, phrase: str) -> None:
    terms = tuple(case.backend.lexical.terms(phrase))
    wanted = sorted(name for name, said in terms_of(case).items() if holds(said, terms))
    must = case.backend.pool(vector_of("x"), Words((), required=(terms,)), Where(), ALL)
    assert sorted(must.ids) == wanted
    must_not = case.backend.pool(vector_of("x"), Words((), excluded=(terms,)), Where(), ALL)
    assert sorted(must_not.ids) == sorted(case.passages.keys() - set(wanted))


def test_a_spelling_counts_as_the_better_of_two_words(case: Case) -> None:
    plain = case.backend.pool(None, Words(("bridg",)), Where(), ALL)
    also = case.backend.pool(None, Words(("bridg",), also={"bridg": {"barometer": 0.5}}), Where(), ALL)
    alone = case.backend.pool(None, Words(("baromet",)), Where(), ALL)
    half = case.backend.pool(None, Words(("bridg",), also={"bridg": {"baromet": 0.5}}), Where(), ALL)
    assert sorted(also.ids) == sorted(plain.ids)
    score = dict(zip(half.ids, half.lexical, strict=True))
    for name, one in zip(alone.ids, alone.lexical, strict=True):
        if name not in plain.ids:
            assert score[name] == pytest.approx(0.5 * one, abs=1e-4)
    for name, one in zip(plain.ids, plain.lexical, strict=True):
        assert score[name] >= one - 1e-4


def test_no_question_finds_nothing(case: Case) -> None:
    assert len(case.backend.pool(None, Words(()), Where(), 10)) == 0
    assert len(case.backend.pool(None, Words(("qqqqq",)), Where(), 10)) == 0
    assert len(case.backend.pool(vector_of("x"), Words(("x",)), Where(sources=("Nobody",)), 10)) == 0
    assert case.backend.fetch(case.backend.pool(None, Words(()), Where(), 10).rows) == []


def test_texts_articles_and_sentences_come_as_they_were_stored(case: Case) -> None:
    backend, question = case.backend, vector_of("bridge over the river")
    pool = backend.pool(question, Words(()), Where(), ALL)
    assert {one.passage.id: one for one in backend.fetch(pool.rows)} == case.passages
    assert backend.fetch(pool.rows[::-1])[0].passage.id == pool.ids[-1]
    rows = dict(zip(pool.ids, pool.rows, strict=True))
    theirs = case.embedded.pool(question, Words(()), Where(), ALL)
    for name, row in zip(theirs.ids, theirs.rows, strict=True):
        np.testing.assert_allclose(
            backend.sentence_cosines(question, rows[name]),
            case.embedded.sentence_cosines(question, row),
            atol=1e-6,
        )
    np.testing.assert_array_equal(backend.cosines(question, pool.rows), pool.dense)
    order = [theirs.ids.index(name) for name in pool.ids]
    np.testing.assert_array_equal(backend.vectors(pool.rows), case.embedded.vectors(theirs.rows[order]))
    assert backend.vectors(pool.rows[:0]).shape == (0, pool.kin and case.embedded.manifest.encoder.dim)
    nearest = backend.nearest_sentences(question, pool.rows)
    assert nearest == case.embedded.nearest_sentences(question, theirs.rows[order])
    for article_id in {one.article.id for one in case.passages.values()}:
        own = [one for one in case.passages.values() if one.article.id == article_id]
        assert backend.article(article_id) == own[0].article
        stored = backend.article_passages(article_id)
        assert stored == sorted(own, key=lambda one: one.passage.start)
        found = backend.rows_of_article(article_id)
        assert found is not None
        assert backend.fetch(found) == stored
    name, one = next(iter(case.passages.items()))
    assert backend.passage(name) == one
    for kind in ("source", "language"):
        assert backend.names(pool.rows, kind) == [
            getattr(case.passages[name].article, kind) or "" for name in pool.ids
        ]


@pytest.mark.parametrize("unknown", ["", "no-such", "A" * 22, 'x" or id != "', "ü" * 30])
def test_unknown_ids_are_none(case: Case, unknown: str) -> None:
    assert case.backend.passage(unknown) is None
    assert case.backend.article(unknown) is None
    assert case.backend.article_passages(unknown) is None
    assert case.backend.rows_of_article(unknown) is None


def test_counts_and_words_agree(case: Case) -> None:
    ours, theirs = case.backend, case.embedded
    assert ours.generation == theirs.generation
    assert ours.manifest == theirs.manifest
    assert ours.counts() == theirs.counts()
    assert (ours.sentences(), ours.days()) == (theirs.sentences(), theirs.days())
    assert [ours.knows(f"metadata.{key}") for key in ("kind", "nothing")] == [
        theirs.knows(f"metadata.{key}") for key in ("kind", "nothing")
    ]
    assert len(ours.sample(5)) == 5
    assert {one.passage.id for one in ours.sample(ALL)} <= case.passages.keys()
    said = {term for terms in terms_of(case).values() for term in terms} | {"qqqqq", "4.2", "naïve"}
    assert ours.lexical.frequencies(said) == theirs.lexical.frequencies(said)
    assert ours.lexical.idf(said) == pytest.approx(theirs.lexical.idf(said))
    for word in ("bridge", "Barometer", "qqqqq", "covid19", "reelection"):
        assert ours.lexical.terms(word) == theirs.lexical.terms(word)
        assert ours.lexical.holds(ours.lexical.terms(word)) == theirs.lexical.holds(
            theirs.lexical.terms(word)
        )
        assert ours.lexical.is_joined(word) == theirs.lexical.is_joined(word)
        assert ours.vocabulary.near(word, 1) == theirs.vocabulary.near(word, 1)
        assert ours.vocabulary.spellings(word) == theirs.vocabulary.spellings(word)
        assert ours.vocabulary.beginning(word[:2], 10) == theirs.vocabulary.beginning(word[:2], 10)


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_pages_fit_together_and_searches_agree(case: Case, question: str, mode: Any, searcher: Any) -> None:
    ours = case.searcher
    try:
        whole = ours.search(
            SearchRequest(question, limit=100, mode=mode, explain=True, facets=("source", "year"))
        )
        pages = [
            hit.stored.passage.id
            for offset in range(0, 40, 7)
            for hit in ours.search(SearchRequest(question, limit=7, offset=offset, mode=mode)).hits
        ]
    finally:
        ours.questions.close()
    theirs = searcher.search(SearchRequest(question, limit=100, mode=mode, facets=("source", "year")))
    found, wanted = ([hit.stored.passage.id for hit in reply.hits] for reply in (whole, theirs))
    assert pages == found[: len(pages)]
    assert (whole.total, whole.total_relation) == (theirs.total, theirs.total_relation)
    if mode == "semantic":
        assert found == wanted
        assert [hit.score for hit in whole.hits] == [hit.score for hit in theirs.hits]
        assert whole.facets == theirs.facets
    elif wanted:
        # Which of nearly the same texts stands before the others is a matter of the fourth digit.
        first, theirs_first = ({family(hit) for hit in reply.hits[:10]} for reply in (whole, theirs))
        assert len(first & theirs_first) >= 0.8 * len(wanted[:10])
        assert [hit.score for hit in whole.hits][:3] == pytest.approx(
            [hit.score for hit in theirs.hits][:3], abs=0.05
        )


def test_likeness_to_an_article_and_to_a_text(case: Case, searcher: Any) -> None:
    ours = case.searcher
    try:
        for asked in (
            SimilarRequest(SearchRequest("", limit=5), article_id="bridge"),
            SimilarRequest(SearchRequest("The barometer fell on day 7", limit=5)),
        ):
            found, wanted = (
                [hit.stored.passage.id for hit in one.similar(asked).hits] for one in (ours, searcher)
            )
            assert len({*found} & {*wanted}) >= 4
        with pytest.raises(NotFound):
            ours.similar(SimilarRequest(SearchRequest(""), article_id="no-such"))
    finally:
        ours.questions.close()
