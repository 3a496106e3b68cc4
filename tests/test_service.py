"""Life and readiness, counts, and the API's own description."""

import inspect
import json
import os
import time
from errno import EMFILE
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from fastapi.testclient import TestClient

from passage_index.errors import EncoderMismatch, NotFound
from passage_index.snapshot import Snapshot, open_snapshot
from search_api import generations, sources
from search_api.app import ROUTERS, create_app
from search_api.routes_service import openapi_document
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.conftest import ARTICLES, DATA
from tests.fakes import FakeEncoder
from tests.replies import problem

OPENAPI = DATA / "openapi.json"


def test_stats_count_what_the_index_holds(client: TestClient, index: Path) -> None:
    stats = client.get("/v1/stats").json()
    assert (stats["generation"], stats["articles"], stats["segments"]) == (1, len(ARTICLES), 1)
    assert stats["passages"] == len(ARTICLES) + 2  # the bridge and its copy have two each
    assert stats["search_steps"] == [{"step": "exact", "passages": stats["passages"], "recall": {}}]
    files = [file for file in (index / "gen-000001").rglob("*") if file.is_file()]
    assert stats["index_bytes"] == sum(file.stat().st_size for file in files if file.name != "manifest.json")
    assert stats["encoder"] == {
        "name": "fake", "dim": 64, "max_tokens": 256, "weights_sha256": "0" * 64,
    }  # fmt: skip
    assert stats["dates"] == {"first": "2019-01-01", "last": "2023-11-30", "undated_passages": 1}
    assert stats["sources"][:2] == [
        {"name": "Weather Office", "passages": 23}, {"name": "Port Gazette", "passages": 5},
    ]  # fmt: skip
    assert stats["languages"][0] == {"name": "en", "passages": stats["passages"] - 2}
    assert stats["years"][0] == {"name": "", "passages": 1}
    assert sum(one["passages"] for one in stats["years"]) == stats["passages"]


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.head("/healthz").status_code == 200
    assert client.get("/readyz").json() == {
        "status": "ready", "generation": 1, "passages": len(ARTICLES) + 2,
        "encoder": "fake (64 dims, weights 000000000000)", "warnings": [],
    }  # fmt: skip


@pytest.mark.parametrize("error", [NotFound, EncoderMismatch])
def test_without_an_index_the_service_lives_and_says_why_until_there_is_one(
    index: Path,
    encoder: FakeEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    is_there, opened, closed = False, [], []
    whole, close = open_snapshot(index), Snapshot.close

    def open_once(asked: Path, _stamps: Path, _before: Snapshot | None) -> Snapshot:
        if not is_there:
            raise error(f"no index at {asked.name}")
        opened.append(whole)
        return whole

    monkeypatch.setattr(sources, "open_snapshot", open_once)
    monkeypatch.setattr(generations, "load_indexed_encoder", lambda *_, threads: encoder)
    monkeypatch.setattr(Snapshot, "close", lambda self: (closed.append(self), close(self)))
    with TestClient(create_app(Settings(index=tmp_path / "none", retry_s=0.02))) as client:
        assert client.get("/healthz").status_code == 200
        wait_for(lambda: problem(client.get("/readyz"), 503) == "no index at none")
        for path in ("/v1/search?q=goats", "/v1/stats", "/v1/articles/bridge", "/"):
            assert problem(client.get(path), 503) == "no index at none"
        is_there = True
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/v1/search?q=goats").json()["hits"][0]["article_id"] == "undated"
    assert opened == closed == [whole]


def test_the_index_is_followed_on_after_an_error_of_the_system(
    settings: Settings, searcher: Searcher
) -> None:
    app = create_app(settings.model_copy(update={"poll_s": 0.02}), searcher)
    generations, told = app.state.serving.generations, []
    follow = generations.follow
    with TestClient(app) as client:
        generations.follow = failing = Mock(side_effect=OSError(EMFILE, "Too many open files"))
        wait_for(lambda: told.extend(client.get("/readyz").json()["warnings"]) or told)
        asked = failing.call_count
        wait_for(lambda: failing.call_count > asked)
        generations.follow = follow
        wait_for(lambda: client.get("/readyz").json()["warnings"] == [])
    fault = "the index cannot be followed: [Errno 24] Too many open files"
    assert told == [f"{fault}; what is newer is not served"]


def wait_for(condition: Any) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_no_route_waits_for_a_thread_before_it_begins() -> None:
    for router in ROUTERS:
        for route in router.routes:
            calls = [route.endpoint, *(one.call for one in route.dependant.dependencies)]
            assert all(inspect.iscoroutinefunction(call) for call in calls), route.path


def test_openapi_document_is_the_recorded_one(settings: Settings, searcher: Searcher) -> None:
    """After a wanted change: `WRITE_OPENAPI=1 pytest tests/test_service.py -k openapi`, and read the diff."""
    document = openapi_document(create_app(settings, searcher))
    if os.environ.get("WRITE_OPENAPI"):
        OPENAPI.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert document == json.loads(OPENAPI.read_text(encoding="utf-8"))


def test_openapi_and_docs_are_served(client: TestClient) -> None:
    served = client.get("/openapi.json").json()
    assert list(served["paths"]) == [
        "/v1/search", "/v1/search/batch", "/v1/suggest", "/v1/similar", "/v1/articles/{article_id}/passages", "/v1/articles/{article_id}",
        "/v1/passages/{passage_id}", "/v1/verify", "/v1/ask", "/v1/ask/stream", "/v1/vector_stores/{vector_store_id}/search", "/v1/articles", "/v1/tasks/{task_id}", "/v1/stats",
        "/healthz", "/readyz",
    ]  # fmt: skip
    docs = client.get("/docs")
    assert docs.status_code == 200 and docs.text.count("<script") == 2  # the page's own
    for path in served["paths"]:
        assert f"<code>{path}</code>" in docs.text


def test_problems_are_documented(client: TestClient) -> None:
    docs = client.get("/docs").text
    for path in ("/v1/search", "/v1/articles/nothing", "/v1/passages/%00"):
        assert f'id="{client.get(path).json()["type"].removeprefix("/docs#")}"' in docs
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["ProblemBody"]["required"] == ["type", "title", "status", "detail", "request_id"]
