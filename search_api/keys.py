"""Whether a request carries the admin key; asked before its body is read. Request -> nothing, 401 or 403."""

import hashlib
import hmac

from fastapi import Request
from starlette.exceptions import HTTPException

from search_api.exchange import ServingOf


async def admin_only(request: Request, serving: ServingOf) -> None:
    """A dependency: 403 where the server has no key, 401 where the request has another or none."""
    if serving.admin_key is None:
        raise HTTPException(
            403, "this server takes no writes; start it with SEARCH_ADMIN_KEY or SEARCH_ADMIN_KEY_FILE"
        )
    if not any(_same(given, serving.admin_key) for given in _given(request)):
        raise HTTPException(
            401,
            "the admin key is missing or wrong; send `Authorization: Bearer KEY` or `X-API-Key: KEY`",
            {"WWW-Authenticate": "Bearer"},
        )


def _given(request: Request) -> list[str]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = [token.strip()] if scheme.lower() == "bearer" else []
    return [*bearer, *request.headers.getlist("x-api-key")]


def _same(given: str, key: str) -> bool:
    """Takes as long whatever was given."""
    ours, theirs = key.encode(), given.encode("latin-1")  # a header's bytes are handed out as latin-1
    return hmac.compare_digest(hashlib.sha256(ours).digest(), hashlib.sha256(theirs).digest())
