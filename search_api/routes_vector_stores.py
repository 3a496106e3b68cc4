"""The route that answers as a vector store of OpenAI's API, for clients that know that API only.

HTTP -> Serving -> JSON
"""

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from passage_index.errors import InputError, NotFound
from search_api.exchange import ERRORS, JSON_ONLY, ServingOf, json_reply, only_parameters
from search_api.hits import Hit, SearchReply, SearchRequest
from search_api.parameters import SearchParameters, search_request
from search_api.serving import Serving
from search_api.vector_stores import STORE, VectorStorePageBody, VectorStoreSearchBody, merged, result_body

router = APIRouter(responses=ERRORS)

REWRITES_NOTHING = "rewrite_query: questions are searched as they are asked"


@router.post(
    "/v1/vector_stores/{vector_store_id}/search",
    response_model=VectorStorePageBody,
    tags=["search"],
    summary="Search as a vector store",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def search_vector_store(
    vector_store_id: Annotated[str, Path(description=f"`{STORE}`: the index is one store.")],
    asked: VectorStoreSearchBody,
    serving: ServingOf,
    http: Request,
) -> Response:
    """Rank passages, asked and answered as OpenAI's API does it."""
    if vector_store_id != STORE:
        raise NotFound(f"no such vector store; the one of this server is `{STORE}`")
    serving.access.charge(http.state.caller, len(asked.query) - 1)
    generation, offset = asked.place
    requests = [_request(asked, query, offset, serving) for query in asked.query]
    async with serving.reading(generation) as reading, serving.admission.place():
        replies = await asyncio.gather(*(reading.search(one, is_part=True) for one in requests))
    page, has_more = _page(replies, asked.max_num_results, offset)
    body = VectorStorePageBody(
        search_query=asked.query,
        data=[result_body(hit) for hit in page],
        has_more=has_more,
        next_page=f"{reading.generation}-{offset + len(page)}" if has_more else None,
        warnings=list(dict.fromkeys(_warnings(asked, replies))),
    )
    return json_reply(body, reading.generation)


def _request(asked: VectorStoreSearchBody, query: str, offset: int, serving: Serving) -> SearchRequest:
    settings = serving.settings
    if len(asked.query) > settings.batch_limit:
        raise InputError(f"query: at most {settings.batch_limit} questions at once here")
    given = SearchParameters.model_construct(
        q=query,
        limit=min(asked.max_num_results, settings.max_limit),
        offset=offset,
        min_score=asked.min_score,
        filter=asked.filters,
    )
    request = search_request(given, settings)
    if len(asked.query) == 1:
        return request
    return replace(request, offset=0, limit=offset + request.limit)  # merged first, cut afterwards


def _page(replies: list[SearchReply], limit: int, offset: int) -> tuple[list[Hit], bool]:
    """The hits of one page, and whether there are more behind it."""
    if len(replies) == 1:
        hits = list(replies[0].hits)
        return hits, replies[0].total > offset + len(hits) and bool(hits)
    every = merged([reply.hits for reply in replies])
    page = every[offset : offset + limit]
    unseen = any(reply.total > len(reply.hits) for reply in replies)
    return page, bool(page) and (len(every) > offset + len(page) or unseen)


def _warnings(asked: VectorStoreSearchBody, replies: list[SearchReply]) -> list[str]:
    told = [warning for reply in replies for warning in reply.warnings]
    return [REWRITES_NOTHING, *told] if asked.rewrite_query else told
