"""The routes that answer a question with a sentence: /v1/ask, and /v1/ask/stream for what is written.

HTTP -> Serving -> JSON, or events
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from passage_index.types import StoredPassage
from search_api.answers.asking import AskReply, ask
from search_api.answers.writing.checking import Dropped, WrittenSentence, checked
from search_api.answers.writing.drafts import Draft
from search_api.answers.writing.writer import Check, Note
from search_api.answers.writing.written import events, write
from search_api.event_stream import EVENT_STREAM, EventStream, event
from search_api.exchange import ERRORS, GENERATION, JSON_ONLY, ServingOf, json_reply, only_parameters
from search_api.hits import SearchRequest
from search_api.parameters import AskBody, AskParameters, AskStreamBody, AskStreamParameters, ask_request
from search_api.schemas_answers import (
    AskReplyBody,
    DroppedBody,
    WarningBody,
    WritingDoneBody,
    WrittenSentenceBody,
    ask_body,
    sentence_body,
)
from search_api.serving import Reading, Serving

router = APIRouter(responses=ERRORS)

# For programs that make a client of the OpenAPI document: what the data of each event is.
EVENTS = {
    name: {"$ref": f"#/components/schemas/{body.__name__}"}
    for name, body in (
        ("answer", AskReplyBody),
        ("sentence", WrittenSentenceBody),
        ("dropped", DroppedBody),
        ("warning", WarningBody),
        ("done", WritingDoneBody),
    )
}
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events: `answer`; `sentence`, `dropped` and `warning` as they come; `done`.",
        "content": {EVENT_STREAM: {"x-events": EVENTS}},
    }
}


@router.get("/v1/ask", response_model=AskReplyBody, tags=["search"], summary="Ask")
async def ask_question(asked: Annotated[AskParameters, Query()], serving: ServingOf) -> Response:
    """Answer with one sentence, cited and checked, or say that the articles do not."""
    request = ask_request(asked, serving.settings)
    begun_s = time.perf_counter()
    async with serving.reading(asked.generation) as reading:
        reply = await reading.asked(ask, request, _threshold(asked, serving))
        if not asked.write:
            return json_reply(ask_body(request, reply), reading.generation)
        check = _checking(reading, request.question)
        written = await write(serving.writer, request.question, reply.read, check)
    took_ms = (time.perf_counter() - begun_s) * 1000
    return json_reply(ask_body(request, reply, written, took_ms), reading.generation)


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


@router.get(
    "/v1/ask/stream",
    response_class=Response,
    responses=STREAMED,
    tags=["search"],
    summary="Ask and read along",
)
async def ask_and_read_along(asked: Annotated[AskStreamParameters, Query()], serving: ServingOf) -> Response:
    """The reply of /v1/ask at once, then each sentence that the language model writes, once checked."""
    request = ask_request(asked, serving.settings)
    async with serving.reading(asked.generation) as reading:
        reply = await reading.asked(ask, request, _threshold(asked, serving))
    generation = reading.generation
    return EventStream(_told(serving, request, reply, generation), {GENERATION: str(generation)})


@router.post(
    "/v1/ask/stream",
    response_class=Response,
    responses=STREAMED,
    tags=["search"],
    summary="Ask with a body and read along",
    dependencies=[Depends(only_parameters()), JSON_ONLY],
)
async def ask_by_body_and_read_along(asked: AskStreamBody, serving: ServingOf) -> Response:
    """The events of GET. Takes the names of GET, as JSON."""
    return await ask_and_read_along(asked, serving)


async def _told(
    serving: Serving, request: SearchRequest, reply: AskReply, generation: int
) -> AsyncGenerator[bytes]:
    """What is streamed. Takes its generation anew, so that a client that never reads holds nothing open."""
    begun_s = time.perf_counter()
    yield event("answer", ask_body(request, reply))
    sentences = dropped = 0
    try:
        async with serving.reading(generation) as reading:
            check = _checking(reading, request.question)
            async with aclosing(events(serving.writer, request.question, reply.read, check)) as happening:
                async for one in happening:
                    sentences += isinstance(one, WrittenSentence)
                    dropped += isinstance(one, Dropped)
                    yield _event(one, dropped)
    except HTTPException as error:  # the generation was let go at this very moment
        yield event("warning", WarningBody(warning=str(error.detail)))
    took_ms = round(reply.took_ms + (time.perf_counter() - begun_s) * 1000, 2)
    model = serving.writer.model if serving.writer else None
    yield event("done", WritingDoneBody(sentences=sentences, dropped=dropped, model=model, took_ms=took_ms))


def _event(one: WrittenSentence | Dropped | Note, dropped: int) -> bytes:
    if isinstance(one, WrittenSentence):
        return event("sentence", sentence_body(one))
    if isinstance(one, Dropped):
        return event("dropped", DroppedBody(reason=one.reason, dropped=dropped))
    return event("warning", WarningBody(warning=one.text))


def _threshold(asked: AskStreamParameters, serving: Serving) -> float:
    return serving.ask_from if asked.threshold is None else asked.threshold


def _checking(reading: Reading, question: str) -> Check:
    """The check of a sentence, on one of the threads: it reads the index."""

    async def check(draft: Draft, given: Sequence[StoredPassage]) -> WrittenSentence | Dropped:
        return await reading.aside(checked, reading.snapshot, draft, given, question)

    return check
