"""The chance that a corpus answers: it rises with the evidence, and its numbers are what the fit wrote."""

import json
from importlib.resources import files

import pytest

from search_api.answerability import ANSWERABLE_FROM, MODEL, answer_probability, evidence, value
from search_api.fusion import Mode
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

ASKED = "Which bridge was closed, and why did the frost open joints?"
MODES: list[Mode] = ["hybrid", "semantic", "keyword"]


@pytest.mark.parametrize("mode", ["hybrid", "keyword"])  # the fake encoder's meaning is no meaning
def test_a_question_of_the_corpus_is_likelier_answered_than_a_foreign_one(
    searcher: Searcher, mode: Mode
) -> None:
    own, foreign = (
        searcher.search(SearchRequest(question, mode=mode)).answer_probability
        for question in (ASKED, "Which violinist composed seventeen quartets for orphans?")
    )
    assert own is not None and foreign is not None and 0 <= foreign < own <= 1


def test_the_model_names_figures_that_there_are_and_the_data_it_was_fitted_on(searcher: Searcher) -> None:
    model = json.loads((files("search_api") / MODEL).read_text(encoding="utf-8"))
    found = searcher.find(SearchRequest(ASKED))
    figures = evidence(found.pool, found.parts)
    assert set(model["modes"]) == set(MODES)
    for one in model["modes"].values():
        assert all(isinstance(value(figures, name), float) for name in one["weights"])
    assert all(len(digest) == 64 for digest in model["data_sha256"].values())


def test_value_multiplies_what_a_star_joins() -> None:
    assert value({"size": 3.0, "both": 0.5}, "size*both") == 1.5
    assert value({"size": 3.0}, "size") == 3.0


def test_an_empty_pool_answers_nothing(searcher: Searcher) -> None:
    reply = searcher.search(SearchRequest('"words that stand in no article"'))
    assert (reply.total, reply.answer_probability, reply.answerable) == (0, 0.0, False)


def test_the_chance_is_the_same_on_every_page_and_the_bar_is_the_operators(
    searcher: Searcher, encoder: FakeEncoder
) -> None:
    first = searcher.search(SearchRequest(ASKED))
    later = searcher.search(SearchRequest(ASKED, offset=5, limit=1))
    assert first.answer_probability == later.answer_probability
    assert first.answerable == (first.answer_probability >= ANSWERABLE_FROM)  # type: ignore[operator]
    for bar, told in ((0.0, True), (1.0, False)):
        strict = Searcher(searcher.snapshot, searcher.questions, answerable_from=bar)
        assert strict.search(SearchRequest(ASKED)).answerable is told


def test_an_empty_parts_table_costs_no_error(searcher: Searcher) -> None:
    found = searcher.find(SearchRequest(ASKED, mode="semantic"))
    assert answer_probability(found.pool, found.parts, "semantic") > 0
