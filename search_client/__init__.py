"""A typed client of the article search API: `Client`, `AsyncClient`, replies as dataclasses, typed errors.

Needs httpx and nothing of the other packages, so that it can be installed alone.
"""

from search_client.asynchronous import AsyncClient
from search_client.client import Client
from search_client.errors import (
    ApiError,
    ArticleSearchError,
    Gone,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotReached,
    ServerFailed,
    TaskFailed,
    TaskPending,
    Unavailable,
    UnexpectedReply,
)

__all__ = [
    "ApiError",
    "ArticleSearchError",
    "AsyncClient",
    "Client",
    "Gone",
    "InvalidRequest",
    "NotAllowed",
    "NotFound",
    "NotReached",
    "ServerFailed",
    "TaskFailed",
    "TaskPending",
    "Unavailable",
    "UnexpectedReply",
]
