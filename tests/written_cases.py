"""What the tests of written answers share: a small corpus, a question, and ways to ask it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from indexer.build import BuildOptions, build
from passage_index.snapshot import open_snapshot
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import record, written
from tests.model_stub import Stub, serving

Serve = Callable[..., TestClient]

FERRY = "The ferry Lady Ansgard carried 87 passengers when it ran aground on the sandbank."
BUOY = "The captain said the buoy was missing on Sunday."
ARTICLES = [
    record(1, f"{FERRY} {BUOY}", "2024-02-12", source="Courier"),
    record(2, "Goats are licensed on the island. The council voted for tags in their ears.", "2023-05-01"),
    *(record(n, f"Weather report {n}: gale force {n} over quiet fields.") for n in range(10, 20)),
]
ASKED = "How many passengers did the ferry Lady Ansgard carry when it ran aground?"
GOOD = 'The ferry carried 87 passengers [1: "carried 87 passengers when it ran aground"].'
ALSO = 'The captain said that the buoy was missing. [1: "the buoy was missing on Sunday"]'
ASKED_0 = {"q": ASKED, "threshold": 0.0}
KEY = "sk-never-told-to-anyone"


def built(folder: Path, records: list[dict[str, str]]) -> Path:
    build([written(folder / "in.jsonl", records)], folder / "index", FakeEncoder(), BuildOptions())
    return folder / "index"


def settings_of(stub: Stub, index: Path, **changed: Any) -> Settings:
    given = {
        "index": index,
        "llm_url": stub.url,
        "llm_model": "stub-1",
        "llm_key": KEY,
        "llm_max_tokens": 200,
    }
    return Settings(**given | changed)


@contextmanager
def served(index: Path, stub: Stub) -> Iterator[str]:
    """A service on a port of its own, for clients that go away."""
    searcher = Searcher(open_snapshot(index), FakeEncoder())
    with serving(create_app(settings_of(stub, index, llm_timeout_s=600), searcher)) as base:
        yield base
    searcher.close()


def ask(client: TestClient, **more: Any) -> dict[str, Any]:
    reply = client.get("/v1/ask", params={"q": ASKED, "threshold": 0.0, "write": True, **more})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["answer"]["text"] == FERRY or more  # the extractive answer, whatever the model does
    return body


def streamed(client: TestClient, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    reply = client.get("/v1/ask/stream", params={"q": ASKED, "threshold": 0.0, **more})
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/event-stream")
    parts = [re.fullmatch(r"event: (\w+)\ndata: (.*)", one) for one in reply.text.strip().split("\n\n")]
    return [(part[1], json.loads(part[2])) for part in parts if part]


def warned(client: TestClient) -> str:
    """The one warning of an answer that nothing was written to."""
    body = ask(client)
    assert body["written"] is None
    (warning,) = body["warnings"]
    return warning
