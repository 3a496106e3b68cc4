"""Reranking: the model's order for the first passages, and the search's own wherever the model fails."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from passage_index.errors import EncoderUnavailable, InputError
from passage_index.types import Article, PartialDate, Passage, Scores, StoredPassage
from search_api import rerank
from search_api.app import create_app
from search_api.finding import reranked
from search_api.hits import SearchReply, SearchRequest
from search_api.rerank import BATCH, WAITING, PairModel, Reranker, Verdict, pair_text
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.replies import problem

ASKED = SearchRequest("weather report of the barometer", limit=100, collapse=False, rerank=7)
NO_WAIT_S = 0.01  # for what must come too late
LONG_S = 60.0  # for what must come


class Longest:
    """Likes what is long: the score is the number of characters. Fails and waits where it is told to."""

    max_tokens = 100

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.leave = threading.Event()
        self.begun = threading.Event()
        self.leave.set()

    def score(self, question: str, texts: Sequence[str]) -> tuple[Scores, int]:
        self.begun.set()
        assert self.leave.wait(LONG_S)
        self.batches.append(list(texts))
        if "fail" in question:
            raise RuntimeError("model failed")
        if "nan" in question:
            return np.full(len(texts), np.nan), 0
        return np.array([len(text) / 1000 for text in texts]), sum(len(text) > 130 for text in texts)


@pytest.fixture
def model() -> Longest:
    return Longest()


@pytest.fixture
def reranker(model: Longest) -> Iterator[Reranker]:
    with closing(Reranker(lambda: model, LONG_S)) as opened:
        yield opened


def passages(*texts: str) -> list[StoredPassage]:
    article = Article("a", "\n".join(texts))
    return [StoredPassage(Passage("a", 0, len(text), ()), text, article) for text in texts]


def ids(reply: SearchReply) -> list[str]:
    return [hit.stored.passage.id for hit in reply.hits]


def test_scores_come_back_in_the_order_of_the_passages(model: Longest, reranker: Reranker) -> None:
    texts = ["x" * (1 + number * 7 % 31) for number in range(3 * BATCH + 1)]
    verdict = reranker.judge("longest?", passages(*texts))
    assert verdict.scores is not None and verdict.warnings == ()
    assert verdict.scores.tolist() == [len(text) / 1000 for text in texts]
    assert [len(batch) for batch in model.batches] == [BATCH, BATCH, BATCH, 1]
    assert reranker.judge("longest?", []).scores is not None


def test_the_model_reads_title_date_and_text() -> None:
    article = Article("a", "Goats won.", title="Race", published=PartialDate.parse("2023-11"))
    stored = StoredPassage(Passage("a", 0, 10, ()), "Goats won.", article)
    assert pair_text(stored) == "Race\n2023-11\nGoats won."
    assert pair_text(replace(stored, article=Article("a", "Goats won."))) == "Goats won."


def test_what_was_judged_is_remembered_and_no_more_than_that(
    model: Longest, reranker: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerank, "REMEMBERED", 2)
    for question in ("a", "b", "a", "c", "a", "b"):
        assert reranker.judge(question, passages("x")).scores is not None
    assert len(model.batches) == 4  # a, b, c, and b again, which c pushed out
    reranker.judge("b", passages("y"))
    assert len(model.batches) == 5


def test_texts_that_were_not_read_to_their_end_are_told_of(reranker: Reranker) -> None:
    verdict = reranker.judge("longest?", passages("x" * 131, "x" * 130, "x" * 200))
    assert verdict.scores is not None
    assert verdict.warnings == (
        "the reranker did not read 2 of 3 passages to their end: "
        "it takes 100 tokens of question and passage together",
    )


def test_a_late_answer_is_thrown_away_and_the_next_one_is_not_its(model: Longest) -> None:
    model.leave.clear()
    with closing(Reranker(lambda: model, NO_WAIT_S)) as reranker:
        late = reranker.judge("slow", passages(*"x" * (5 * BATCH)))
        assert late.scores is None
        assert late.warnings == (
            "the reranker did not answer within 0.01 s; the hits are in the order they have without it",
        )
        model.leave.set()
        reranker.timeout_s = LONG_S
        verdict = reranker.judge("quick", passages("xx"))
        assert verdict.scores is not None and verdict.scores.tolist() == [0.002]
    assert len(model.batches) <= 2, "what nobody waits for was judged to its end"


def test_no_more_than_so_many_wait(model: Longest) -> None:
    model.leave.clear()
    with closing(Reranker(lambda: model, LONG_S)) as reranker:
        waiting = [reranker._submit(f"question {number}", passages("x")) for number in range(WAITING)]
        assert model.begun.wait(LONG_S)
        refused = reranker.judge("one too many", passages("x"))
        assert refused.warnings == (
            "the reranker has too much to do; the hits are in the order they have without it",
        )
        model.leave.set()
        assert all(one.result(LONG_S).scores is not None for one in waiting)
        assert reranker.judge("there is room again", passages("x")).scores is not None


@pytest.mark.parametrize("question", ["please fail", "nan"])
def test_a_model_that_fails_leaves_the_order_and_works_on(
    reranker: Reranker, question: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        verdict = reranker.judge(question, passages("x"))
    assert verdict.scores is None
    assert verdict.warnings == ("the reranker failed; the hits are in the order they have without it",)
    assert caplog.records and question not in caplog.records[0].getMessage()
    assert reranker.judge("again", passages("x")).scores is not None


@pytest.mark.parametrize(("error", "message"), [(EncoderUnavailable("no weights"), "^no weights$"), (OSError("gone"), "the reranker cannot be loaded: gone")])  # fmt: skip
def test_a_model_that_cannot_be_loaded_is_told_of(error: Exception, message: str) -> None:
    def load() -> PairModel:
        raise error

    with closing(Reranker(load, LONG_S)) as reranker:
        with pytest.raises(EncoderUnavailable, match=message):
            reranker.wait_until_loaded()
        assert reranker.fault == "the reranker cannot be loaded"
        (warning,) = reranker.judge("goats", passages("x")).warnings
        assert warning.startswith("the reranker cannot be loaded; ")


def test_close_ends_the_thread_and_answers_what_waits(model: Longest) -> None:
    reranker = Reranker(lambda: model, LONG_S)
    reranker.wait_until_loaded()
    reranker.close()
    assert not reranker._thread.is_alive()


# -- in a search -----------------------------------------------------------------------------------


def test_the_first_passages_stand_in_the_model_s_order_and_the_rest_as_before(
    searcher: Searcher, reranker: Reranker
) -> None:
    plain, anew = searcher.search(replace(ASKED, rerank=0)), searcher.search(ASKED, reranker)
    by_length = sorted(plain.hits[:7], key=lambda hit: (-len(pair_text(hit.stored)), hit.stored.passage.id))
    assert ids(anew) == [hit.stored.passage.id for hit in (*by_length, *plain.hits[7:])] != ids(plain)
    for hit in anew.hits[:7]:
        assert hit.scores.rerank == len(pair_text(hit.stored)) / 1000
        assert hit.score == pytest.approx(1 / (1 + np.exp(-hit.scores.rerank)), abs=1e-6)
    assert all(hit.scores.rerank is None for hit in anew.hits[7:])
    assert all(hit.scores.rerank is None for hit in plain.hits)
    assert {hit.stored.passage.id: hit.scores.fused for hit in anew.hits} == {
        hit.stored.passage.id: hit.scores.fused for hit in plain.hits
    }
    assert all(0 <= hit.score <= 1 for hit in anew.hits)
    assert all(one.score >= other.score for one, other in pairwise(anew.hits))


@pytest.mark.parametrize("change", [{}, {"collapse": True}, {"group_by_article": True}, {"min_score": 0.3}, {"diversity": 0.5}])  # fmt: skip
def test_pages_of_a_reranked_search_fit_together(
    searcher: Searcher, reranker: Reranker, change: dict[str, float]
) -> None:
    request = replace(ASKED, **change)  # type: ignore[arg-type]
    whole = searcher.search(request, reranker)
    pages = [
        searcher.search(replace(request, limit=3, offset=offset), reranker)
        for offset in range(0, whole.total + 3, 3)
    ]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert all(hit.score >= request.min_score for hit in whole.hits)
    assert len(whole.hits) == whole.total > 6


def test_a_lowest_score_is_of_the_score_that_is_shown(searcher: Searcher, reranker: Reranker) -> None:
    every = searcher.search(ASKED, reranker)
    bound = every.hits[3].score
    cut = searcher.search(replace(ASKED, min_score=bound), reranker)
    assert cut.hits == tuple(hit for hit in every.hits if hit.score >= bound) != every.hits


@pytest.mark.parametrize("question", ["please fail at the barometer", "nan barometer"])
def test_a_search_outlives_its_reranker(searcher: Searcher, reranker: Reranker, question: str) -> None:
    request = replace(ASKED, question=question)
    plain, anew = searcher.search(replace(request, rerank=0)), searcher.search(request, reranker)
    assert anew.hits == plain.hits and len(anew.warnings) == 1


def test_reranking_without_a_reranker_names_the_setting(searcher: Searcher) -> None:
    with pytest.raises(InputError, match="SEARCH_RERANKER"):
        searcher.search(ASKED)


def test_an_empty_pool_can_be_reranked(searcher: Searcher, reranker: Reranker) -> None:
    nothing = SearchRequest("xylophone", mode="keyword", rerank=5)
    assert searcher.search(nothing, reranker).hits == ()


def test_an_explanation_tells_what_the_reranker_did(searcher: Searcher, reranker: Reranker) -> None:
    plain = ids(searcher.search(replace(ASKED, rerank=0)))
    for hit in searcher.search(replace(ASKED, explain=True), reranker).hits[:9]:
        (reason,) = [one for one in hit.explanation or () if one.part == "rerank"]
        before = plain.index(hit.stored.passage.id) + 1
        assert (reason.value, reason.contribution) == (hit.scores.rerank, None)
        assert f"place {hit.rank} of the 7" in reason.text if hit.rank <= 7 else "first 7" in reason.text
        assert f"{before} by the parts above" in reason.text


# -- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def serve(settings: Settings, searcher: Searcher) -> Iterator[Callable[[Reranker], TestClient]]:
    opened: list[TestClient] = []

    def begin(reranker: Reranker) -> TestClient:
        app = create_app(settings, searcher)
        app.state.serving.reranker = reranker
        opened.append(TestClient(app))
        return opened[-1].__enter__()

    yield begin
    for client in opened:
        client.__exit__(None, None, None)


@pytest.mark.parametrize("path", ["/v1/search", "/search"])
def test_http_reranks_and_shows_the_raw_score(
    serve: Callable[[Reranker], TestClient], model: Longest, path: str
) -> None:
    client = serve(Reranker(lambda: model, LONG_S))
    asked = {"q": "weather report of the barometer", "rerank": True, "limit": 4}
    for reply in (client.get(path, params=asked), client.post(path, json=asked)):
        scores = [hit["scores"]["rerank"] for hit in reply.json()["hits"]]
        assert reply.status_code == 200 and scores == sorted(scores, reverse=True) and scores[0] > 0.1
    assert not any(
        hit["scores"]["rerank"] for hit in client.get(path, params=asked | {"rerank": False}).json()["hits"]
    )


def test_a_batch_of_reranked_searches_waits_for_its_turn(
    serve: Callable[[Reranker], TestClient], model: Longest
) -> None:
    """Many more than may wait at the reranker at once."""
    client = serve(Reranker(lambda: model, LONG_S))
    asked = [{"q": f"barometer {number}", "rerank": True} for number in range(3 * WAITING)]
    replies = client.post("/v1/search/batch", json={"requests": asked}).json()["replies"]
    assert len(replies) == len(asked)
    for reply in replies:
        assert [one for one in reply["warnings"] if "order" in one] == []
        assert all(hit["scores"]["rerank"] for hit in reply["hits"])


def test_a_reranker_that_hangs_costs_a_warning_and_no_thread(
    settings: Settings, serve: Callable[[Reranker], TestClient], model: Longest
) -> None:
    model.leave.clear()
    client = serve(Reranker(lambda: model, NO_WAIT_S))
    asked = {"q": "barometer", "rerank": True}
    plain = client.get("/v1/search", params={"q": "barometer"}).json()
    for _ in range(WAITING + settings.search_threads):
        reply = client.get("/v1/search", params=asked).json()
        assert reply["hits"] == plain["hits"] and len(reply["warnings"]) == 1
    assert client.get("/v1/search", params={"q": "barometer"}).json()["hits"] == plain["hits"]
    model.leave.set()


def test_without_a_reranker_the_setting_is_named(client: TestClient) -> None:
    asked = {"q": "barometer", "rerank": True}
    told = "rerank: there is no reranker here; name a cross-encoder in the setting SEARCH_RERANKER, or do without SEARCH_READER=none"
    assert problem(client.get("/v1/search", params=asked), 422) == told
    assert problem(client.post("/v1/search", json=asked), 422) == told
    batch = client.post("/v1/search/batch", json={"requests": [{"q": "goats"}, asked]})
    assert problem(batch, 422) == f"requests.1: {told}"


def test_a_service_whose_reranker_cannot_be_found_does_not_begin(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"config\.json is missing|safetensors"):
        create_app(settings.model_copy(update={"reranker": str(tmp_path)}))


def test_readiness_warns_of_a_reranker_that_could_not_be_loaded(
    serve: Callable[[Reranker], TestClient],
) -> None:
    def load() -> PairModel:
        raise OSError("gone")

    reranker = Reranker(load, LONG_S)
    with pytest.raises(EncoderUnavailable):
        reranker.wait_until_loaded()
    assert json.loads(serve(reranker).get("/readyz").text)["warnings"] == ["the reranker cannot be loaded"]


def test_a_judgement_with_a_weight_counts_beside_the_score(searcher: Searcher) -> None:
    found = searcher.find(ASKED)
    first = found.fused_order[: ASKED.rerank]
    raw = np.linspace(-9, 9, len(first))
    anew = reranked(found, Verdict(raw, weight=0.1))
    beside = {i: found.fused[i] + 0.1 / (1 + np.exp(-value)) for i, value in zip(first, raw, strict=True)}
    assert sorted(anew.ranked[: len(first)]) == sorted(first) and anew.ranked[: len(first)] != first
    assert [round(beside[i], 6) for i in anew.ranked[: len(first)]] == sorted(
        (round(value, 6) for value in beside.values()), reverse=True
    )
    # Chances stay with the places, so that they never rise along the ranking.
    assert anew.score[anew.ranked].tolist() == found.score[found.fused_order].tolist()
    assert reranked(found, Verdict(raw * 0, weight=0.1)).ranked == found.fused_order


def test_without_a_reader_nothing_is_judged_by_itself(client: TestClient) -> None:
    asked = {"q": "barometer", "rerank": "auto"}
    reply = client.get("/v1/search", params=asked).json()
    assert reply["hits"] and all(hit["scores"]["rerank"] is None for hit in reply["hits"])
    assert client.get("/v1/search", params={"q": "barometer", "rerank": "often"}).status_code == 422
