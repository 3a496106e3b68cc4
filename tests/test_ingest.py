"""Bodies of articles: what is taken, and what is refused at once, with nothing left behind."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.readers.assembly import article_from_row
from indexer.readers.records import Row, Unfit
from passage_index.errors import InputError
from search_api.ingest import Lines, check_article
from tests.replies import problem
from tests.writing import ADMIN, NDJSON, accepted, waiting


@pytest.fixture
def index(own_index: Path) -> Path:
    return own_index


@pytest.fixture
def client(serve_writes: Callable[..., TestClient]) -> TestClient:
    return serve_writes()


def test_a_disk_that_refuses_is_503_and_leaves_nothing(
    client: TestClient, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    accepted(client.put("/v1/articles/a", json={"text": "x"}, headers=ADMIN))
    monkeypatch.setattr(os, "fsync", full)
    reply = client.put("/v1/articles/b", json={"text": "x"}, headers=ADMIN)
    assert problem(reply, 503) == "the write cannot be kept: No space left on device"
    assert reply.headers["retry-after"] == "30"
    assert len(waiting(index)) == 1 and not list((index / "inbox").glob(".writing-*"))


@pytest.mark.parametrize("task_id", ["1", "000000000001-0000000000000000", "..%2F..%2FCURRENT", "%ED%A0%80"])
def test_a_task_that_is_not_there_is_404(client: TestClient, task_id: str) -> None:
    accepted(client.put("/v1/articles/a", json={"text": "x"}, headers=ADMIN))
    assert client.get(f"/v1/tasks/{task_id}").status_code in (400, 404)


@pytest.mark.parametrize(
    "article_id",
    [
        "a",
        "a/b",
        "ü",
        "5",
        "a b",
        "x" * 512,
        "x" * 513,
        "",
        "a\tb",
        "a\x7f",
        "a\x85",
        "\ud800",
        5,
        5.0,
        5.5,
        True,
        [1],
    ],
)
def test_ids_are_judged_as_the_readers_judge_them(article_id: object) -> None:
    """Here a client is told at once what the worker would otherwise reject."""

    def refused(check: Callable[[], object], fault: type[Exception]) -> bool:
        try:
            check()
        except fault:
            return True
        return False

    fields = {"id": article_id, "text": "x"}
    body = json.dumps(fields).encode()
    by_reader = refused(lambda: article_from_row(Row(None, fields), ""), Unfit)
    assert refused(lambda: check_article(body, None), InputError) == by_reader


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_counted_however_they_come(size: int) -> None:
    body = b'\xef\xbb\xbf\n  \r\n{"a": 1}\n\n{"b": 2}\r\n \t\n{"c": 3}'
    lines = Lines()
    lines.feed(body[:3])
    for start in range(3, len(body), size):
        lines.feed(body[start : start + size])
    assert lines.records == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status", "detail"),
    [
        ("PUT", "a", b"", "application/json", 400, "the body is not JSON"),
        ("PUT", "a", b'{"text": "x"', "application/json", 400, "the body is not JSON"),
        ("PUT", "a", b"[" * 100_000, "application/json", 400, "nested too deeply"),
        ("PUT", "a", b'{"text": "\xff"}', "application/json", 400, "not UTF-8, at byte 10"),
        ("PUT", "a", b"[]", "application/json", 422, "must be one article"),
        ("PUT", "a", b"{}", "application/json", 422, "no text"),
        ("PUT", "a", b'{"text": " "}', "application/json", 422, "no text"),
        ("PUT", "a", b'{"text": ["x"]}', "application/json", 422, "no text"),
        ("PUT", "a", b'{"text": "x", "id": "b"}', "application/json", 422, "another id than the address"),
        ("PUT", "a", b'{"text": "x", "_id": true}', "application/json", 422, "a string or a number"),
        ("PUT", "a" * 513, b'{"text": "x"}', "application/json", 422, "513 characters"),
        ("PUT", "a%09b", b'{"text": "x"}', "application/json", 422, "control character"),
        ("PUT", "", b'{"text": "x"}', "application/json", 422, "there is no id"),
        ("PUT", "a", b'{"text": "x"}', "text/plain", 415, "application/json"),
        ("PUT", "a", b'{"text": "x"}', "application/x-ndjson", 415, "application/json"),
        ("PUT", "a?x=1", b'{"text": "x"}', "application/json", 422, "x: not known here"),
        ("POST", None, b'{"text": "x"}', "application/json", 422, "there is no id"),
        ("POST", None, b'{"id": "\\ud800", "text": "x"}', "application/json", 422, "surrogate"),
        ("POST", None, b'{"id": 1, "text": "x"}\n{"id": 2}', "application/json", 400, "one a line"),
        ("POST", None, b"\n \n", "application/x-ndjson", 422, "holds no article"),
        ("POST", None, b"", "application/x-ndjson", 422, "holds no article"),
        ("POST", None, b'\n[{"id": 1}]', "application/x-ndjson", 422, "the first line is no JSON object"),
        ("POST", None, b"id,text\n1,x\n", "application/jsonl", 422, "the first line is no JSON object"),
        ("POST", None, b"x", "", 415, "application/x-ndjson"),
        ("POST", "a", b"{}", "application/json", 405, ""),
        ("DELETE", "", b"", "", 422, "there is no id"),
        ("DELETE", "a%00", b"", "", 400, "NUL"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_at_once(
    client: TestClient,
    index: Path,
    method: str,
    path: str | None,
    body: bytes,
    kind: str,
    status: int,
    detail: str,
) -> None:
    address = "/v1/articles" if path is None else f"/v1/articles/{path}"
    reply = client.request(method, address, content=body, headers={**ADMIN, "content-type": kind})
    assert detail in problem(reply, status)
    assert waiting(index) == [] and not list((index / "inbox").glob(".writing-*"))


def test_a_packed_body_is_refused(client: TestClient) -> None:
    packed = {**NDJSON, "content-encoding": "gzip"}
    assert "Content-Encoding" in problem(client.post("/v1/articles", content=b"x", headers=packed), 415)


def test_articles_may_be_longer_than_questions(serve_writes: Callable[..., TestClient], index: Path) -> None:
    client = serve_writes(max_body_bytes=1000, max_ingest_bytes=5000)
    accepted(client.put("/v1/articles/a", json={"text": "x" * 4000}, headers=ADMIN))
    too_long = client.put("/v1/articles/a", json={"text": "x" * 5000}, headers=ADMIN)
    assert problem(too_long, 413) == "a body can have at most 5000 bytes"
    problem(client.post("/v1/search", json={"q": "x" * 2000}), 413)
    assert len(waiting(index)) == 1
