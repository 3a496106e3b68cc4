"""The command `search-api`: reads arguments, calls the searcher or the server, turns errors into exit codes.

Data goes to stdout, messages to stderr.
"""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

# One search uses one core and requests run side by side; set before FAISS and OpenMP are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import typer

from passage_index.errors import InputError, SearchEngineError
from passage_index.filters import Filter, read_filter
from search_api.commands_answers import LOADING_S, ask_command, verify_citation_command
from search_api.fusion import Mode
from search_api.hits import SearchReply, SearchRequest
from search_api.logs import configure_logging
from search_api.options import CacheOption, IndexOption, last_day

if TYPE_CHECKING:
    from search_api.rerank import Reranker
    from search_api.settings import Settings

OPEN_FILES = 65_536
TOLD_WARNINGS = 10

app = typer.Typer(help="Search an index of articles.", no_args_is_help=True, pretty_exceptions_enable=False)

RerankOption = Annotated[
    bool,
    typer.Option(
        "--rerank",
        help="Have the first passages judged anew by the reader, or by the cross-encoder that "
        "SEARCH_RERANKER "
        "names. Exit code 2 where there is neither.",
    ),
]


@app.command("serve")
def serve_command(
    index: IndexOption,
    host: Annotated[
        str, typer.Option(help="Address to bind. Anyone who reaches it can read.", envvar="SEARCH_HOST")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind; 0 takes a free one.", envvar="SEARCH_PORT")] = 8000,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Serve with so many processes side by side.", envvar="SEARCH_PROCESSES"
        ),
    ] = 1,
    cache: CacheOption = None,
) -> None:
    """Serve the page and the HTTP API."""
    import uvicorn

    from search_api.app import create_app
    from search_api.processes import serve_side_by_side

    _allow_open_files()
    settings = _settings(index=index, host=host, port=port, cache=cache, processes=processes)
    configure_logging(settings.log_format)
    if settings.processes > 1:
        print(f"serving {index} at http://{host}:{port} by {processes} processes", file=sys.stderr)
        serve_side_by_side(settings)
        return
    service = create_app(settings)
    service.state.serving.generations.open()  # before binding: a broken index must not look alive
    if settings.reranker is not None:
        service.state.serving.reranker.wait_until_loaded()
    print(f"serving {index} at http://{host}:{port}", file=sys.stderr)
    uvicorn.run(
        service,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _settings(**given: Any) -> "Settings":
    """What the options and the environment say. Raises InputError that repeats no value: one is a key."""
    from pydantic import ValidationError

    from search_api.problems import told
    from search_api.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        raise InputError(
            f"a setting cannot be used (SEARCH_... in the environment): {told(error.errors())}"
        ) from error


def _allow_open_files() -> None:
    """Take as many open files as the system grants: each open generation has about a dozen a segment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))


@app.command("search")
def search_command(
    question: Annotated[str, typer.Argument(help="A question, or words.")],
    index: IndexOption,
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
    from search_api.searcher import open_searcher

    only, known = _filter(filter_json), last_day("--as-of", as_of)
    with closing(open_searcher(index, cache)) as searcher, _reranking(rerank, index) as (reranker, depth):
        request = SearchRequest(
            question, limit=limit, mode=_mode(mode), filter=only, as_of=known, rerank=depth, explain=explain
        )
        reply = searcher.search(request, reranker)
    print(_json(request, reply) if as_json else _text(reply))


@app.command("batch")
def batch_command(
    queries: Annotated[
        Path,
        typer.Argument(
            help="Questions as JSON lines: `_id`, `text` (or `question`).", metavar="QUERIES.jsonl"
        ),
    ],
    index: IndexOption,
    out: Annotated[Path, typer.Option("--out", help="The run file to write.")],
    depth: Annotated[
        int, typer.Option(help="Articles a question; each leg gives ten passages for one.", min=1, max=1000)
    ] = 100,
    passages: Annotated[
        Path | None,
        typer.Option(help="Also write this file: a JSON line a question, with its first passages."),
    ] = None,
    rerank: RerankOption = False,
    cache: CacheOption = None,
) -> None:
    """Answer many questions: TREC run lines with article ids, and ranked passages if asked."""
    from search_api.batch import Answering, run_batch, whole_file
    from search_api.searcher import open_searcher

    with closing(open_searcher(index, cache)) as searcher, _reranking(rerank, index) as (reranker, first):
        answering = Answering(searcher, depth, reranker, first)
        with whole_file(out) as run, nullcontext() if passages is None else whole_file(passages) as ranked:
            count = run_batch(answering, queries, run, ranked)
    for warning, times in answering.warnings.most_common(TOLD_WARNINGS):
        print(f"warning: {warning} ({times} of {count} questions)", file=sys.stderr)
    print(f"{count} questions answered, run written to {out}", file=sys.stderr)


app.command("ask")(ask_command)
app.command("verify-citation")(verify_citation_command)


@contextmanager
def _reranking(wanted: bool, index: Path) -> "Iterator[tuple[Reranker | None, int]]":
    """The reranker of the settings, loaded, and how deep it reaches; (None, 0) if not wanted."""
    if not wanted:
        yield None, 0
        return
    from search_api.reader.reader import open_reader
    from search_api.reader.reranking import reranker_of
    from search_api.rerank import require_reranker

    settings = _settings(index=index)
    reader = None if settings.reranker else open_reader(settings.reader, LOADING_S, settings.cache)
    with closing(require_reranker(reranker_of(settings, reader))) as reranker:
        reranker.wait_until_loaded()
        yield reranker, settings.rerank_depth


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
        print(f"search-api: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
