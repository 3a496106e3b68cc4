"""Examples in the OpenAPI document: a request and its reply for every route, from the sample corpus.

The replies in `examples.json` are written by a test that makes the requests; another compares their form with
the schemas. OpenAPI document -> the same, with examples
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

FILE = "examples.json"


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By the name of the route: `request` (`path`, `query`, `body`) and `reply`."""
    return dict(json.loads((files("search_api") / FILE).read_text(encoding="utf-8")))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every route of a document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def add_examples(document: dict[str, Any]) -> None:
    """Put them in their places. A route that has none stays without."""
    for _, _, operation in operations(document):
        shown = examples().get(operation["operationId"])
        if shown is None:
            continue
        asked = shown["request"]
        given = {**asked.get("path", {}), **asked.get("query", {})}
        for parameter in operation.get("parameters", []):
            if parameter["name"] in given:
                parameter["example"] = given[parameter["name"]]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["example"] = asked.get("body")
        for status, reply in operation["responses"].items():
            for content in reply.get("content", {}).values() if status != "default" else ():
                content["example"] = shown.get("reply")
