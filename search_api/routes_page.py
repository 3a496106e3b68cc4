"""The page: a question, its answer and ranked passages, the article behind each, and how the service is.

Asks the searcher as the API does, and works without a script. HTTP -> HTML, or a file of hits
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from passage_index.backend import Backend
from passage_index.errors import InputError, NotFound
from passage_index.types import Span, sha256_text
from search_api.answers.asking import AskReply, answered
from search_api.exchange import ServingOf
from search_api.finding import WORTH_FROM
from search_api.hits import Hit, SearchReply, SearchRequest
from search_api.page.asking import PAGE_HITS, PageQuery
from search_api.page.citing import reference
from search_api.page.examples import examples
from search_api.page.exports import csv_file, json_file
from search_api.page.marking import is_wrapped, paragraphs
from search_api.page.rendering import page_reply
from search_api.page.results import answer, by_article, is_question
from search_api.page.timeline import timeline
from search_api.parameters import search_request
from search_api.searcher import Searcher
from search_api.serving import Reading, Serving
from search_api.similar import SimilarRequest
from search_api.statistics import statistics

SHOWN_SOURCES = 12  # as boxes to tick; the others can be written into a field
LISTED_SOURCES = 500  # suggested for that field
RELATED = 5
READ_WITHIN_S = 0.6  # passages for an answer: the page is to stand within a second
CHANGED = "The articles have changed since you asked; this is what they hold now."
COUNTED = ["source", "language", "month", "year"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of the page gave. ask: None where no answer was looked for."""

    asked: PageQuery
    request: SearchRequest
    reply: SearchReply
    most: int  # hits of a file
    ask: AskReply | None = None


@router.get("/")
@router.head("/")
async def home(sent: Request, serving: ServingOf) -> Response:
    """The query box; with `q` or `like`, the answer and the passages."""
    asked = PageQuery.parse(sent.query_params)
    fault = ""
    try:
        if asked.is_asked:
            return await _shown(asked, serving)
    except InputError as error:
        fault = str(error)
    async with serving.reading() as reading:
        return await reading.run(_empty_page, reading.snapshot, asked, fault)


@router.get("/results.json")
async def results_json(sent: Request, serving: ServingOf) -> Response:
    """The hits of a search of the page, as the API tells them."""
    return await _export(sent, serving, lambda found: json_file(found.request, found.reply))


@router.get("/results.csv")
async def results_csv(sent: Request, serving: ServingOf) -> Response:
    """The same for a spreadsheet."""
    return await _export(sent, serving, lambda found: csv_file(found.reply))


async def _export(sent: Request, serving: Serving, written: Callable[[Found], Response]) -> Response:
    """As many hits as one reply can have, from the first on."""
    asked = replace(PageQuery.parse(sent.query_params), offset="0")
    async with AsyncExitStack() as held:
        _, found = await _found(asked, serving, held, limit=serving.settings.max_limit)
        return written(found)


async def _shown(asked: PageQuery, serving: Serving) -> Response:
    async with AsyncExitStack() as held:
        reading, found = await _found(asked, serving, held, facets=COUNTED)
        return await reading.run(_results_page, reading.snapshot, found)


async def _found(
    asked: PageQuery, serving: Serving, held: AsyncExitStack, **changed: Any
) -> tuple[Reading, Found]:
    """Search, and where an answer is shown look for one. `held` keeps the generation open."""
    parameters = asked.parameters(**changed)
    request = search_request(parameters, serving.settings)
    reading, is_other = await _reading(serving, parameters.generation, held)
    ask = None
    if asked.like:
        reply = await reading.similar(SimilarRequest(request, passage_id=asked.like))
    elif asked.mode == "hybrid" and asked.is_first_page and "limit" not in changed:
        ask = await reading.asked(_answered, request, serving.ask_from)
        reply = ask.search
    else:
        reply = await reading.search(request)
    if is_other:
        reply = replace(reply, warnings=(CHANGED, *reply.warnings))
    return reading, Found(asked, request, reply, serving.settings.max_limit, ask)


def _answered(searcher: Searcher, request: SearchRequest, threshold: float) -> AskReply:
    return answered(searcher, searcher.find(request), threshold, READ_WITHIN_S)


async def _reading(serving: Serving, generation: int | None, held: AsyncExitStack) -> tuple[Reading, bool]:
    """The generation that a page's link names, or the current one and True where that is gone."""
    try:
        return await held.enter_async_context(serving.reading(generation)), False
    except HTTPException as error:
        if error.status_code != 410:
            raise
    return await held.enter_async_context(serving.reading()), True


