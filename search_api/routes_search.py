"""The routes an application asks: search, batch, articles, passages, verification.

Each turns a body into a question to the searcher and its answer into a body; ranking is not done here.
HTTP -> Serving -> JSON
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from passage_index.errors import InputError, NotFound
from search_api.exchange import ERRORS, JSON_ONLY, ServingOf, json_reply, only_parameters
from search_api.parameters import (
    BatchBody,
    GenerationOf,
    SearchBody,
    SearchParameters,
    SimilarBody,
    SuggestParameters,
    search_request,
    similar_request,
)
from search_api.schemas import (
    BatchReplyBody,
    CitedPassageBody,
    SearchReplyBody,
    cited_passage,
    passage_body,
    reply_body,
)
from search_api.schemas_index import (
    ArticleBody,
    PassagesBody,
    SuggestionBody,
    SuggestionsBody,
    VerificationBody,
    article_body,
    verification_body,
)
from search_api.serving import Reading, Serving
from search_api.settings import Settings
from search_api.suggest import suggestions
from search_api.verification import verify

router = APIRouter(responses=ERRORS)

ArticleId = Annotated[str, Path(description="The article's id, percent-encoded; it may hold slashes.")]


@router.get("/v1/search", response_model=SearchReplyBody, tags=["search"], summary="Search")
async def search(asked: Annotated[SearchParameters, Query()], serving: ServingOf) -> Response:
    """Rank the passages that answer a question."""
    found = await _searched(asked, serving)
    return json_reply(found, found.generation)


@router.post(
    "/v1/search",
    response_model=SearchReplyBody,
    tags=["search"],
    summary="Search with a body",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def search_by_body(asked: SearchBody, serving: ServingOf) -> Response:
    """Rank the passages that answer a question. Takes the names of GET, as JSON."""
    return await search(asked, serving)


@router.post(
    "/v1/search/batch",
    response_model=BatchReplyBody,
    tags=["search"],
    summary="Several searches at once",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def search_batch(batch: BatchBody, serving: ServingOf, http: Request) -> Response:
    """Answer several searches, in their order. One that cannot be answered fails the whole batch."""
    most = serving.settings.batch_limit
    if len(batch.requests) > most:
        raise InputError(f"requests: at most {most} in one batch here")
    serving.access.charge(http.state.caller, len(batch.requests) - 1)
    async with serving.reading() as current, serving.admission.place():
        asked, turns = enumerate(batch.requests), _Turns(serving.settings.search_threads)
        replies = await asyncio.gather(*(_numbered(i, one, serving, current, turns) for i, one in asked))
    return json_reply(BatchReplyBody(replies=list(replies)))


class _Turns:
    """Who of a batch is under way: so many at a time as there are threads, so that others have their turn.

    Those to be reranked go one by one: the reranker's time runs from when it is asked.
    """

    def __init__(self, most: int) -> None:
        self._any, self._reranked = asyncio.Semaphore(most), asyncio.Lock()

    @asynccontextmanager
    async def of(self, asked: SearchParameters) -> AsyncIterator[None]:
        """Wait for it."""
        async with self._reranked if asked.rerank else nullcontext(), self._any:
            yield


async def _numbered(
    number: int, asked: SearchParameters, serving: Serving, current: Reading, turns: _Turns
) -> SearchReplyBody:
    """One of a batch, from the generation that the batch began with unless it names another."""
    try:
        async with turns.of(asked):
            if asked.generation in (None, current.generation):
                return await _answered(asked, current, serving.settings, is_part=True)
            return await _searched(asked, serving, is_part=True)
    except InputError as error:
        raise InputError(f"requests.{number}: {error}") from error


async def _searched(asked: SearchParameters, serving: Serving, is_part: bool = False) -> SearchReplyBody:
    async with serving.reading(asked.generation) as reading:
        return await _answered(asked, reading, serving.settings, is_part)


async def _answered(
    asked: SearchParameters, reading: Reading, settings: Settings, is_part: bool = False
) -> SearchReplyBody:
    begun = time.perf_counter()
    request = search_request(asked, settings, reading.auto_depth)
    reply = await reading.search(request, is_part)
    return reply_body(request, reply, took_ms=(time.perf_counter() - begun) * 1000)


@router.get("/v1/suggest", response_model=SuggestionsBody, tags=["search"], summary="Complete a beginning")
async def suggest(asked: Annotated[SuggestParameters, Query()], serving: ServingOf) -> Response:
    """Complete a beginning from the corpus: names, words and titles, in most articles first."""
    async with serving.reading(asked.generation) as reading:
        found = await reading.run(suggestions, reading.snapshot, asked.q, asked.limit)
    made = [SuggestionBody(text=one.text, kind=one.kind, articles=one.articles) for one in found]
    return json_reply(SuggestionsBody(query=asked.q, suggestions=made), reading.generation)


@router.post(
    "/v1/similar",
    response_model=SearchReplyBody,
    tags=["search"],
    summary="More like this",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def similar(asked: SimilarBody, serving: ServingOf) -> Response:
    """Rank the passages that are like a passage, an article or a text."""
    begun = time.perf_counter()
    request = similar_request(asked, serving.settings)
    async with serving.reading(asked.generation) as reading:
        reply = await reading.similar(request)
    found = reply_body(request.search, reply, took_ms=(time.perf_counter() - begun) * 1000)
    return json_reply(found, found.generation)


@router.get(
    "/v1/articles/{article_id:path}/passages",
    response_model=PassagesBody,
    tags=["texts"],
    summary="An article's passages",
    dependencies=[Depends(only_parameters("generation"))],
)
async def article_passages(
    article_id: ArticleId, serving: ServingOf, generation: GenerationOf = None
) -> Response:
    """All passages of an article, in the order of its text."""
    async with serving.reading(generation) as reading:
        found = await reading.run(reading.snapshot.article_passages, article_id)
        if found is None:  # an id may end in the same word
            return await _article(f"{article_id}/passages", reading)
    body = PassagesBody(passages=[passage_body(stored) for stored in found])
    return json_reply(body, reading.generation)


@router.get(
    "/v1/articles/{article_id:path}",
    response_model=ArticleBody,
    tags=["texts"],
    summary="An article",
    dependencies=[Depends(only_parameters("generation"))],
)
async def article(article_id: ArticleId, serving: ServingOf, generation: GenerationOf = None) -> Response:
    """An article as it is stored, whole."""
    async with serving.reading(generation) as reading:
        return await _article(article_id, reading)


async def _article(article_id: str, reading: Reading) -> Response:
    found = await reading.run(reading.snapshot.article, article_id)
    if found is None:
        raise NotFound("no such article")
    return json_reply(article_body(found), reading.generation)


@router.get(
    "/v1/passages/{passage_id}",
    response_model=CitedPassageBody,
    tags=["texts"],
    summary="A passage",
    dependencies=[Depends(only_parameters("generation"))],
)
async def passage(passage_id: str, serving: ServingOf, generation: GenerationOf = None) -> Response:
    """A passage by its id, with what a citation says of its article."""
    async with serving.reading(generation) as reading:
        found = await reading.run(reading.snapshot.passage, passage_id)
    if found is None:
        raise NotFound("no such passage")
    return json_reply(cited_passage(found), reading.generation)


@router.get(
    "/v1/verify",
    response_model=VerificationBody,
    tags=["texts"],
    summary="Verify a citation",
    dependencies=[Depends(only_parameters("article_id", "start", "end", "sha256", "generation"))],
)
async def verify_citation(
    article_id: Annotated[str, Query()],
    start: Annotated[int, Query(description="Code points into the article's text.")],
    end: Annotated[int, Query(description="One past the last code point.")],
    sha256: Annotated[str, Query(pattern="^[0-9a-fA-F]{64}$", description="Of the quote's UTF-8.")],
    serving: ServingOf,
    generation: GenerationOf = None,
) -> Response:
    """Whether an article's text has, at that place, a quote of that hash."""
    async with serving.reading(generation) as reading:
        verdict = await reading.run(verify, reading.snapshot, article_id, start, end, sha256)
    return json_reply(verification_body(verdict), reading.generation)


@router.get("/search", include_in_schema=False)
async def search_alias(asked: Annotated[SearchParameters, Query()], serving: ServingOf) -> Response:
    """Short for GET /v1/search."""
    return await search(asked, serving)


@router.post("/search", include_in_schema=False, dependencies=[Depends(only_parameters()), JSON_ONLY])
async def search_by_body_alias(asked: SearchBody, serving: ServingOf) -> Response:
    """Short for POST /v1/search."""
    return await search_by_body(asked, serving)
