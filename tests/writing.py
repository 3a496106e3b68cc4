"""What tests of writes over HTTP share: the key, a small corpus, and a worker that is run by hand."""

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from indexer.build import BuildOptions
from indexer.work import Worker, WorkOptions
from passage_index.inbox import Inbox
from tests.fakes import FakeEncoder
from tests.growing import record

KEY = "correct horse"
ADMIN = {"x-api-key": KEY}
NDJSON = {"content-type": "application/x-ndjson", **ADMIN}
START = [record(n, f"The harbour of town {n} was closed in the storm.") for n in range(3)]
WRITES = [("PUT", "/v1/articles/a"), ("POST", "/v1/articles"), ("DELETE", "/v1/articles/a")]


def work(index: Path) -> None:
    options = WorkOptions(BuildOptions(merge=False), lambda _: FakeEncoder())
    Worker(index, options).run(once=True)


def accepted(reply: Any) -> dict[str, Any]:
    assert reply.status_code == 202, reply.text
    task = reply.json()
    assert reply.headers["location"] == f"/v1/tasks/{task['id']}"
    assert task["state"] == "waiting" and task["counts"] is task["generation"] is task["finished_at"] is None
    return task


def done(client: TestClient, task: dict[str, Any], index: Path) -> dict[str, Any]:
    work(index)
    told = client.get(f"/v1/tasks/{task['id']}")
    assert told.status_code == 200 and told.json()["state"] == "done", told.text
    return told.json()


def found(client: TestClient, question: str) -> list[str]:
    hits = client.get("/v1/search", params={"q": question, "mode": "keyword"}).json()["hits"]
    return [hit["article_id"] for hit in hits]


def waiting(index: Path) -> list[str]:
    return Inbox(index).waiting()
