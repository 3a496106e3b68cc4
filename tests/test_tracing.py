"""Spans of requests: one a request, one a stage, at their times, and nothing of what was asked."""

import json
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.tracing import Tracing

export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")


def test_a_request_is_a_span_and_its_stages_stand_below(settings: Settings, searcher: Searcher) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    kept, provider = export.InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    app = create_app(settings, searcher)
    app.state.serving.tracing = Tracing(provider)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with TestClient(app) as client:
        client.get("/v1/search?q=secretgoats", headers={"traceparent": parent, "x-request-id": "r1"})
        client.get("/v1/articles/secretgoats?filter=secretgoats")
        client.get("/healthz", headers={"traceparent": "nonsense"})
        spans = kept.get_finished_spans()
    *stages, request = [one for one in spans if f"{one.context.trace_id:032x}" in parent]
    assert request.name == "GET /v1/search" and f"{request.parent.span_id:016x}" in parent
    assert dict(request.attributes) == {
        "http.request.method": "GET", "http.route": "/v1/search", "http.response.status_code": 200,
        "request.id": "r1",
    }  # fmt: skip
    names = {one.name for one in stages}
    assert {"queue", "parse", "encode", "dense", "lexical", "rank", "show"} <= names
    for one in stages:
        assert one.parent.span_id == request.context.span_id
        assert request.start_time <= one.start_time <= one.end_time <= request.end_time
    assert "secret" not in "".join(one.to_json() for one in spans)
    assert len({one.context.trace_id for one in spans}) == 3


def test_without_tracing_the_sdk_is_not_imported() -> None:
    line = "import search_api.app, sys, json; print(json.dumps([m for m in sys.modules if 'opentelemetry.sdk' in m]))"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout) == []