def _empty_page(snapshot: Backend, asked: PageQuery, fault: str = "") -> Response:
    return page_reply(
        "home.html",
        422 if fault else 200,
        asked=asked,
        fault=fault,
        examples=examples(snapshot),
        **_corpus(snapshot, asked),
    )


def _results_page(snapshot: Backend, found: Found) -> Response:
    asked, reply, offset = found.asked, found.reply, found.request.offset
    paged = replace(asked, generation=str(reply.generation))  # its links lead to pages that fit this one
    told = found.ask is not None and (found.ask.answerable or is_question(asked.q))
    return page_reply(
        "results.html",
        asked=asked,
        reply=reply,
        fault="",
        answer=answer(found.ask) if found.ask and told and reply.hits else None,
        articles=by_article(snapshot, reply.hits),
        like=snapshot.passage(asked.like) if asked.like else None,
        timeline=timeline(reply.facets),
        offset=offset,
        most=found.most,
        earlier=paged.at(max(offset - PAGE_HITS, 0)) if offset else None,
        later=paged.at(offset + PAGE_HITS) if offset + PAGE_HITS < reply.total else None,
        examples=[] if reply.hits else examples(snapshot),
        **_corpus(snapshot, asked),
    )


def _corpus(snapshot: Backend, asked: PageQuery) -> dict[str, Any]:
    """What the form offers, and what the home page says the corpus holds."""
    stats = statistics(snapshot)
    names = [source.name for source in stats.sources if source.name]
    boxes = list(dict.fromkeys([*asked.sources, *names[:SHOWN_SOURCES]]))
    return {
        "stats": stats,
        "boxes": boxes,
        "other_sources": [name for name in names[:LISTED_SOURCES] if name not in boxes],
    }


@router.get("/articles/{article_id:path}")
@router.head("/articles/{article_id:path}")
async def article_page(request: Request, article_id: str, serving: ServingOf) -> Response:
    """An article and what is related to it; with `start` and `end`, that place marked and cited."""
    start, end = (request.query_params.get(name, "") for name in ("start", "end"))
    alike = SimilarRequest(SearchRequest("", limit=RELATED, group_by_article=True), article_id=article_id)
    async with serving.reading() as reading:
        if await reading.run(reading.snapshot.article, article_id) is None:
            raise NotFound("there is no article of this id in the index")
        related = await reading.similar(alike)
        return await reading.run(_article_page, reading.snapshot, article_id, start, end, related)


def _article_page(snapshot: Backend, article_id: str, start: str, end: str, related: SearchReply) -> Response:
    article, passages = snapshot.article(article_id), snapshot.article_passages(article_id)
    assert article is not None and passages is not None
    mark = _place(start, end, len(article.text))
    shown = {name: value for name, value in article.metadata.items() if isinstance(value, str | int | float)}
    return page_reply(
        "article.html",
        article=article,
        paragraphs=paragraphs(article.text, 0, [mark] if mark else []),
        is_wrapped=is_wrapped(article.text, [stored.passage for stored in passages]),
        mark=mark,
        is_misplaced=bool(start or end) and mark is None,
        sha256=sha256_text(article.text[mark[0] : mark[1]]) if mark else None,
        reference=reference(article, mark),
        related=by_article(snapshot, _near(related.hits)),
        metadata=shown,
    )


def _near(hits: Sequence[Hit]) -> list[Hit]:
    """Those that are worth naming beside the nearest one: in a small corpus everything is a little alike."""
    least = WORTH_FROM * max((hit.score for hit in hits), default=0.0)
    return [hit for hit in hits if hit.score >= least]


def _place(start: str, end: str, length: int) -> Span | None:
    """The span that two query parameters name, if the article has it."""
    if not all(number.isdecimal() and len(number) < 16 for number in (start, end)):
        return None
    span = int(start), int(end)
    return span if span[0] < span[1] <= length else None


@router.get("/status")
@router.head("/status")
async def status_page(serving: ServingOf) -> Response:
    """What is served, by what, and how much room it takes."""
    async with serving.reading() as reading:
        return await reading.run(_status_page, reading.snapshot, serving)


def _status_page(snapshot: Backend, serving: Serving) -> Response:
    return page_reply(
        "status.html",
        stats=statistics(snapshot),
        warnings=serving.warnings,
        reader=serving.settings.reader,
        reranker=serving.settings.reranker,
        writer=serving.writer.model if serving.writer else None,
        ask_from=serving.ask_from,
        free_bytes=_free_bytes(serving.settings.index),
    )


def _free_bytes(index: Path) -> int | None:
    """Room on the disk of the index; None where its folder is gone, which is when somebody looks here."""
    try:
        return shutil.disk_usage(index).free
    except OSError:
        return None
