"""The page: a question, its ranked passages, and the article behind each, without a script.

Asks the searcher as the API does; texts are cut for marking in page/marking.py. HTTP -> HTML
"""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from passage_index.errors import InputError, NotFound
from passage_index.snapshot import Snapshot
from passage_index.types import Span, StoredPassage, sha256_text
from search_api.exchange import ServingOf
from search_api.hits import Hit, SearchReply
from search_api.page.asking import PAGE_HITS, PageQuery
from search_api.page.marking import Run, is_wrapped, paragraphs
from search_api.page.rendering import article_name, page_reply
from search_api.parameters import search_request
from search_api.serving import Reading, Serving
from search_api.statistics import statistics

SHOWN_SOURCES = 12  # as boxes to tick; the others can be written into a field
LISTED_SOURCES = 500  # suggested for that field
SHOWN_SIMILAR = 20
EXAMPLES = 3
EXAMPLE_CHARS = 110
CHANGED = "The articles have changed since you asked; this is what they hold now."

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit as the page shows it."""

    hit: Hit
    paragraphs: list[list[Run]]
    is_wrapped: bool
    similar: list[StoredPassage]


@router.get("/")
@router.head("/")
async def home(sent: Request, serving: ServingOf) -> Response:
    """The query box; with `q`, the passages that answer it."""
    asked = PageQuery.parse(sent.query_params)
    fault = ""
    try:
        if asked.q:
            return await _results(asked, serving)
    except InputError as error:
        fault = str(error)
    async with serving.reading() as reading:
        return await reading.run(_empty_page, reading.snapshot, asked, fault)


async def _results(asked: PageQuery, serving: Serving) -> Response:
    begun = time.perf_counter()
    parameters = asked.parameters()
    request = search_request(parameters, serving.settings)
    async with AsyncExitStack() as held:
        reading, is_other = await _reading(serving, parameters.generation, held)
        reply = await reading.search(request)
        if is_other:
            reply = replace(reply, warnings=(CHANGED, *reply.warnings))
        return await reading.run(_results_page, reading.snapshot, asked, request.offset, reply, begun)


async def _reading(serving: Serving, generation: int | None, held: AsyncExitStack) -> tuple[Reading, bool]:
    """The generation that a page's link names, or the current one and True where that is gone."""
    try:
        return await held.enter_async_context(serving.reading(generation)), False
    except HTTPException as error:
        if error.status_code != 410:
            raise
    return await held.enter_async_context(serving.reading()), True


def _empty_page(snapshot: Snapshot, asked: PageQuery, fault: str = "") -> Response:
    return page_reply(
        "home.html",
        422 if fault else 200,
        asked=asked,
        fault=fault,
        examples=_examples(snapshot),
        **_corpus(snapshot, asked),
    )


def _results_page(
    snapshot: Snapshot, asked: PageQuery, offset: int, reply: SearchReply, begun: float
) -> Response:
    asked = replace(asked, generation=str(reply.generation))  # its links lead to pages that fit this one
    return page_reply(
        "results.html",
        asked=asked,
        reply=reply,
        fault="",
        shown=[_shown(snapshot, hit) for hit in reply.hits],
        offset=offset,
        earlier=asked.at(max(offset - PAGE_HITS, 0)) if offset else None,
        later=asked.at(offset + PAGE_HITS) if offset + PAGE_HITS < reply.total else None,
        examples=[] if reply.hits else _examples(snapshot),
        took_ms=(time.perf_counter() - begun) * 1000,
        **_corpus(snapshot, asked),
    )


def _corpus(snapshot: Snapshot, asked: PageQuery) -> dict[str, Any]:
    """What the form offers, and what the home page says the corpus holds."""
    stats = statistics(snapshot)
    names = [source.name for source in stats.sources if source.name]
    boxes = list(dict.fromkeys([*asked.sources, *names[:SHOWN_SOURCES]]))
    return {
        "stats": stats,
        "boxes": boxes,
        "other_sources": [name for name in names[:LISTED_SOURCES] if name not in boxes],
    }


def _shown(snapshot: Snapshot, hit: Hit) -> ShownHit:
    passage, text = hit.stored.passage, hit.stored.text
    spans: dict[str, list[Span]] = {"sentence": [], "word": []}
    for highlight in hit.highlights:
        spans[highlight.kind].append((highlight.start, highlight.end))
    similar = [snapshot.passage(duplicate.id) for duplicate in hit.duplicates[:SHOWN_SIMILAR]]
    return ShownHit(
        hit=hit,
        paragraphs=paragraphs(text, passage.start, spans["sentence"], spans["word"]),
        is_wrapped=is_wrapped(hit.stored.article.text, [passage]),
        similar=[stored for stored in similar if stored],
    )


def _examples(snapshot: Snapshot) -> list[StoredPassage]:
    """Passages from all over the corpus; the names of their articles are questions to begin with."""
    rows = sum(segment.record.passages for segment in snapshot.segments)
    places = np.unique(np.linspace(0, max(rows - 1, 0), 4 * EXAMPLES).astype(np.int64))[:rows]
    found: dict[str, StoredPassage] = {}
    for stored in snapshot.fetch(places):
        name = article_name(stored.article)
        if len(name) <= EXAMPLE_CHARS and snapshot.passage(stored.passage.id):
            found.setdefault(name, stored)
    spread, count = list(found.values()), min(EXAMPLES, len(found))
    return [spread[len(spread) * i // count] for i in range(count)]


@router.get("/articles/{article_id:path}")
@router.head("/articles/{article_id:path}")
async def article_page(request: Request, article_id: str, serving: ServingOf) -> Response:
    """An article; with `start` and `end`, that place marked and cited."""
    start, end = (request.query_params.get(name, "") for name in ("start", "end"))
    async with serving.reading() as reading:
        return await reading.run(_article_page, reading.snapshot, article_id, start, end)


def _article_page(snapshot: Snapshot, article_id: str, start: str, end: str) -> Response:
    article, passages = snapshot.article(article_id), snapshot.article_passages(article_id)
    if article is None or passages is None:
        raise NotFound("there is no article of this id in the index")
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
        metadata=shown,
    )


def _place(start: str, end: str, length: int) -> Span | None:
    """The span that two query parameters name, if the article has it."""
    if not all(number.isdecimal() and len(number) < 16 for number in (start, end)):
        return None
    span = int(start), int(end)
    return span if span[0] < span[1] <= length else None
