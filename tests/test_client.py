"""The client against a real service: what it gives back, what it tries again, and what its errors say."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

import search_client
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_client import AsyncClient, Client, exchanging
from search_client.decoding import decode
from search_client.models import Hit, SearchReply, Task
from tests.conftest import ARTICLES, BRIDGE
from tests.model_stub import serving
from tests.writing import KEY, work


@pytest.fixture(scope="module")
def url(settings: Settings, searcher: Searcher) -> Iterator[str]:
    with serving(create_app(settings, searcher)) as base:
        yield base


@pytest.fixture
def asked(url: str) -> Iterator[Client]:
    with Client(url, retries=0) as client:
        yield client


def test_a_search_is_what_http_says(asked: Client, client: TestClient) -> None:
    options = {"limit": 3, "facets": ["source"], "explain": True, "filter": {"language": "en"}}
    reply = asked.search("bridge closed to lorries", **options)
    told = client.post("/v1/search", json={"q": "bridge closed to lorries", **options}).json()
    assert reply == decode(SearchReply, told | {"took_ms": reply.took_ms})
    assert isinstance(reply.hits[0], Hit) and reply.hits[0].article_id == "bridge"
    assert reply.facets["source"].values[0].count >= 1
    assert asked.search("bridge").facets is None


def test_all_hits_come_page_after_page(asked: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [hit.id for hit in asked.search("barometer", limit=100).hits]
    monkeypatch.setattr(search_client.client, "PAGE", 7)
    assert [hit.id for hit in asked.hits("barometer")] == whole
    assert [hit.id for hit in asked.hits("barometer", limit=4, offset=3)] == whole[3:]


def test_texts_are_whole_and_citations_verify(asked: Client) -> None:
    hit = asked.search("bridge closed to lorries", limit=1).hits[0]
    assert asked.article("bridge").text == BRIDGE
    assert asked.passage(hit.id).text == hit.text == BRIDGE[hit.start : hit.end]
    assert hit.id in [one.id for one in asked.article_passages("bridge")]
    verdict = asked.verify("bridge", hit.start, hit.end, hit.sha256)
    assert verdict.verified and verdict.quote == hit.text
    assert asked.verify("bridge", hit.start, hit.end, "0" * 64).reason == "differs"


def test_the_other_routes(asked: Client) -> None:
    assert asked.stats().articles == len(ARTICLES)
    assert asked.alive().status == "ok" and asked.ready().generation == 1
    assert asked.suggest("light", limit=3).suggestions[0].text.lower().startswith("light")
    two = asked.batch([{"q": "bridge", "limit": 1}, {"q": "lighthouse lamp", "limit": 2}])
    assert [len(one.hits) for one in two] == [1, 2] and two[1].query == "lighthouse lamp"
    assert all(hit.article_id != "bridge" for hit in asked.similar(article_id="bridge", limit=5).hits)
    page = asked.vector_store_search(
        ["bridge", "lamp"], max_num_results=2, ranking_options={"score_threshold": 0.0}
    )
    assert page.object == "vector_store.search_results.page" and len(page.data) == 2
    answer = asked.ask("When was the lighthouse lamp replaced?", threshold=0.0)
    assert answer.answer is not None and answer.citations[0].verified


def test_a_stream_is_read_event_by_event(asked: Client) -> None:
    events = list(asked.ask_stream("When was the lighthouse lamp replaced?"))
    assert [type(one).__name__ for one in events] == ["AskReply", "WritingWarning", "WritingDone"]
    assert events[0].question == "When was the lighthouse lamp replaced?"
    with pytest.raises(search_client.InvalidRequest):
        list(asked.ask_stream("?"))


def test_awaited_it_says_the_same(url: str, asked: Client) -> None:
    async def later() -> tuple[Any, ...]:
        async with AsyncClient(url, retries=0) as client:
            events = [one async for one in client.ask_stream("lighthouse lamp")]
            every = [hit.id async for hit in client.hits("barometer")]
            found = await asyncio.gather(*(client.search(f"barometer {n}", limit=2) for n in range(5)))
            return (
                events,
                every,
                found,
                await client.batch([{"q": "bridge"}]),
                await client.article_passages("bridge"),
            )

    events, every, found, batch, passages = asyncio.run(later())
    assert [type(one) for one in events] == [type(one) for one in asked.ask_stream("lighthouse lamp")]
    assert every == [hit.id for hit in asked.hits("barometer")]
    assert [len(one.hits) for one in found] == [2] * 5
    assert batch[0].hits == asked.batch([{"q": "bridge"}])[0].hits
    assert passages == asked.article_passages("bridge")


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda c: c.search("?"), search_client.InvalidRequest, "no word in it"),
        (lambda c: c.search("a", colour="red"), search_client.InvalidRequest, "colour: not known here"),
        (lambda c: c.search("a", generation=99), search_client.Gone, "is not here, or not any more"),
        (lambda c: c.article("no/such one%"), search_client.NotFound, "no such article"),
        (lambda c: c.put_article("a", {"text": "b"}), search_client.NotAllowed, "takes no writes"),
        (lambda c: c.task("a"), search_client.NotFound, "no such task"),
    ],
    ids=lambda one: "",
)
def test_errors_have_a_type_and_the_servers_words(asked: Client, call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call(asked)
    assert caught.value.request_id and caught.value.request_id in str(caught.value)


def test_a_server_that_is_not_there_is_told(url: str) -> None:
    with (
        Client("http://127.0.0.1:9", retries=0) as client,
        pytest.raises(search_client.NotReached, match="not reached"),
    ):
        client.stats()


# -- tries, by a server that says what a test wants --------------------------------------------------

STATS_ALIVE = {"status": "ok"}


def transport(*replies: Any) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Gives the replies one after another; an exception is raised."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        reply = replies[len(seen) - 1]
        if isinstance(reply, Exception):
            raise reply
        status, headers = reply
        return httpx.Response(
            status, headers=headers, json=STATS_ALIVE if status == 200 else {"detail": "busy"}
        )

    return httpx.MockTransport(handle), seen


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(search_client.client.time, "sleep", taken.append)
    return taken


def test_a_busy_server_is_asked_again_when_it_said(pauses: list[float]) -> None:
    answers, seen = transport(
        (503, {"Retry-After": "7"}), (429, {}), httpx.ConnectError("refused"), (200, {})
    )
    with Client(retries=3, transport=answers) as client:
        assert client.alive().status == "ok"
    assert len(seen) == 4 and pauses[0] == 7.0
    assert all(0 < one <= 1 for one in pauses[1:])  # grows from a quarter of a second


def test_tries_have_an_end(pauses: list[float]) -> None:
    answers, seen = transport(*[(503, {})] * 5)
    with Client(retries=2, transport=answers) as client, pytest.raises(search_client.Unavailable) as caught:
        client.alive()
    assert len(seen) == 3 and caught.value.status == 503
    answers, seen = transport(*[(429, {"Retry-After": "3600"})] * 2)
    with Client(retries=2, transport=answers) as client, pytest.raises(search_client.Unavailable) as caught:
        client.alive()  # nobody waits an hour
    assert len(seen) == 1 and caught.value.retry_after_s == 3600


@pytest.mark.parametrize("reply", [(500, {}), (422, {}), (302, {}), httpx.ReadTimeout("slow")])
def test_what_will_not_get_better_is_not_tried_again(pauses: list[float], reply: Any) -> None:
    answers, seen = transport(reply, (200, {}))
    with Client(retries=3, transport=answers) as client, pytest.raises(search_client.ArticleSearchError):
        client.alive()
    assert len(seen) == 1 and pauses == []


def test_a_date_in_retry_after_is_understood() -> None:
    assert exchanging.retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert exchanging.retry_after_s({"retry-after": "soon"}) is None
    assert exchanging.retry_after_s({}) is None
    assert exchanging.retry_after_s({"retry-after": " 12 "}) == 12.0


def test_the_key_goes_in_a_header_alone() -> None:
    answers, seen = transport((200, {}))
    with Client("http://h:1/", api_key="secret", transport=answers) as client:
        client.alive()
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert str(seen[0].url) == "http://h:1/healthz"


def test_ids_travel_unharmed(asked: Client) -> None:
    answers, seen = transport((200, {}))
    with (
        Client(transport=answers) as client,
        pytest.raises(search_client.UnexpectedReply, match="reply.id is missing"),
    ):
        client.article("a folder/50%?#.txt")
    assert seen[0].url.raw_path == b"/v1/articles/a%20folder/50%25%3F%23.txt"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>", "gave no JSON"),
        ("[]", "reply is not an object"),
        ('{"status": 3}', ""),
    ],
)
def test_another_server_is_noticed(body: str, words: str) -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    with Client(transport=answers) as client:
        if words:
            with pytest.raises(search_client.UnexpectedReply, match=words):
                client.alive()
        else:
            client.alive()  # a value of a newer server


def test_a_wrong_type_is_told_with_its_place(client: TestClient) -> None:
    told = client.post("/v1/search", json={"q": "bridge", "limit": 2}).json()
    told["hits"][1]["start"] = "zero"
    with pytest.raises(search_client.UnexpectedReply, match=r"reply.hits\[1\].start is not of type int"):
        decode(SearchReply, told)
    told["hits"][1]["start"], told["new"] = 0, "of a newer server"
    assert decode(SearchReply, told).hits[1].start == 0


# -- writes ------------------------------------------------------------------------------------------


def test_writes_are_waited_for(
    serve_writes: Callable[..., TestClient], own_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the service itself; `indexer work` is played by the test."""
    monkeypatch.setattr(search_client.client, "POLL_S", 0.01)
    service = serve_writes()

    def handle(asked: httpx.Request) -> httpx.Response:
        path = asked.url.raw_path.decode()
        said = service.request(asked.method, path, content=asked.content, headers=dict(asked.headers))
        return httpx.Response(said.status_code, content=said.content, headers=dict(said.headers))

    with Client(api_key=KEY, transport=httpx.MockTransport(handle)) as client:
        task = client.put_article("new/1", {"title": "Race", "text": "The zeppelin Aurora won the race."})
        more = client.post_articles(
            [{"_id": f"more-{n}", "text": f"Zeppelin number {n} lost."} for n in range(3)]
        )
        gone = client.delete_article("nothing")
        with pytest.raises(search_client.TaskPending):
            client.wait_for(task, timeout_s=0.0)
        work(own_index)
        assert client.wait_for(task).counts.indexed == 1
        assert client.wait_for(more).counts.indexed == 3 and client.wait_for(gone).counts.unknown == 1
        assert client.article("new/1").title == "Race"


def test_a_write_that_failed_is_an_error() -> None:
    task = decode(Task, json.loads(FAILED))
    with Client() as client, pytest.raises(search_client.TaskFailed, match="the disk is full"):
        client.wait_for(task)


FAILED = """{"id": "1", "state": "failed", "kind": "articles", "accepted_at": "2026-01-01T00:00:00+00:00",
 "finished_at": null, "records": 1, "counts": null, "rejections": [], "generation": null, "progress": null,
 "note": "the disk is full"}"""
