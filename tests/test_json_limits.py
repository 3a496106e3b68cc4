"""Depth and digits of JSON before it is parsed, held against the parser."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from search_api.app import create_app
from search_api.json_limits import json_fault
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.replies import problem

VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans())
def test_the_depth_is_that_of_the_parsed_value(value: object, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    deep = depth(value)
    assert json_fault(body, deep, 4300) == ""
    if deep:
        assert json_fault(body, deep - 1, 4300) == f"the JSON is nested more than {deep - 1} deep"


@pytest.mark.parametrize(
    "body",
    [
        rb'{"q": "[[[[[[[["}',
        rb'{"q": "\"[[[[[["}',
        rb'{"q": "\\", "r": "[[[[[["}',
        b'{"q": "123456789"}',
        b"",
    ],
)
def test_what_stands_in_strings_does_not_count(body: bytes) -> None:
    assert json_fault(body, 2, 5) == ""


def test_long_numbers_are_told() -> None:
    assert json_fault(b'{"limit": 1234.123456}', 1, 5) == "a number has more than 5 digits"
    assert json_fault(b'{"limit": 12345.12345e12345}', 1, 5) == ""


def test_over_http_they_are_400_before_any_parsing(client: TestClient) -> None:
    headers = {"content-type": "application/json"}

    def told(body: bytes) -> str:
        return problem(client.post("/v1/search", content=body, headers=headers), 400)

    assert told(b'{"q": ' + b"[" * 100_000) == "the JSON is nested more than 64 deep"
    assert told(b'{"q": "goats", "limit": ' + b"9" * 5000 + b"}") == "a number has more than 400 digits"


def test_filters_have_limits_that_are_settings(settings: Settings, searcher: Searcher) -> None:
    small = settings.model_copy(update={"max_filter_conditions": 1, "max_filter_values": 2})
    with TestClient(create_app(small, searcher)) as client:

        def asked(filter_: object) -> Any:
            return client.post("/v1/search", json={"q": "goats", "filter": filter_})

        assert asked({"source": {"$in": ["a", "b"]}}).status_code == 200
        assert (
            problem(asked({"source": "a", "language": "en"}), 422)
            == "the conditions of filter can be at most 1 here"
        )
        assert (
            problem(asked({"source": {"$in": ["a", "b", "c"]}}), 422)
            == "the values of filter can be at most 2 here"
        )
