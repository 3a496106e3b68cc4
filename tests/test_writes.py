"""Writes over HTTP: who may, what is told of them, that searches then find it; the worker beside it."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.build import BuildOptions, build
from passage_index.encoder import DEFAULT_MODEL
from passage_index.errors import InputError
from passage_index.inbox import Inbox
from passage_index.snapshot import open_snapshot
from passage_index.transformer import load_encoder
from search_api import worker
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings, admin_key
from tests.fakes import FakeEncoder
from tests.growing import until, written
from tests.replies import problem
from tests.writing import ADMIN, KEY, NDJSON, START, WRITES, accepted, done, found, work


@pytest.fixture
def index(own_index: Path) -> Path:
    return own_index


@pytest.fixture
def client(serve_writes: Callable[..., TestClient]) -> TestClient:
    return serve_writes()


def test_an_article_is_put_found_replaced_and_deleted(client: TestClient, index: Path) -> None:
    task = accepted(
        client.put("/v1/articles/my/n%C3%ABw one", json={"title": "T", "text": "A zeppelin."}, headers=ADMIN)
    )
    assert (task["kind"], task["records"], task["rejections"], task["note"]) == ("article", 1, [], None)
    assert found(client, "zeppelin") == []
    told = done(client, task, index)
    assert told["generation"] == 2 and told["counts"] == {
        "indexed": 1, "deleted": 0, "unknown": 0, "superseded": 0, "rejected": 0,
    }  # fmt: skip
    assert found(client, "zeppelin") == ["my/nëw one"]  # who is told `done` finds it at once
    assert client.get("/v1/articles/my/nëw one").json()["title"] == "T"
    again = accepted(
        client.put(
            "/v1/articles/my/nëw one", json={"_id": "my/nëw one", "text": "An airship."}, headers=ADMIN
        )
    )
    done(client, again, index)
    assert (found(client, "zeppelin"), found(client, "airship")) == ([], ["my/nëw one"])
    gone = accepted(client.delete("/v1/articles/my/nëw one", headers=ADMIN))
    assert done(client, gone, index)["counts"]["deleted"] == 1
    assert found(client, "airship") == [] and client.get("/v1/articles/my/nëw one").status_code == 404
    unknown = accepted(client.delete("/v1/articles/my/nëw one", headers=ADMIN))
    assert done(client, unknown, index)["counts"]["unknown"] == 1


def test_many_articles_are_posted_and_bad_lines_told(client: TestClient, index: Path) -> None:
    lines = [{"_id": f"n-{n}", "text": f"Zeppelin {n}."} for n in range(50)]
    body = "\n".join(["", *map(json.dumps, lines), "{oops", '{"text": "no id"}', "  "]).encode()
    task = accepted(client.post("/v1/articles", content=body, headers=NDJSON))
    assert (task["kind"], task["records"]) == ("articles", 52)
    told = done(client, task, index)
    assert told["counts"] == {"indexed": 50, "deleted": 0, "unknown": 0, "superseded": 0, "rejected": 2}
    assert [one["line"] for one in told["rejections"]] == [52, 53]
    assert told["rejections"][1]["reason"] == "there is no id"
    assert client.get("/v1/stats").json()["articles"] == 53
    single = accepted(client.post("/v1/articles", json={"id": 7, "text": "Airship."}, headers=ADMIN))
    done(client, single, index)
    assert found(client, "airship") == ["7"]


def test_a_full_inbox_sends_away_and_takes_again(
    serve_writes: Callable[..., TestClient], index: Path
) -> None:
    client = serve_writes(inbox_writes=2)
    for number in range(2):
        accepted(client.put(f"/v1/articles/{number}", json={"text": "x"}, headers=ADMIN))
    for method, path in WRITES:
        reply = client.request(method, path, json={"id": "a", "text": "x"}, headers=ADMIN)
        assert problem(reply, 503).startswith("2 writes of ") and reply.headers["retry-after"] == "5"
    work(index)
    accepted(client.put("/v1/articles/3", json={"text": "x"}, headers=ADMIN))


def test_writes_are_kept_over_a_restart_of_the_server(
    serve_writes: Callable[..., TestClient], index: Path
) -> None:
    task = accepted(serve_writes().put("/v1/articles/a", json={"text": "A zeppelin."}, headers=ADMIN))
    second = serve_writes()
    assert second.get(f"/v1/tasks/{task['id']}").json() == task
    done(second, task, index)
    assert found(second, "zeppelin") == ["a"]


# -- who may


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_without_a_key_nothing_is_written(
    serve_writes: Callable[..., TestClient], index: Path, method: str, path: str
) -> None:
    client = serve_writes(admin_key=None)
    told = problem(client.request(method, path, json={"text": "x"}, headers=ADMIN), 403)
    assert told.startswith(
        "this server takes no writes; start it with SEARCH_ADMIN_KEY or SEARCH_ADMIN_KEY_FILE"
    )
    problem(client.get("/v1/tasks/000000000001-0000000000000000"), 404)
    assert not (index / "inbox").exists()


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {}, {"x-api-key": ""}, {"x-api-key": KEY + "x"}, {"x-api-key": "ü"}, {"authorization": KEY},
        {"authorization": f"Basic {KEY}"}, {"authorization": "Bearer"}, {"authorization": "Bearer wrong"},
    ],
)  # fmt: skip
def test_another_key_is_refused(
    client: TestClient, index: Path, method: str, path: str, headers: dict
) -> None:
    raw = [(name, value.encode()) for name, value in headers.items()]
    reply = client.request(method, path, json={"text": "x"}, headers=raw)
    assert "Authorization: Bearer" in problem(reply, 401) and reply.headers["www-authenticate"] == "Bearer"
    assert not (index / "inbox").exists()


@pytest.mark.parametrize(
    "headers", [{"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}]
)
def test_the_key_is_taken_in_both_headers(client: TestClient, headers: dict) -> None:
    accepted(client.put("/v1/articles/a", json={"text": "x"}, headers=headers))


def test_the_key_is_asked_for_before_the_body_is_read(index: Path) -> None:
    replies: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("read")

    async def send(message: dict[str, Any]) -> None:
        replies.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/articles", "raw_path": b"/v1/articles",
        "query_string": b"", "headers": [(b"host", b"localhost"), (b"content-type", b"application/x-ndjson")], "scheme": "http",
        "http_version": "1.1",
    }  # fmt: skip
    searcher = Searcher(open_snapshot(index), FakeEncoder())
    asyncio.run(create_app(Settings(index=index, admin_key=KEY), searcher)(scope, receive, send))
    searcher.close()
    assert replies[0]["status"] == 401


def test_the_key_can_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f" {KEY}\n")
    assert admin_key(Settings(admin_key_file=file)) == KEY
    assert admin_key(Settings(admin_key=" ")) is None
    assert KEY not in repr(Settings(admin_key=KEY))
    with pytest.raises(InputError, match="set one of them"):
        admin_key(Settings(admin_key=KEY, admin_key_file=file))
    file.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        admin_key(Settings(admin_key_file=file))
    with pytest.raises(InputError, match="cannot be read"):
        admin_key(Settings(admin_key_file=tmp_path / "none"))


# -- the worker beside the server


def test_the_worker_is_started_again_when_it_dies_and_ends_with_the_server(
    serve_writes: Callable[..., TestClient], index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    child = f'echo $$ >> {pids}; test -z "$SEARCH_ADMIN_KEY" || echo leaked >> {pids}; exec cat'
    monkeypatch.setenv("SEARCH_ADMIN_KEY", KEY)
    monkeypatch.setattr(worker, "command", lambda _settings: ["sh", "-c", child])
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 2.0)
    client = serve_writes(worker=True)
    started = lambda: pids.read_text().split() if pids.exists() else []  # noqa: E731
    until(lambda: len(started()) == 1)
    os.kill(int(started()[0]), signal.SIGKILL)
    warnings: list[str] = []
    until(lambda: warnings.extend(client.get("/readyz").json()["warnings"]) or warnings)
    assert warnings == [
        "writes are kept but wait: the worker was killed by signal 9; it is started again in 2 s"
    ]
    until(lambda: len(started()) == 2 and client.get("/readyz").json()["warnings"] == [])
    client.__exit__(None, None, None)
    assert not Path(f"/proc/{started()[1]}").exists() and "leaked" not in started()
    client.__enter__()


def test_what_is_put_is_found_with_the_real_encoder_and_worker(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "in.jsonl", START)], index, load_encoder(DEFAULT_MODEL), BuildOptions())
    with TestClient(create_app(Settings(index=index, admin_key=KEY))) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        text = "The zeppelin Aurora crossed the gulf. Its captain was Imre Vale."
        task = accepted(client.put("/v1/articles/new", json={"text": text}, headers=ADMIN))
        until(lambda: client.get(f"/v1/tasks/{task['id']}").json()["state"] == "done")
        reply = client.get("/v1/search", params={"q": "Who commanded the airship?", "limit": 1}).json()
        assert (reply["generation"], reply["hits"][0]["article_id"]) == (2, "new")
        gone = accepted(client.delete("/v1/articles/new", headers=ADMIN))
        until(lambda: client.get(f"/v1/tasks/{gone['id']}").json()["state"] == "done")
        assert client.get("/v1/articles/new").status_code == 404
    with Inbox(index).worker_lock():  # the child has ended
        pass
