"""The command `search-api`: reads arguments, calls the searcher or the server, turns errors into exit codes.

Data goes to stdout, messages to stderr.
"""

import os
import resource
import sys
from pathlib import Path
from typing import Annotated

# One search uses one core and requests run side by side; set before FAISS and OpenMP are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import typer

from passage_index.errors import InputError, SearchEngineError
from passage_index.filters import Filter, read_filter
from search_api.commands_alerts import alerts_command
from search_api.commands_answers import ask_command, verify_citation_command
from search_api.commands_batch import RerankOption, batch_command, reranking
from search_api.commands_keys import app as keys_app
from search_api.commands_mcp import mcp_command
from search_api.fusion import Mode
from search_api.hits import SearchReply, SearchRequest
from search_api.logs import configure_logging, for_terminal
from search_api.options import BackendOption, CacheOption, FolderOption, UriOption, last_day, place_settings

OPEN_FILES = 65_536

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 port taken, 5 encoder or format does not fit, 6 a "
    "file is damaged, "
    "130 interrupted. More in docs/commands.md, settings and routes in docs/api.md."
)

app = typer.Typer(
    help="Search an index of articles.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("serve")
def serve_command(
    index: FolderOption = None,
    backend: BackendOption = "embedded",
    uri: UriOption = None,
    host: Annotated[
        str,
        typer.Option(help="Address to bind. Another than a loopback one needs a key.", envvar="SEARCH_HOST"),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind; 0 takes a free one.", envvar="SEARCH_PORT")] = 8000,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Serve with so many processes side by side.", envvar="SEARCH_PROCESSES"
        ),
    ] = 1,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Keys file of `search-api keys`; with it, reading needs one.", envvar="SEARCH_KEYS_FILE"
        ),
    ] = None,
    is_open: Annotated[
        bool,
        typer.Option(
            "--open", help="Let anyone who reaches the server read, at any address.", envvar="SEARCH_OPEN"
        ),
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Serve the page and the HTTP API.

    Example: search-api serve --index my-index --port 8000
    """
    import uvicorn

    from search_api.app import create_app
    from search_api.priorities import aside, settle
    from search_api.processes import serve_side_by_side
    from search_api.server import server_options

    _allow_open_files()
    settings = place_settings(
        index,
        backend,
        uri,
        host=host,
        port=port,
        cache=cache,
        processes=processes,
        keys_file=keys,
        open=is_open,
    )
    what = index if settings.backend == "embedded" else f"{settings.milvus_name} in Milvus at {uri}"
    configure_logging(settings.log_format)
    if settings.processes > 1:
        print(f"serving {what} at http://{host}:{port} by {processes} processes", file=sys.stderr)
        serve_side_by_side(settings)
        return
    service = create_app(settings)
    aside(service.state.serving.generations.open)  # before binding: a broken index must not look alive
    if settings.reranker is not None:
        service.state.serving.reranker.wait_until_loaded()
    settle()
    print(f"serving {what} at http://{host}:{port}", file=sys.stderr)
    uvicorn.run(service, **server_options(settings))


def _allow_open_files() -> None:
    """Take as many open files as the system grants: each open generation has about a dozen a segment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))


@app.command("search")
def search_command(
    question: Annotated[str, typer.Argument(help="A question, or words.")],
    index: FolderOption = None,
    backend: BackendOption = "embedded",
    uri: UriOption = None,
    limit: Annotated[int, typer.Option(help="Hits to show.", min=1, max=100)] = 5,
    mode: Annotated[str, typer.Option(help="`hybrid`, `semantic` or `keyword`.")] = "hybrid",
    filter_json: Annotated[
        str | None,
        typer.Option(
            "--filter",
            help="Only articles of which this holds, as JSON: "
            """'{"source": "Port Gazette", "published_at": {"$gte": "2023"}}'.""",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="As if it were that day, month or year: without what can only have been published later."
        ),
    ] = None,
    rerank: RerankOption = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Below each hit, why it stands where it stands.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply that `/v1/search` gives.")] = False,
    cache: CacheOption = None,
) -> None:
    """Rank the passages that answer a question.

    Example: search-api search "How many residents may be evacuated" --index my-index
    """
    from search_api.opening import searching

    only, known = _filter(filter_json), last_day("--as-of", as_of)
    settings = place_settings(index, backend, uri, cache=cache)
    with searching(settings) as searcher, reranking(rerank, settings) as (reranker, depth):
        request = SearchRequest(
            question, limit=limit, mode=_mode(mode), filter=only, as_of=known, rerank=depth, explain=explain
        )
        reply = searcher.search(request, reranker)
    print(_json(request, reply) if as_json else for_terminal(_text(reply)))


app.command("batch")(batch_command)
app.command("ask")(ask_command)
app.add_typer(keys_app, name="keys")
app.command("verify-citation")(verify_citation_command)
app.command("alerts")(alerts_command)
app.command("mcp")(mcp_command)


def _filter(text: str | None) -> Filter | None:
    try:
        return None if text is None else read_filter(text)
    except InputError as error:
        raise InputError(f"--filter: {error}") from error


def _mode(text: str) -> Mode:
    if text not in ("hybrid", "semantic", "keyword"):
        raise InputError(f"--mode is {text!r}; it can be hybrid, semantic or keyword")
    return text  # type: ignore[return-value]


def _json(request: SearchRequest, reply: SearchReply) -> str:
    from search_api.schemas import reply_body

    return reply_body(request, reply).model_dump_json(indent=1)


def _text(reply: SearchReply) -> str:
    lines = []
    for hit in reply.hits:
        article, passage = hit.stored.article, hit.stored.passage
        where = " · ".join(str(part) for part in (article.source, article.published or "undated") if part)
        lines += [f"{hit.rank}. {hit.score:.2f}  {article.title or article.id}  ({where})"]
        lines += [f"   {' '.join(hit.stored.text.split())}"]
        lines += [f"   {article.id} [{passage.start}:{passage.end}]"]
        lines += [f"   + {len(hit.duplicates)} similar"] if hit.duplicates else []
        for reason in hit.explanation or ():
            told = "" if reason.contribution is None else f"{reason.contribution:+.3f}"
            lines.append(f"   {told:>7}  {reason.part}: {reason.text}")
        lines.append("")
    lines += [f"did you mean: {reply.did_you_mean}"] if reply.did_you_mean else []
    lines += [str(one) for one in reply.interpretations]
    lines += [f"warning: {warning}" for warning in reply.warnings]
    lines.append(
        f"{len(reply.hits)} of {reply.total} passages, {reply.took_ms:.0f} ms, generation {reply.generation}"
    )
    return "\n".join(lines)


def main() -> None:
    """Entry point: one error tree, one exit code each."""
    configure_logging("text")
    try:
        app()
    except SearchEngineError as error:
        print(for_terminal(f"search-api: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(for_terminal(f"search-api: {error}"), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
