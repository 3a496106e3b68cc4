"""Stages of a request: what is noted, by whom, and that nothing is begun for nobody."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from passage_index import stages
from passage_index.errors import Abandoned
from passage_index.stages import stage, staged
from search_api.hits import SearchRequest
from search_api.searcher import Searcher


def test_a_search_notes_its_stages_once_each(searcher: Searcher) -> None:
    def traced() -> stages.Trace:
        trace = stages.begin()
        searcher.search(SearchRequest("who saw the goats"))
        return trace

    trace = copy_context().run(traced)
    assert [one.name for one in trace.stages] == [
        "parse", "filter", "lexical", "encode", "dense", "evidence", "rank", "show",
    ]  # fmt: skip
    assert all(one.took_s >= 0 for one in trace.stages)
    assert stages.trace() is None


def test_what_threads_note_is_added_up() -> None:
    def traced() -> dict[str, float]:
        trace = stages.begin()
        with ThreadPoolExecutor(4) as threads:
            for _ in range(100):
                threads.submit(copy_context().run, staged("x")(lambda: None))
        assert len(trace.stages) == 100
        assert sum(one.took_s for one in trace.stages) == pytest.approx(trace.took_s()["x"])
        return trace.took_s()

    assert list(copy_context().run(traced)) == ["x"]


def test_no_stage_is_begun_for_nobody() -> None:
    def traced() -> None:
        trace = stages.begin()
        stages.require_wanted()
        trace.is_abandoned = True
        with pytest.raises(Abandoned), stage("x"):
            pytest.fail("begun")
        with pytest.raises(Abandoned):
            stages.require_wanted()
        assert trace.stages == []

    copy_context().run(traced)


def test_without_a_trace_nothing_is_noted() -> None:
    stages.require_wanted()
    with stage("x"):
        assert stages.trace() is None
