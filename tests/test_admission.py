"""Who gets a place, who is sent away at once, and that nothing is done for who has gone."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from passage_index import stages
from search_api.admission import Admission, Arrival
from search_api.app import create_app
from search_api.hits import SearchRequest
from search_api.metrics import Metrics
from search_api.searcher import Searcher
from search_api.settings import Settings

PATIENCE_S = 30.0
HOLDING: set[asyncio.Task[None]] = set()  # so that none is collected while it holds a place


def admission(**changed: Any) -> Admission:
    return Admission(Settings(**{"threads": 2, "max_waiting": 3} | changed), Metrics())


async def taken(places: Admission, count: int) -> list[asyncio.Event]:
    """Hold so many places, each as a request of its own; an event set lets one go."""
    releases = []
    for _ in range(count):
        entered, release = asyncio.Event(), asyncio.Event()

        async def hold(entered: asyncio.Event = entered, release: asyncio.Event = release) -> None:
            async with places.place():
                entered.set()
                await release.wait()

        holding = asyncio.create_task(hold())
        await asyncio.wait({holding, asyncio.create_task(entered.wait())}, return_when="FIRST_COMPLETED")
        if holding.done():
            holding.result()
        HOLDING.add(holding)
        releases.append(release)
    return releases


def let_in(places: Admission) -> Arrival:
    """In a context of its own, as each request has one."""
    arrival = copy_context().run(places.arrive)
    assert isinstance(arrival, Arrival)
    return arrival


def retry_of(places: Admission) -> str | None:
    """When a request that comes now is told to come again; None where it is let in."""
    asked = copy_context().run(places.arrive)
    if isinstance(asked, Arrival):
        places.leave(asked)
        return None
    assert asked.status == 503 and asked.headers is not None
    return asked.headers["Retry-After"]


def test_one_more_than_may_wait_is_refused_and_a_place_that_is_left_is_free_again() -> None:
    places = admission()

    async def run() -> None:
        held = await taken(places, 3)
        arrivals = [let_in(places) for _ in range(2)]
        assert retry_of(places) == "1"
        with pytest.raises(HTTPException) as caught:
            await taken(places, 1)
        assert caught.value.status_code == 503 and caught.value.headers == {"Retry-After": "1"}
        places.leave(arrivals[0])
        places.leave(arrivals[0])
        assert retry_of(places) is None
        let_in(places)
        assert retry_of(places) == "1"
        held[0].set()
        await asyncio.sleep(0.01)
        assert retry_of(places) is None

    asyncio.run(run())


def test_who_was_let_in_counts_once_and_is_not_refused_any_more() -> None:
    places = admission(threads=1, max_waiting=0)

    async def run() -> None:
        arrival = places.arrive()
        assert isinstance(arrival, Arrival)
        async with places.place(), places.place():  # as a batch, and each of its searches
            assert retry_of(places) == "1"
        assert retry_of(places) is None
        places.leave(arrival)
        assert retry_of(places) is None

    asyncio.run(run())


def test_a_batch_that_was_asked_at_its_place_is_not_asked_for_each_part() -> None:
    places = admission(threads=1, max_waiting=0)

    async def run() -> None:
        async with places.place():
            assert retry_of(places) == "1"
            async with places.place():
                pass
        async with places.place():
            pass

    asyncio.run(run())


def test_who_would_wait_longer_than_the_limit_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    places = admission(max_waiting=100, max_wait_s=2.5)
    monkeypatch.setattr(places, "_mean_s", 1.0)  # of two threads, one free every half second

    async def run() -> None:
        await taken(places, 2 + 4)
        assert places.expected_wait_s == 2.5 and retry_of(places) is None
        let_in(places)
        assert places.expected_wait_s == 3.0 and retry_of(places) == "3"

    asyncio.run(run())


def test_the_time_on_a_thread_is_what_is_expected_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    places, clock = admission(), iter([0.0, 0.0, 4.0])
    monkeypatch.setattr("search_api.admission.time.perf_counter", lambda: next(clock))
    places.timed(lambda: None, may_wait=False)()
    assert places._mean_s == pytest.approx(0.4)


def test_what_waited_twice_too_long_is_dropped_before_it_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []
    for waited_s, may_wait in ((1.9, False), (2.1, False), (2.1, True)):
        places, clock = admission(max_wait_s=1.0), iter([0.0, waited_s, waited_s + 0.1])
        monkeypatch.setattr("search_api.admission.time.perf_counter", lambda clock=clock: next(clock))
        run = places.timed(partial(begun.append, waited_s), may_wait=may_wait)
        if may_wait or waited_s < 2.0:
            run()
        else:
            with pytest.raises(HTTPException) as caught:
                run()
            assert caught.value.status_code == 503
    assert begun == [1.9, 2.1]


@pytest.mark.parametrize(
    ("processors", "given", "processes", "threads"),
    [(1, 0, 1, 2), (2, 0, 1, 2), (3, 0, 1, 3), (64, 0, 1, 4), (8, 0, 4, 2), (64, 7, 1, 7), (1, 1, 1, 1)],
)
def test_there_are_as_many_threads_as_processors_have_use_for(
    monkeypatch: pytest.MonkeyPatch, processors: int, given: int, processes: int, threads: int
) -> None:
    monkeypatch.setattr("search_api.settings.os.cpu_count", lambda: processors)
    assert Settings(threads=given, processes=processes).search_threads == threads


def serve(settings: Settings, searcher: Searcher, talk: Callable[[httpx.AsyncClient], Any]) -> None:
    app = create_app(settings, searcher)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                await talk(client)

    asyncio.run(run())


def test_a_full_house_refuses_and_health_is_told(
    settings: Settings, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, search = threading.Event(), searcher.search

    def held(request: SearchRequest) -> Any:
        assert release.wait(PATIENCE_S)
        return search(request)

    monkeypatch.setattr(searcher, "search", held)
    small = settings.model_copy(update={"threads": 1, "max_waiting": 1})

    async def talk(client: httpx.AsyncClient) -> None:
        asked = [asyncio.create_task(client.get("/v1/search?q=goats")) for _ in range(5)]
        done, _ = await asyncio.wait(asked, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 3:
            done, _ = await asyncio.wait(asked, timeout=0.05)
        assert [one.result().status_code for one in done] == [503] * 3
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/v1/tasks/none")).status_code == 404  # told, not sent away
        told = (await client.get("/metrics")).text
        assert 'search_refusals_total{reason="full"} 3.0' in told
        assert "search_under_way 1.0" in told and "search_waiting 1.0" in told
        release.set()
        replies = await asyncio.gather(*asked)
        assert sorted(one.status_code for one in replies) == [200, 200, 503, 503, 503]
        assert "search_under_way 0.0" in (await client.get("/metrics")).text

    serve(small, searcher, talk)


def test_a_batch_has_one_place_and_all_of_its_searches(settings: Settings, searcher: Searcher) -> None:
    small = settings.model_copy(update={"threads": 1, "max_waiting": 1})
    with TestClient(create_app(small, searcher)) as client:
        reply = client.post("/v1/search/batch", json={"requests": [{"q": "goats"}] * 20})
        assert [len(one["hits"]) > 0 for one in reply.json()["replies"]] == [True] * 20


def test_a_client_that_hangs_up_stops_its_search(
    settings: Settings, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, hang_up, release, ended = (threading.Event() for _ in range(4))
    later: list[str] = []

    def long(_request: SearchRequest) -> None:
        try:
            begun.set()
            assert release.wait(PATIENCE_S)
            with stages.stage("next"):
                later.append("begun")
        finally:
            ended.set()

    monkeypatch.setattr(searcher, "search", long)
    small = settings.model_copy(update={"threads": 1})
    app = create_app(small, searcher)
    scope = {
        "type": "http", "method": "GET", "path": "/v1/search", "raw_path": b"/v1/search",
        "query_string": b"q=goats", "headers": [(b"host", b"localhost")], "scheme": "http", "http_version": "1.1",
    }  # fmt: skip

    async def asked(is_first: bool) -> None:
        told = iter([{"type": "http.request"}])

        async def receive() -> dict[str, Any]:
            for message in told:
                return message
            if is_first:
                await asyncio.to_thread(hang_up.wait, PATIENCE_S)
            return {"type": "http.disconnect"}

        async def send(_message: object) -> None:
            pytest.fail("answered")

        await app(dict(scope), receive, send)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            first = asyncio.create_task(asked(is_first=True))
            await asyncio.to_thread(begun.wait, PATIENCE_S)
            begun.clear()
            await asked(is_first=False)  # waits for the only thread, and hangs up
            hang_up.set()
            await first
            release.set()
            await asyncio.to_thread(ended.wait, PATIENCE_S)

    asyncio.run(run())
    assert later == []
    assert not begun.is_set(), "the second was taken back before it began"
    assert b"search_abandoned_total 2.0" in app.state.serving.metrics.text()


def test_a_new_generation_is_not_given_up_with_the_client_that_asked_for_it(
    settings: Settings, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = ["nothing"]
    serving = create_app(settings, searcher).state.serving
    monkeypatch.setattr(serving.generations, "follow", lambda: seen.append(stages.trace()))

    async def run() -> None:
        stages.begin().is_abandoned = True
        await serving.catch_up()

    asyncio.run(run())
    assert seen == ["nothing", None]
