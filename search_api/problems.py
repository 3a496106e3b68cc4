"""Every error a request can end with, in one form (RFC 9457), and the one table from errors to statuses.

Never repeats what a client sent. Does not decide between JSON and a page; `app.py` does that.
exception -> Problem -> application/problem+json
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from passage_index.errors import (
    ClusterUnavailable,
    CorruptIndex,
    EncoderMismatch,
    EncoderUnavailable,
    FormatMismatch,
    InboxFull,
    InputError,
    NotFound,
    SearchEngineError,
)
from search_api.schemas_index import ProblemBody

SHOWN_FAULTS = 5  # faults of one request that are told; more are counted

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: `slug` is its place on the page /docs."""

    slug: str
    title: str
    meaning: str


KINDS: Mapping[int, Kind] = {
    400: Kind(
        "unreadable", "The request cannot be read", "Not JSON, not UTF-8, nested too deeply, or with a NUL."
    ),
    401: Kind(
        "no-key", "A key is needed", "A good key, as a Bearer token or as X-API-Key; for writes an admin key."
    ),
    403: Kind("forbidden", "Not allowed", "The key may only read, or this server takes no writes."),
    404: Kind("not-found", "Not found", "No such article, passage or route."),
    405: Kind("method", "Method not allowed", "The route is there; the header Allow names its methods."),
    408: Kind("too-slow", "The request came too slowly", "Its body was not complete in time."),
    410: Kind("gone", "Not kept any more", "That generation of the index was replaced and let go."),
    413: Kind("too-large", "The request is too large", "Its body is longer than the server takes."),
    415: Kind("not-json", "The request is not JSON", "A body needs Content-Type: application/json."),
    421: Kind("other-host", "Not for this server", "It does not answer for the host that the request names."),
    422: Kind("invalid", "The request cannot be answered", "A name or value that the route does not take."),
    429: Kind("too-often", "Too many requests", "The client's rate is used up; Retry-After says until when."),
    431: Kind(
        "long-header", "The headers are too large", "Address and headers are longer than the server takes."
    ),
    500: Kind("internal", "Something broke here", "The server's log tells more under the request id."),
    503: Kind("unavailable", "Not available now", "No index is open, or too much is under way or waits."),
}

STATUSES: Sequence[tuple[type[SearchEngineError], int]] = (
    (InputError, 422),
    (NotFound, 404),
    (CorruptIndex, 503),
    (FormatMismatch, 503),
    (EncoderMismatch, 503),
    (EncoderUnavailable, 503),
    (InboxFull, 503),
    (ClusterUnavailable, 503),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What to tell a client. `headers` go with it whatever form it takes."""

    status: int
    detail: str
    headers: Mapping[str, str] | None = None

    @property
    def kind(self) -> Kind:
        """The row of KINDS; for statuses without one, their phrase."""
        known = KINDS.get(self.status)
        return known or Kind(f"status-{self.status}", HTTPStatus(self.status).phrase, "")


INTERNAL = Problem(500, "the server failed at this request; its log tells more")


def problem_of(error: Exception) -> Problem:
    """What to tell of an error: INTERNAL unless it is one that a client can do something about."""
    if isinstance(error, RequestValidationError):
        return _of_faults(error.errors())
    if isinstance(error, HTTPException):
        detail = _DETAILS.get(error.status_code) if _is_bare(error) else str(error.detail)
        return Problem(error.status_code, detail or "", error.headers)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            headers = {"Retry-After": "5"} if status == 503 else None
            return Problem(status, str(error), headers)
    return INTERNAL


_DETAILS = {
    400: "the body is not JSON, or is nested too deeply",
    404: "there is no such route; /docs lists them",
    405: "this route does not take this method",
}


def _is_bare(error: HTTPException) -> bool:
    """True if the detail is the framework's and not ours."""
    return error.status_code in _DETAILS and error.detail in (
        HTTPStatus(error.status_code).phrase,
        "There was an error parsing the body",
    )


def _of_faults(faults: Sequence[Any]) -> Problem:
    """One problem for all faults of a request; 400 when its body is no JSON at all."""
    broken = next((fault for fault in faults if fault["type"] == "json_invalid"), None)
    if broken is not None:
        place = broken["loc"][-1]
        return Problem(400, f"the body is not JSON: {broken['ctx']['error']}, at character {place}")
    return Problem(422, told(faults))


def told(faults: Sequence[Any]) -> str:
    """Faults as pydantic lists them -> one sentence, without the input.

    Example: `limit: Input should be a valid integer; colour: not known here`
    """
    parts = [_told_one(fault) for fault in faults[:SHOWN_FAULTS]]
    if len(faults) > SHOWN_FAULTS:
        parts.append(f"and {len(faults) - SHOWN_FAULTS} more")
    return "; ".join(parts)


def _told_one(fault: Any) -> str:
    place = ".".join(_name(part) for part in _inside(fault["loc"])) or "the body"
    if fault["type"] == "extra_forbidden":
        return f"{place}: not known here"
    if fault["type"] == "string_pattern_mismatch":
        return f"{place}: not of the form that is wanted here, see /docs"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}"


def _inside(location: Sequence[Any]) -> Sequence[Any]:
    return location[1:] if location and location[0] in ("body", "query", "path") else location


def _name(part: Any) -> str:
    """A name a client may have made up: told only where it is plain."""
    return str(part) if _NAME.fullmatch(str(part)) else "(a name)"


def problem_reply(problem: Problem, request_id: str) -> Response:
    """The problem as application/problem+json."""
    body = ProblemBody(
        type=f"/docs#{problem.kind.slug}",
        title=problem.kind.title,
        status=problem.status,
        detail=problem.detail,
        request_id=request_id,
    )
    return Response(
        body.model_dump_json(),
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )
