"""What the routes share: the service behind a request, strictness about what it may hold, JSON out.

All of it is async, for what is not would wait for a thread. Knows no single route.
Request -> Serving; pydantic body -> bytes
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from search_api.serving import Serving

PROBLEM_SCHEMA = "ProblemBody"
SEVERAL = frozenset({"source", "facets"})  # query parameters that may be repeated
GENERATION = "X-Generation"  # header of every reply that was read from the index

# In the OpenAPI document: every other status is a problem.
ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457).",
        "content": {
            "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{PROBLEM_SCHEMA}"}}
        },
    }
}


async def serving_of(request: Request) -> Serving:
    """The service that a request came to."""
    serving: Serving = request.app.state.serving
    return serving


ServingOf = Annotated[Serving, Depends(serving_of)]


async def said_once(request: Request) -> None:
    """Refuse a query parameter that is repeated and takes one value: only the last would count, unnoticed."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [name for name, count in counts.items() if count > 1 and name not in SEVERAL]
    if repeated:
        told = "given more than once; it takes one value"
        faults = [{"type": "repeated", "loc": ("query", name), "msg": told} for name in repeated]
        raise RequestValidationError(faults)


def only_parameters(*names: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses query parameters of any other name: a misspelt one must not go unnoticed."""

    async def check(request: Request) -> None:
        unknown = [name for name in request.query_params if name not in names]
        if unknown:
            faults = [{"type": "extra_forbidden", "loc": ("query", name), "msg": ""} for name in unknown]
            raise RequestValidationError(faults)

    return check


def media_type(request: Request) -> str:
    """What a body says it is, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a media type is JSON."""
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


async def _json_only(request: Request) -> None:
    if not is_json(media_type(request)):
        raise HTTPException(415, "the body must be JSON, with the header Content-Type: application/json")


JSON_ONLY = Depends(_json_only)


def json_reply(
    body: BaseModel,
    generation: int | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body as it stands; it was valid when it was made. generation: the one that was read, if any was."""
    told = {} if generation is None else {GENERATION: str(generation)}
    return Response(
        body.model_dump_json(), status, {**told, **(headers or {})}, media_type="application/json"
    )
