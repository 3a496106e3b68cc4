"""The HTTP API under bad input: always a problem in one form, never a 5xx for a client's fault."""

import pytest
from fastapi.testclient import TestClient

from tests.replies import problem

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "q: Field required"),
        ("q=", "q: String should have at least 1 character"),
        ("q=%3F%21", "the question has no word in it; ask with at least one letter or digit"),
        ("q=x&limit=0", "limit: Input should be greater than or equal to 1"),
        ("q=x&limit=101", "limit can be at most 100 here"),
        ("q=x&limit=ten", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("q=x&offset=-1", "offset: Input should be greater than or equal to 0"),
        ("q=x&offset=10001", "offset can be at most 10000 here"),
        ("q=x&mode=fuzzy", "mode: Input should be 'hybrid', 'semantic' or 'keyword'"),
        ("q=x&group_by=source", "group_by: Input should be 'article'"),
        ("q=x&date_from=2023-02-29", "date_from: no such day in the calendar"),
        ("q=x&date_from=2023-13", "date_from: not of the form that is wanted here, see /docs"),
        ("q=x&date_to=0000", "date_to: no such day in the calendar"),
        ("q=x&date_from=2023&date_to=2022", "date_from 2023-01-01 lies after date_to 2022-12-31; swap them"),
        ("q=x&min_score=nan", "min_score: Input should be a finite number"),
        ("q=x&min_score=1e999", "min_score: Input should be a finite number"),
        ("q=x&min_score=1.1", "min_score: Input should be less than or equal to 1"),
        ("q=x&facets=1", "facets.0: Input should be 'source', 'month', 'year' or 'language'"),
        ("q=x&colour=1&shape=1", "colour: not known here; shape: not known here"),
        ("q=x&%3Cscript%3E=1", "(a name): not known here"),
        ("q=" + "a" * 4001, "the length of q can be at most 4000 here"),
    ],
)
def test_bad_parameters_are_told_without_the_input(client: TestClient, query: str, detail: str) -> None:
    assert problem(client.get(f"/v1/search?{query}"), 422) == detail
    assert client.get(f"/search?{query}").json()["detail"] == detail


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 422, "the body: Field required"),
        (b"[]", 422, "the body: Input should be a valid dictionary or object to extract fields from"),
        (b'{"q": "x", "colour": 1, "filters": {}}', 422, "colour: not known here; filters: not known here"),
        (b'{"q": NaN}', 422, "q: Input should be a valid string"),
        (b'{"q": 1e999}', 422, "q: Input should be a valid string"),
        (b'{"q": "x", "min_score": NaN}', 422, "min_score: Input should be a finite number"),
        (b'{"q": "x", "min_score": 1e999}', 422, "min_score: Input should be a finite number"),
        (b'{"q": "x", "limit": "5"}', 422, "limit: Input should be a valid integer"),
        (b'{"q": "x", "limit": true}', 422, "limit: Input should be a valid integer"),
        (b'{"q": "x", "limit": 1e999}', 422, "limit: Input should be a valid integer"),
        (b'{"q": "x", "source": ["a", 1]}', 422, "source.1: Input should be a valid string"),
        (b'{"q": "a\\u0000b"}', 422, "q: a NUL character is no part of a text"),
        (b'{"q": "\\ud800"}', 422, None),
        (b'{"q": "x", "source": ["\\udfff"]}', 422, "source.0: half of a surrogate pair is no character"),
        (b'{"q": "x", "\\ud800": 1}', 422, None),
        (b"{", 400, None),
        (b'{"q": "\xff"}', 400, None),
        (b"[" * 20_000 + b"]" * 20_000, 400, None),
        (b'{"q":' * 20_000 + b"1" + b"}" * 20_000, 400, None),
        (b'{"q": "x", "limit": ' + b"9" * 5000 + b"}", 400, None),
    ],
)
def test_bad_bodies_are_refused(client: TestClient, body: bytes, status: int, detail: str | None) -> None:
    for path in ("/v1/search", "/search"):
        told = problem(client.post(path, content=body, headers=JSON), status)
        assert told == (detail or told)
        assert "\\ud" not in told and "999" not in told


def test_batch_names_the_request_that_is_wrong(client: TestClient) -> None:
    def refused(requests: object) -> str:
        return problem(client.post("/v1/search/batch", json={"requests": requests}), 422)

    assert refused([{"q": "x"}, {"q": "x", "limit": 0}]).startswith("requests.1.limit: ")
    assert refused([{"q": "x"}, {"q": "..."}]).startswith("requests.1: the question has no word")
    assert refused([]) == "requests: List should have at least 1 item after validation, not 0"
    assert refused([{"q": "x"}] * 65) == "requests: at most 64 in one batch here"


@pytest.mark.parametrize("kind", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-json"}])
def test_a_body_that_does_not_say_it_is_json_is_refused(client: TestClient, kind: dict[str, str]) -> None:
    assert "Content-Type" in problem(client.post("/v1/search", content=b'{"q": "x"}', headers=kind), 415)


@pytest.mark.parametrize("raw", ["%ED%A0%80", "%FF", "%C3%28", "a%00b"])
def test_a_path_or_query_that_is_no_text_is_refused(client: TestClient, raw: str) -> None:
    for path in (f"/v1/search?q={raw}", f"/v1/search?q=x&source={raw}", f"/?q={raw}", f"/v1/articles/{raw}"):
        problem(client.get(path), 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/articles/nothing", 404),
        ("GET", "/v1/articles/", 404),
        ("GET", "/v1/articles/nothing/passages", 404),
        ("GET", "/v1/articles/bridge?lang=en", 422),
        ("GET", "/v1/passages/AAAAAAAAAAAAAAAAAAAAAA", 404),
        ("GET", "/v1/passages/ü", 404),
        ("GET", "/v1/verify?article_id=bridge&start=0&end=5&sha256=abc", 422),
        ("GET", "/v1/verify?article_id=bridge&start=0.5&end=5&sha256=" + "a" * 64, 422),
        ("GET", "/v1/stats?x=1", 422),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/search/", 404),
        ("GET", "/static/../settings.py", 404),
        ("GET", "/static/" + "a" * 300, 404),
        ("POST", "/v1/search?limit=3", 422),
        ("DELETE", "/v1/search", 405),
        ("POST", "/v1/stats", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(client: TestClient, method: str, path: str, status: int) -> None:
    problem(client.request(method, path, json={"q": "x"} if method == "POST" else None), status)


def test_a_method_that_a_route_does_not_take_is_told_the_others(client: TestClient) -> None:
    assert client.delete("/v1/search").headers["allow"] == "GET, POST"
    assert client.post("/").headers["allow"] == "GET, HEAD"
