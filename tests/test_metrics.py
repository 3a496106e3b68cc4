"""What /metrics tells, held against what was done."""

import re

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from search_api.app import create_app
from search_api.metrics import REASONS, Metrics
from search_api.questions import QuestionEncoder
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import until


def numbers(client: TestClient) -> dict[str, float]:
    """Every sample as `name{label=value,...}`."""
    reply = client.get("/metrics")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/plain; version=")
    return {
        one.name
        + "{"
        + ",".join(f"{key}={value}" for key, value in sorted(one.labels.items()))
        + "}": one.value
        for family in text_string_to_metric_families(reply.text)
        for one in family.samples
    }


@pytest.fixture
def fresh(settings: Settings, searcher: Searcher) -> TestClient:
    return TestClient(create_app(settings, searcher))


def test_requests_are_counted_by_route_as_it_is_declared(fresh: TestClient) -> None:
    with fresh as client:
        for _ in range(3):
            client.get("/v1/search?q=goats")
        client.get("/v1/search")
        client.get("/v1/articles/a/b/c")
        client.get("/made-up-by-a-client")
        client.request("BREW", "/v1/search")
        client.get("/static/style.css")
        told = numbers(client)
    assert told["search_requests_total{method=GET,route=/v1/search,status=200}"] == 3
    assert told["search_requests_total{method=GET,route=/v1/search,status=422}"] == 1
    assert told["search_requests_total{method=GET,route=/v1/articles/{article_id:path},status=404}"] == 1
    assert told["search_requests_total{method=GET,route=/static,status=200}"] == 1
    assert told["search_requests_total{method=GET,route=-,status=404}"] == 1
    assert told["search_requests_total{method=-,route=/v1/search,status=405}"] == 1
    assert told["search_request_seconds_count{route=/v1/search}"] == 5
    assert told["search_stage_seconds_count{stage=dense}"] == 3
    assert not [name for name in told if "made-up" in name]


def test_the_index_is_told(fresh: TestClient, searcher: Searcher) -> None:
    with fresh as client:
        client.get("/readyz")
        until(lambda: numbers(client)["search_ready{}"] == 1)
        told, manifest = numbers(client), searcher.snapshot.manifest
        assert told["search_generation{}"] == manifest.generation
        assert told["search_index_passages{}"] == manifest.passages
        folder = searcher.snapshot.index / f"gen-{manifest.generation:06}"
        whole = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        assert told["search_index_bytes{}"] == whole - (folder / "manifest.json").stat().st_size
        assert {f"search_refusals_total{{reason={reason}}}" for reason in REASONS} <= told.keys()
        assert told["process_open_fds{}"] > 0


def test_batches_and_remembered_questions_are_counted(index: object) -> None:
    metrics = Metrics()
    questions = QuestionEncoder(FakeEncoder(), metrics)
    for question in ("goats", "goats", "weather"):
        questions.encode(question)
    questions.close()
    told = metrics.text().decode()
    assert 'search_encoder_cache_total{result="hit"} 1.0' in told
    assert 'search_encoder_cache_total{result="miss"} 2.0' in told
    assert "search_encoder_batch_questions_count 2.0" in told and "search_encoder_seconds_count 2.0" in told


def test_refusals_are_counted_by_reason(settings: Settings, searcher: Searcher) -> None:
    small = settings.model_copy(update={"max_body_bytes": 10, "max_header_bytes": 1024, "max_json_depth": 1})
    json = {"content-type": "application/json"}
    with TestClient(create_app(small, searcher)) as client:
        assert client.post("/v1/search", content=b'{"q": "too long"}', headers=json).status_code == 413
        assert client.post("/v1/search", content=b"[[[", headers=json).status_code == 400
        assert client.get("/v1/search?q=" + "a" * 2000).status_code == 431
        told = numbers(client)
    for reason in ("body", "json", "header"):
        assert told[f"search_refusals_total{{reason={reason}}}"] == 1


def test_every_metric_is_documented() -> None:
    from tests.test_docs import ROOT

    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    names = re.findall(r"^# TYPE (search_\w+) ", Metrics().text().decode(), re.MULTILINE)
    names = [name for name in names if not name.endswith("_created")]
    assert len(names) > 12
    assert [name for name in names if f"`{name}`" not in text] == []
