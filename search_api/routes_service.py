"""The routes an operator and a developer ask: counts, life, readiness, the API's own description.

/healthz and /readyz answer from the event loop and never wait for a thread. HTTP -> JSON, page
"""

import asyncio
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from search_api.examples import add_examples
from search_api.exchange import ERRORS, PROBLEM_SCHEMA, ServingOf, json_reply, only_parameters
from search_api.metrics import CONTENT_TYPE
from search_api.page.rendering import page_reply
from search_api.problems import KINDS
from search_api.schemas_answers import DroppedBody, WarningBody, WritingDoneBody
from search_api.schemas_index import AliveBody, ProblemBody, ReadyBody, StatsBody
from search_api.serving import Serving
from search_api.statistics import statistics

TITLE = "Article search"
DESCRIPTION = (
    "Semantic search over a corpus of articles: passages that answer a question, each with a citation that "
    "can be checked. All offsets are Unicode code points into an article's stored text; spans are half open."
)

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

router = APIRouter(responses=ERRORS)


@router.get(
    "/v1/stats",
    response_model=StatsBody,
    tags=["service"],
    summary="What the index holds",
    dependencies=[Depends(only_parameters())],
)
async def stats(serving: ServingOf) -> Response:
    """Counts of articles, passages, sources, languages and years, and the encoder."""
    async with serving.reading() as reading:
        counted = await reading.run(statistics, reading.snapshot)
    return json_reply(counted, reading.generation)


@router.get("/healthz", response_model=AliveBody, tags=["service"], summary="Alive")
@router.head("/healthz", include_in_schema=False)
async def healthz() -> Response:
    """Always 200 while the process answers at all."""
    return json_reply(AliveBody())


@router.get("/readyz", response_model=ReadyBody, tags=["service"], summary="Ready")
@router.head("/readyz", include_in_schema=False)
async def readyz(serving: ServingOf) -> Response:
    """200 when searches are answered, 503 with the reason while they are not, or not much longer."""
    if serving.is_ending:
        raise HTTPException(503, "the service ends; what is under way is finished", {"Retry-After": "5"})
    manifest = serving.searcher.snapshot.manifest
    if serving.generations.lost:
        raise HTTPException(503, serving.generations.lost, {"Retry-After": "5"})
    body = ReadyBody(
        generation=manifest.generation,
        passages=manifest.passages,
        encoder=str(manifest.encoder),
        warnings=serving.warnings,
    )
    return json_reply(body, manifest.generation)


@router.get("/metrics", include_in_schema=False)
async def metrics(serving: ServingOf) -> Response:
    """Counts and times for Prometheus."""
    told = await asyncio.to_thread(serving.metrics.text)
    return Response(told, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE)


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json(request: Request, serving: ServingOf) -> Response:
    """The API, described for programs."""
    _require_docs(serving)
    return JSONResponse(openapi_document(request.app))


@router.get("/docs", include_in_schema=False)
async def docs(request: Request, serving: ServingOf) -> Response:
    """The API, described for people."""
    _require_docs(serving)
    return page_reply("docs.html", document=openapi_document(request.app), kinds=KINDS)


def _require_docs(serving: Serving) -> None:
    if not serving.settings.docs:
        raise HTTPException(404, "this server does not describe itself; SEARCH_DOCS is off")


@lru_cache(maxsize=2)
def openapi_document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI of all routes under /v1 and the health checks; problems as one shared schema."""
    document = get_openapi(
        title=TITLE, version=version("article-search"), description=DESCRIPTION, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas |= {
        body.__name__: body.model_json_schema() for body in (DroppedBody, WarningBody, WritingDoneBody)
    }
    schemas[PROBLEM_SCHEMA] = ProblemBody.model_json_schema()
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    add_examples(document)
    return document
