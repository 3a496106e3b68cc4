"""The examples of the OpenAPI document are real: asked of the sample corpus, and of the form that is promised."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from passage_index.model_files import default_cache
from search_api import examples
from search_api.app import create_app
from search_api.searcher import open_searcher
from search_api.settings import Settings
from tests.conftest import DATA
from tests.sample_corpus import corpus_index  # noqa: F401
from tests.writing import KEY

DOCUMENT: dict[str, Any] = json.loads((DATA / "openapi.json").read_text(encoding="utf-8"))
FILE = Path(examples.__file__).with_name(examples.FILE)
OPERATIONS = {one["operationId"]: (method, path, one) for method, path, one in examples.operations(DOCUMENT)}
# What differs from one run to the next.
VOLATILE = {
    "took_ms",
    "accepted_at",
    "finished_at",
    "created_at",
    "score",
    "scores",
    "answer_probability",
    "confidence",
}


def asked(client: TestClient, name: str, task_id: str) -> Any:
    method, path, _ = OPERATIONS[name]
    request = examples.examples()[name]["request"]
    given = {**request.get("path", {}), **({"task_id": task_id} if name == "task" else {})}
    body = {"json": request["body"]} if "body" in request else {}
    return client.request(
        method, path.format_map(given), params=request.get("query"), headers={"X-API-Key": KEY}, **body
    )


@pytest.fixture(scope="module")
def replies(corpus_index: Path) -> Iterator[dict[str, Any]]:  # noqa: F811
    """Every example's reply, JSON or text."""
    searcher, found, task_id = open_searcher(corpus_index, default_cache()), {}, ""
    with TestClient(
        create_app(Settings(index=corpus_index, admin_key=KEY, worker=False), searcher)
    ) as client:
        for name in sorted(OPERATIONS, key=lambda one: one == "task"):  # a task of a write before
            reply = asked(client, name, task_id)
            assert reply.status_code in (200, 202), f"{name}: {reply.text}"
            is_json = reply.headers["content-type"] == "application/json"
            found[name] = reply.json() if is_json else reply.text
            task_id = found[name]["id"] if name == "put_article" else task_id
    searcher.close()
    if os.environ.get("WRITE_EXAMPLES"):
        made = {
            name: one | {"reply": found[name]} for name, one in examples.examples().items() if name in found
        }
        FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        examples.examples.cache_clear()
    yield found


def test_every_route_has_an_example() -> None:
    """Of a new one: its request in `search_api/examples.json`, then `WRITE_EXAMPLES=1 pytest tests/test_examples.py`."""
    assert examples.examples().keys() == OPERATIONS.keys()
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in operation.get("parameters", []):
            assert "example" in parameter or not parameter["required"], f"{name}: {parameter['name']}"
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"], name
        for status, reply in operation["responses"].items():
            for content in reply["content"].values() if status != "default" else ():
                assert content["example"], name


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_example_is_of_the_form_that_is_promised(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    for parameter in operation.get("parameters", []):
        if "example" in parameter:
            valid(parameter["example"], parameter["schema"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        valid(content["example"], content["schema"])
    for status, reply in operation["responses"].items():
        for content in reply["content"].values() if status != "default" else ():
            valid(content["example"], content.get("schema", {}))  # a stream has none


def valid(example: Any, schema: dict[str, Any]) -> None:
    # A list in a query string may be written with commas; that is no part of its schema.
    if schema.get("type") == "array" and isinstance(example, str):
        example = example.split(",")
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(example)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_example_is_what_the_sample_corpus_says(name: str, replies: dict[str, Any]) -> None:
    told, shown = replies[name], examples.examples()[name]["reply"]
    if isinstance(told, str):
        assert told.startswith("event: answer\ndata: ") and "event: done" in told
        assert [line for line in told.splitlines() if line.startswith("event")] == [
            line for line in shown.splitlines() if line.startswith("event")
        ]
    else:
        assert lasting(told) == lasting(shown)
        assert (
            valid(
                told,
                OPERATIONS[name][2]["responses"][
                    "202" if "202" in OPERATIONS[name][2]["responses"] else "200"
                ]["content"]["application/json"]["schema"],
            )
            is None
        )


def lasting(value: Any) -> Any:
    """Without times, scores and the ids of tasks."""
    if isinstance(value, dict):
        is_task = "rejections" in value
        return {
            name: lasting(one)
            for name, one in value.items()
            if name not in VOLATILE and not (is_task and name == "id") and name != "index_bytes"
        }
    return [lasting(one) for one in value] if isinstance(value, list) else value
