"""What every request passes: limits, ids, headers, the log line, and what happens when something breaks."""

import asyncio
import logging
import re
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from passage_index.errors import CorruptIndex
from search_api.app import create_app
from search_api.gate import SECURITY_HEADERS
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.replies import problem

JSON = {"content-type": "application/json"}


def test_a_body_is_counted_as_it_streams(settings: Settings, searcher: Searcher) -> None:
    small = settings.model_copy(update={"max_body_bytes": 1000})
    with TestClient(create_app(small, searcher)) as client:
        assert (
            client.post("/v1/search", content=b'{"q": "goats"}'.ljust(1000), headers=JSON).status_code == 200
        )
        too_long = client.post("/v1/search", content=b'{"q": "goats"}'.ljust(1001), headers=JSON)
        assert problem(too_long, 413) == "a body can have at most 1000 bytes"
    # The test client gathers a stream before it sends it, so the app is called by hand.
    sent = [{"type": "http.request", "body": part, "more_body": True} for part in [b" " * 300] * 4]
    assert _by_hand(create_app(small, searcher), sent)["status"] == 413


def test_a_body_that_does_not_come_times_out(settings: Settings, searcher: Searcher) -> None:
    hasty = settings.model_copy(update={"request_timeout_s": 0.05})
    sent = [{"type": "http.request", "body": b"{", "more_body": True}]
    assert _by_hand(create_app(hasty, searcher), sent)["status"] == 408


def _by_hand(app: Any, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """POST /v1/search with these messages and then silence; the start of the reply."""
    replies: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in waiting:
            return message
        await asyncio.sleep(60)
        raise AssertionError("waited on")

    async def send(message: dict[str, Any]) -> None:
        replies.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/search", "raw_path": b"/v1/search",
        "query_string": b"", "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")], "scheme": "http",
        "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return replies[0]


def test_request_id_is_kept_where_harmless(client: TestClient) -> None:
    def answered(given: str) -> str:
        return client.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"]

    assert answered("trace-01.A_b") == "trace-01.A_b"
    for bad in ("", "a b", "a" * 129, 'x"<b>'):
        assert re.fullmatch("[0-9a-f]{32}", answered(bad))


@pytest.mark.parametrize(
    "path", ["/", "/?q=goats", "/v1/search?q=goats", "/v1/search", "/nothing", "/static/style.css"]
)
def test_every_reply_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_request_is_one_log_line_without_the_question(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "search_api.requests"):
        client.get("/v1/articles/secret", params={"q": "secret"}, headers={"x-request-id": "r1"})
    (record,) = [record for record in caplog.records if record.name == "search_api.requests"]
    assert re.fullmatch(
        r"method=GET route=/v1/articles/\{article_id:path\} status=422 ms=[\d.]+ request_id=r1",
        record.message,
    )


def test_what_breaks_here_is_a_500_without_details(
    client: TestClient, searcher: Searcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_request: object) -> None:
        raise RuntimeError("secret path /srv")

    monkeypatch.setattr(searcher, "search", broken)
    reply = client.get("/v1/search?q=goats", headers={"x-request-id": "r2"})
    assert problem(reply, 500) == "the server failed at this request; its log tells more"
    assert "RuntimeError: secret path /srv" in caplog.text and "request_id=r2 failed" in caplog.text


def test_a_damaged_index_is_a_503(
    client: TestClient, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_request: object) -> None:
        raise CorruptIndex("a file is not whole")

    monkeypatch.setattr(searcher, "search", damaged)
    reply = client.get("/v1/search?q=goats")
    assert problem(reply, 503) == "a file is not whole" and reply.headers["retry-after"] == "5"


def test_too_slow_is_503_with_retry_after(
    settings: Settings, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searcher, "search", lambda _request: time.sleep(0.5))
    hasty = settings.model_copy(update={"request_timeout_s": 0.1})
    with TestClient(create_app(hasty, searcher)) as client:
        late = client.get("/v1/search?q=goats")
        assert problem(late, 503) == "the answer took too long" and late.headers["retry-after"] == "5"
