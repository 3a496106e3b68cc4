"""The commands `search-api ask` and `search-api verify-citation`.

Data goes to stdout; what is given back as JSON is what HTTP replies.
"""

import asyncio
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from search_api.hits import SearchRequest
from search_api.logs import for_terminal
from search_api.options import (
    BackendOption,
    CacheOption,
    FolderOption,
    IndexOption,
    UriOption,
    last_day,
    place_settings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passage_index.backend import Backend
    from passage_index.types import StoredPassage
    from search_api.answers.asking import AskReply
    from search_api.answers.citations import Citation
    from search_api.answers.writing.written import Written
    from search_api.reading.dates import EventDate
    from search_api.settings import Settings

LOADING_S = 120.0  # for a reader that is converted first


def ask_command(
    question: Annotated[str, typer.Argument(help="A question.")],
    index: FolderOption = None,
    backend: BackendOption = "embedded",
    uri: UriOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence from which an answer is given; SEARCH_ASK_FROM if not given.", min=0, max=1
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="As if it were that day, month or year: without what can only have been published later."
        ),
    ] = None,
    written: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Also have the language model that SEARCH_LLM_URL and SEARCH_LLM_MODEL name write an "
            "answer, "
            "each sentence checked.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply that `/v1/ask` gives.")] = False,
    cache: CacheOption = None,
) -> None:
    """Answer a question with one sentence, cited and checked, or say that the articles do not.

    Example: search-api ask "How many residents may be evacuated?" --index my-index
    """
    from search_api.answers.asking import ask, ask_from
    from search_api.opening import searching
    from search_api.reader.reader import open_reader
    from search_api.schemas_answers import ask_body

    request = SearchRequest(question, limit=5, as_of=last_day("--as-of", as_of))
    settings = place_settings(index, backend, uri, cache=cache)
    with searching(settings) as searcher:
        searcher.reader = open_reader(settings.reader, LOADING_S, cache)
        reply = ask(searcher, request, ask_from(settings) if threshold is None else threshold)
        text = asyncio.run(_write(settings, searcher.snapshot, request.question, reply)) if written else None
    told = ask_body(request, reply, text).model_dump_json(indent=1) if as_json else _text(reply, text)
    typer.echo(for_terminal(told))


async def _write(settings: "Settings", snapshot: "Backend", question: str, reply: "AskReply") -> "Written":
    from search_api.answers.writing.checking import Dropped, WrittenSentence, checked
    from search_api.answers.writing.drafts import Draft
    from search_api.answers.writing.writer import open_writer
    from search_api.answers.writing.written import write

    async def check(draft: Draft, given: "Sequence[StoredPassage]") -> WrittenSentence | Dropped:
        return checked(snapshot, draft, given, question)

    writer = open_writer(settings)
    try:
        return await write(writer, question, reply.read, check)
    finally:
        if writer is not None:
            await writer.close()


def verify_citation_command(
    article_id: Annotated[str, typer.Argument(help="The article's id.")],
    start: Annotated[
        int, typer.Argument(help="Where the quotation begins, in code points of the article's text.")
    ],
    end: Annotated[int, typer.Argument(help="One past the last code point.")],
    sha256: Annotated[str, typer.Argument(help="Of the quote's UTF-8, in hex digits.")],
    index: IndexOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply that `/v1/verify` gives.")] = False,
    cache: CacheOption = None,
) -> None:
    """Does the article have, at that place, a quotation of that hash? Exit code 1 if not.

    Example: search-api verify-citation news/1.txt 0 120 3f5a… --index my-index
    """
    from passage_index.integrity import stamps_file
    from passage_index.model_files import default_cache
    from passage_index.snapshot import open_snapshot
    from search_api.schemas_index import verification_body
    from search_api.verification import verify

    with closing(open_snapshot(index, stamps_file(cache or default_cache(), index))) as snapshot:
        verdict = verify(snapshot, article_id, start, end, sha256)
    if as_json:
        typer.echo(verification_body(verdict).model_dump_json(indent=1))
    else:
        place = f" [{verdict.span[0]}:{verdict.span[1]}]" if verdict.span else ""
        quote = f": {' '.join(verdict.quote.split())}" if verdict.quote else ""
        typer.echo(f"{verdict.reason}{place}{quote}")
    if not verdict.verified:
        sys.exit(1)


def _text(reply: "AskReply", written: "Written | None") -> str:
    if reply.answer is None:
        near = [
            f"  {hit.score:.2f}  {' '.join(hit.stored.text.split())[:200]}" for hit in reply.search.hits[:3]
        ]
        lines = [f"The articles do not say (confidence {reply.confidence:.2f}). Nearest:", *near]
    else:
        lines = [
            *_cited(reply.answer),
            f"  confidence {reply.confidence:.2f}, independent sources {reply.independent}",
        ]
        for citation in reply.citations[1:]:
            lines += ["", "Also:", *_cited(citation)]
        for other in reply.disagreements:
            lines += ["", f"Differs ({other.ours} here, {other.theirs} there):", *_cited(other.citation)]
        for citation in reply.newer:
            lines += ["", "Newer:", *_cited(citation)]
    if written is not None and written.sentences:
        lines += ["", f"Written by {written.model}, each sentence checked ({written.dropped} dropped):"]
        for sentence in written.sentences:
            lines += ["", sentence.text]
            lines += [f"  {line.strip()}" for one in sentence.citations for line in _cited(one)[:2]]
    warnings = (*reply.search.warnings, *(written.warnings if written else ()))
    return "\n".join([*lines, *(f"warning: {one}" for one in warnings)])


def _days(one: "EventDate") -> str:
    return str(one.first) if one.first == one.last else f"{one.first} to {one.last}"


def _cited(one: "Citation") -> list[str]:
    article = one.article
    said = f", {one.speaker.cue}: {one.speaker.speaker}" if one.speaker else ""
    where = " · ".join(str(part) for part in (article.source, article.published or "undated") if part)
    dates = [
        f"  “{article.text[each.start : each.end]}”: {_days(each)} ({each.explanation})"
        for each in one.event_dates
        if each.resolved
    ]
    checked = "verified" if one.verified else "NOT VERIFIED"
    return [
        " ".join(one.quote.split()),
        f"  {article.id} [{one.start}:{one.end}] {checked} ({where}{said})",
        *dates,
    ]
