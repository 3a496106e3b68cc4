"""The routes that answer a question with a sentence: /v1/ask.

HTTP -> Serving -> JSON
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from search_api.answers.asking import ask
from search_api.exchange import ERRORS, JSON_ONLY, ServingOf, json_reply, only_parameters
from search_api.parameters import AskBody, AskParameters, ask_request
from search_api.schemas_answers import AskReplyBody, ask_body

router = APIRouter(responses=ERRORS)


@router.get("/v1/ask", response_model=AskReplyBody, tags=["search"], summary="Ask")
async def ask_question(asked: Annotated[AskParameters, Query()], serving: ServingOf) -> Response:
    """Answer with one sentence, cited and checked, or say that the articles do not."""
    request = ask_request(asked, serving.settings)
    threshold = serving.settings.ask_from if asked.threshold is None else asked.threshold
    async with serving.reading(asked.generation) as reading:
        reply = await reading.asked(ask, request, threshold)
    return json_reply(ask_body(request, reply), reading.generation)


@router.post(
    "/v1/ask",
    response_model=AskReplyBody,
    tags=["search"],
    summary="Ask with a body",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def ask_by_body(asked: AskBody, serving: ServingOf) -> Response:
    """Answer with one sentence. Takes the names of GET, as JSON."""
    return await ask_question(asked, serving)


@router.get("/ask", include_in_schema=False)
async def ask_alias(asked: Annotated[AskParameters, Query()], serving: ServingOf) -> Response:
    """Short for GET /v1/ask."""
    return await ask_question(asked, serving)


@router.post("/ask", include_in_schema=False, dependencies=[Depends(only_parameters()), JSON_ONLY])
async def ask_by_body_alias(asked: AskBody, serving: ServingOf) -> Response:
    """Short for POST /v1/ask."""
    return await ask_question(asked, serving)
