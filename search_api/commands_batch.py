"""The command `search-api batch`: many questions from a file, as a TREC run or as a table of answers.

Messages go to stderr; the answers go into a file that is there only once it is whole.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passage_index.errors import InputError
from passage_index.outputs import require_apart
from search_api.commands_answers import LOADING_S
from search_api.options import BackendOption, CacheOption, FolderOption, UriOption, place_settings

if TYPE_CHECKING:
    from search_api.answers.several import Sentences
    from search_api.rerank import Reranker
    from search_api.settings import Settings

TOLD = 10  # warnings, and rejected lines
TABLES = (".csv", ".tsv")
ARTICLES, SENTENCES = 100, 3  # a question, where nothing else is asked

RerankOption = Annotated[
    bool,
    typer.Option(
        "--rerank",
        help="Have the first passages judged anew by the reader, or by the cross-encoder that "
        "SEARCH_RERANKER "
        "names. Exit code 2 where there is neither.",
    ),
]


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one file of questions."""

    count: int
    out: Path
    warnings: Counter[str]  # in how many questions
    rejected: tuple[str, ...] = ()


def batch_command(
    queries: Annotated[
        Path,
        typer.Argument(
            help="JSON lines with `_id`, `text` (or `question`), or a CSV with a column `question`.",
            metavar="QUERIES",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    index: FolderOption = None,
    backend: BackendOption = "embedded",
    uri: UriOption = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="`trec` or `csv`; unless given, `csv` for a QUERIES of .csv or .tsv."),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            help=f"Articles a question: {ARTICLES} unless given, {SENTENCES} in a table. In a run each leg "
            "gives ten passages for one.",
            min=1,
            max=1000,
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column of a table that holds the questions.")
    ] = None,
    passages: Annotated[
        Path | None,
        typer.Option(help="Beside a run: a JSON line a question, with its first passages."),
    ] = None,
    rerank: RerankOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as JSON; the answers are in the file.")
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Answer many questions: TREC run lines with article ids, or a table of cited sentences.

    Example: search-api batch questions.csv --index my-index --out answers.csv
    """
    form = form or ("csv" if queries.suffix.lower() in TABLES else "trec")
    if form not in ("csv", "trec"):
        raise InputError(f"--format is {form!r}; it can be trec or csv")
    settings = place_settings(index, backend, uri, cache=cache)
    require_apart("--out", out, (queries, index))
    require_apart("--passages", passages, (queries, out, index))
    if form == "trec":
        if column is not None:
            raise InputError("--column is for tables; a run takes its questions from JSON lines")
        done = _run(queries, settings, out, depth or ARTICLES, passages, rerank)
    elif passages is not None or rerank:
        raise InputError("--passages and --rerank are for runs; a table has cited sentences")
    else:
        done = _table(queries, settings, out, depth or SENTENCES, column)
    _tell(done, form)
    if as_json:
        typer.echo(json.dumps(_told(done), indent=1, ensure_ascii=False))


def _run(
    queries: Path, settings: "Settings", out: Path, depth: int, passages: Path | None, rerank: bool
) -> Batch:
    from search_api.batch import Answering, run_batch, whole_file
    from search_api.opening import searching

    with searching(settings) as searcher, reranking(rerank, settings) as (reranker, first):
        answering = Answering(searcher, depth, reranker, first)
        with whole_file(out) as run, nullcontext() if passages is None else whole_file(passages) as ranked:
            count = run_batch(answering, queries, run, ranked)
    return Batch(count, out, answering.warnings)


def _table(queries: Path, settings: "Settings", out: Path, most: int, column: str | None) -> Batch:
    from search_api.answers.asking import ask_from
    from search_api.answers.several import Sentences, best_sentences
    from search_api.batch import whole_file
    from search_api.batch_csv import read_table, write_answers
    from search_api.hits import SearchRequest
    from search_api.opening import searching
    from search_api.reader.reader import open_reader

    table = read_table(queries, column)
    warnings: Counter[str] = Counter()
    with searching(settings) as searcher, whole_file(out) as written:
        searcher.reader = open_reader(settings.reader, LOADING_S, settings.cache)

        def answers(question: str) -> "tuple[Sentences, bool]":
            try:
                found = best_sentences(searcher, SearchRequest(question), most)
            except InputError as error:  # a question without a word must not end the others
                found = Sentences(0.0, (), (str(error),))
            warnings.update(found.warnings)
            return found, bool(found.best) and found.confidence >= ask_from(settings)

        count = write_answers(table, answers, written)
    return Batch(count, out, warnings, table.rejected)


def _tell(done: Batch, form: str) -> None:
    for fault in done.rejected[:TOLD]:
        typer.echo(f"rejected {fault}", err=True)
    if len(done.rejected) > TOLD:
        typer.echo(f"rejected {len(done.rejected) - TOLD} more", err=True)
    for warning, times in done.warnings.most_common(TOLD):
        typer.echo(f"warning: {warning} ({times} of {done.count} questions)", err=True)
    lines = f"{len(done.rejected)} lines rejected, " if form == "csv" else ""
    what = "table" if form == "csv" else "run"
    typer.echo(f"{done.count} questions answered, {lines}{what} written to {done.out}", err=True)


def _told(done: Batch) -> dict[str, object]:
    warnings = [{"warning": one, "questions": times} for one, times in done.warnings.most_common()]
    return {"questions": done.count, "out": str(done.out), "warnings": warnings, "rejected": done.rejected}


@contextmanager
def reranking(wanted: bool, settings: "Settings") -> "Iterator[tuple[Reranker | None, int]]":
    """The reranker of the settings, loaded, and how deep it reaches; (None, 0) if not wanted."""
    if not wanted:
        yield None, 0
        return
    from search_api.reader.reader import open_reader
    from search_api.reader.reranking import reranker_of
    from search_api.rerank import require_reranker

    reader = None if settings.reranker else open_reader(settings.reader, LOADING_S, settings.cache)
    with closing(require_reranker(reranker_of(settings, reader))) as reranker:
        reranker.wait_until_loaded()
        yield reranker, settings.rerank_depth
