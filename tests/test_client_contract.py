"""The client is what the API's document says: models, routes, parameters."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import search_client
from search_client import calls, models
from search_client.exchanging import EVENTS
from tests.client_models import REQUESTS, annotated, models_source
from tests.conftest import DATA

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "search_client" / "models.py"
DOCUMENT: dict[str, Any] = json.loads((DATA / "openapi.json").read_text(encoding="utf-8"))
ROUTES = {
    (method.upper(), path): route
    for path, methods in DOCUMENT["paths"].items()
    for method, route in methods.items()
}
# GET takes what POST takes, and the client asks by POST: a long question fits into a body.
BY_POST = {("GET", "/v1/search"), ("GET", "/v1/ask"), ("GET", "/v1/ask/stream")}


CALLS = [
    calls.search("a", {}),
    calls.batch([{"q": "a"}]),
    calls.similar({"text": "a"}),
    calls.suggest("a", 1, 1),
    calls.ask("a", {}),
    calls.ask_stream("a", {}),
    calls.article("a", 1),
    calls.article_passages("a", 1),
    calls.passage("a", 1),
    calls.verify("a", 0, 1, "0" * 64, 1),
    calls.stats(),
    calls.alive(),
    calls.ready(),
    calls.vector_store_search("a", {}, "articles"),
    calls.put_article("a", {}),
    calls.post_articles([]),
    calls.delete_article("a"),
    calls.task("a"),
]


def formatted(source: str) -> str:
    line = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(MODELS), "-"]
    return subprocess.run(line, input=source, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_the_models_are_those_of_the_document() -> None:
    """Comments apart, which repeat what the document says of a field."""
    source = models_source(DOCUMENT)
    if os.environ.get("WRITE_CLIENT"):
        MODELS.write_text(formatted(source), encoding="utf-8")
    written = MODELS.read_text(encoding="utf-8")
    assert ast.unparse(ast.parse(written)) == ast.unparse(ast.parse(source)), "run with WRITE_CLIENT=1"


def test_every_route_has_a_call() -> None:
    assert {(call.method, call.template) for call in CALLS} == ROUTES.keys() - BY_POST


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.template}")
def test_a_call_gives_what_its_route_takes_and_replies(call: Any) -> None:
    route = ROUTES[call.method, call.template]
    known = {one["name"] for one in route.get("parameters", []) if one["in"] == "query"}
    assert set(call.query) == known, "every parameter, and no other"
    status = "202" if "202" in route["responses"] else "200"
    content = route["responses"][status].get("content", {})
    if "application/json" in content:
        assert annotated(content["application/json"]["schema"], {}) == call.reply.__name__
    else:
        said = content["text/event-stream"]["x-events"]
        assert {name: annotated(one, {}) for name, one in said.items()} == {
            name: kind.__name__ for name, kind in EVENTS.items()
        }
    if call.json is not None:
        taken = route["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in taken:
            name = taken["$ref"].rpartition("/")[2]
            assert set(call.json) <= set(DOCUMENT["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize("schema", sorted(REQUESTS))
def test_options_are_all_that_a_body_may_hold(schema: str) -> None:
    taken = set(DOCUMENT["components"]["schemas"][schema]["properties"]) - {"q", "query"}
    assert set(get_type_hints(getattr(models, REQUESTS[schema]))) == taken


def test_both_clients_have_the_same_methods_and_arguments() -> None:
    def public(kind: type) -> dict[str, list[tuple[str, Any, Any]]]:
        return {
            name: [
                (one.name, one.default, one.annotation)
                for one in inspect.signature(method).parameters.values()
            ]
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    theirs, ours = public(search_client.AsyncClient), public(search_client.Client)
    assert theirs == ours
    assert len(ours) > 15


def test_every_field_of_a_get_is_an_option_of_the_post_that_is_asked() -> None:
    for method, path in BY_POST:
        given = {one["name"] for one in ROUTES[method, path]["parameters"]}
        name = ROUTES["POST", path]["requestBody"]["content"]["application/json"]["schema"][
            "$ref"
        ].rpartition("/")[2]
        assert given == set(DOCUMENT["components"]["schemas"][name]["properties"])
