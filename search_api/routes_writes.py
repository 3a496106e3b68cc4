"""The routes that change the index: articles put, posted and deleted, and the tasks that tell how far it is.

A write is kept in the inbox and answered with 202; the worker commits it. HTTP -> inbox -> task
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from passage_index.errors import NotFound
from passage_index.tasks import read_task
from search_api.exchange import ERRORS, ServingOf, is_json, json_reply, media_type, only_parameters
from search_api.ingest import on_disk, take_article, take_deletion, take_lines
from search_api.schemas_tasks import TaskBody, task_body
from search_api.serving import Serving

LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
PATH = "/v1/articles"

router = APIRouter(responses=ERRORS, tags=["writes"])

ArticleId = Annotated[str, Path(description="The article's id, percent-encoded; it may hold slashes.")]

_PLAIN = [Depends(only_parameters())]  # the key was asked for at the gate
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}]


def _described(**bodies: str) -> dict[str, Any]:
    """For OpenAPI: that a key is needed, and what may be sent."""
    said: dict[str, Any] = {"security": _SECURITY}
    if bodies:
        content = {name: {"schema": {"type": "object", "description": text}} for name, text in bodies.items()}
        said["requestBody"] = {"required": True, "content": content}
    return said


ARTICLE = (
    "An article: `_id` or `id`, `title`, `text` (or `body`, `content`), `published_at` (or `date`), "
    "`source`, `url`, `lang`; what else stands there is kept as metadata."
)


def takes_articles(scope: Scope) -> bool:
    """Whether a request's body may be as long as articles are."""
    path: str = scope["path"]
    return scope["method"] in ("PUT", "POST") and (path == PATH or path.startswith(f"{PATH}/"))


@router.put(
    PATH + "/{article_id:path}",
    status_code=202,
    response_model=TaskBody,
    summary="Add or replace an article",
    dependencies=_PLAIN,
    openapi_extra=_described(**{"application/json": f"{ARTICLE} The id may be left out."}),
)
async def put_article(article_id: ArticleId, request: Request, serving: ServingOf) -> Response:
    """Take an article in, in place of the one that has this id. Answers with a task."""
    _require(request, lines=False)
    return await _accepted(await take_article(request.stream(), serving.inbox, article_id), serving)


@router.post(
    PATH,
    status_code=202,
    response_model=TaskBody,
    summary="Add or replace articles",
    dependencies=_PLAIN,
    openapi_extra=_described(
        **{"application/json": ARTICLE, "application/x-ndjson": f"Articles, one a line. {ARTICLE}"}
    ),
)
async def post_articles(request: Request, serving: ServingOf) -> Response:
    """Take in one article as JSON, or many as JSON lines; a later one of the same id wins.

    Answers with a task, which lists the lines that could not be indexed.
    """
    take = take_lines if _require(request, lines=True) else _take_named
    return await _accepted(await take(request.stream(), serving.inbox), serving)


async def _take_named(parts: Any, inbox: Any) -> str:
    return await take_article(parts, inbox, None)


@router.delete(
    PATH + "/{article_id:path}",
    status_code=202,
    response_model=TaskBody,
    summary="Delete an article",
    dependencies=_PLAIN,
    openapi_extra=_described(),
)
async def delete_article(article_id: ArticleId, serving: ServingOf) -> Response:
    """Take an article out. Answers with a task; that counts it as `unknown` if there was none."""
    return await _accepted(await take_deletion(serving.inbox, article_id), serving)


@router.get(
    "/v1/tasks/{task_id}",
    response_model=TaskBody,
    summary="How far a write is",
    dependencies=[Depends(only_parameters())],
)
async def task(task_id: str, serving: ServingOf) -> Response:
    """A write by the id it was answered with, which cannot be guessed. Kept for a week."""
    return json_reply(await _told(task_id, serving))


async def _told(task_id: str, serving: Serving) -> TaskBody:
    found = await on_disk(read_task, serving.inbox, task_id) if serving.access.takes_writes else None
    if found is None:
        raise NotFound("no such task")
    if found.outcome and found.outcome.generation != serving.searcher.snapshot.generation:
        await serving.catch_up()  # so that who is told `done` finds it
    return task_body(found)


async def _accepted(task_id: str, serving: Serving) -> Response:
    serving.expect_commit()
    found = await on_disk(read_task, serving.inbox, task_id)
    return json_reply(task_body(found), status=202, headers={"Location": f"/v1/tasks/{task_id}"})


def _require(request: Request, lines: bool) -> bool:
    """Whether the body is JSON lines. Raises 415 on a type or packing that is not taken."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "the body must not be packed; send it as it is, without Content-Encoding")
    kind = media_type(request)
    if lines and kind in LINES:
        return True
    if not is_json(kind):
        also = ", or JSON lines with application/x-ndjson" if lines else ""
        raise HTTPException(415, f"the body must be JSON, with Content-Type: application/json{also}")
    return False
