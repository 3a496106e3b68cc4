"""Commands that change an index otherwise: delete, merge, rollback, watch.

Each imports what it needs when it runs, so that deleting an article does not load a model.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.commands_growing import build_options, own_encoder
from indexer.options import (
    CacheOption,
    IndexOption,
    JsonOption,
    KeepOption,
    MergeOption,
    NiceOption,
    say,
    show,
    show_report,
)
from passage_index import commits, directory
from passage_index.encoder import DEFAULT_MODEL
from passage_index.errors import InputError
from passage_index.model_files import default_cache

if TYPE_CHECKING:
    from indexer.report import BuildReport
    from passage_index.transformer import TransformerEncoder

app = typer.Typer()


@app.command("delete")
def delete_command(
    index: IndexOption,
    article_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of the articles to delete.", metavar="ID")
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from-file", help="A file with one id a line, beside those given as ID; `-` for stdin."
        ),
    ] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Also from kept generations, the vectors journal and the inbox.")
    ] = False,
    merge: MergeOption = True,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    nice: NiceOption = 19,
    as_json: JsonOption = False,
) -> None:
    """Delete articles by id. Exit 1 when no id was found.

    Example: indexer delete news/2021/flood.txt --index my-index
    """
    ids = [*(article_ids or ()), *_ids_of(from_file)]
    if not ids:
        raise InputError("no ID given: name articles, or a file of ids with --from-file")
    os.nice(nice)
    options = build_options(cache or default_cache(), False, keep, merge)
    if purge:
        from indexer.purging import purge as purge_articles

        purged = purge_articles(ids, index, options)
        unknown, deleted = purged.unknown, len(set(ids)) - len(purged.unknown)
        show(purged.to_json(), as_json, purged)
    else:
        from indexer.growing import delete

        report = delete(ids, index, options)
        unknown, deleted = report.unknown, report.deleted
        show_report(report, as_json)
    for one in unknown:
        say(f"unknown id: {one}")
    if deleted == 0:
        raise typer.Exit(1)


@app.command("merge")
def merge_command(
    index: IndexOption,
    force: Annotated[bool, typer.Option("--force", help="Even where nothing is to be gained.")] = False,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    nice: NiceOption = 19,
    as_json: JsonOption = False,
) -> None:
    """Make one segment of all, drop what is deleted, and make the word indexes anew.

    Example: indexer merge --index my-index
    """
    from indexer.growing import merge
    from indexer.progress import shown

    os.nice(nice)
    with shown() as progress:
        report = merge(index, build_options(cache or default_cache(), False, keep), force, progress)
    show_report(report, as_json)


@app.command("rollback")
def rollback_command(
    index: IndexOption,
    to: Annotated[
        int | None,
        typer.Option(
            "--to", help="A kept generation, by its number (`info` lists them); the one before if not given."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the newest whole generation before the current one. Removes nothing.

    Example: indexer rollback --index my-index --to 7
    """
    if not index.is_dir():
        directory.current(index)
    with directory.writer_lock(index):
        generation = commits.rollback(index, to)
    number = generation.manifest.generation
    show({"generation": number}, as_json, f"the index is at generation {number} again")


@app.command("watch")
def watch_command(
    folder: Annotated[Path, typer.Argument(help="A folder of articles.", metavar="FOLDER")],
    index: IndexOption,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=0.1)] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="The encoder of an index that is to be made, all-MiniLM-L6-v2 if not given; later where "
            "to find the index's own, if it is not in the cache.",
        ),
    ] = None,
    merge: MergeOption = True,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep an index in step with FOLDER: new, changed and removed files; make it first if there is none.

    Runs until Ctrl-C.

    Example: indexer watch articles/ --index my-index --every 60
    """
    from functools import lru_cache

    from indexer.progress import shown
    from indexer.watch import step, watch
    from passage_index.transformer import load_encoder

    cache = cache or default_cache()
    options = build_options(cache, False, keep, merge)

    @lru_cache(maxsize=1)
    def encoder() -> "TransformerEncoder":
        if directory.holds_index(index):
            return own_encoder(index, cache, model)
        return load_encoder(model or DEFAULT_MODEL, cache, streams=os.cpu_count() or 1)

    def told(report: "BuildReport") -> None:
        if report.generation is not None:
            show_report(report, as_json)

    with shown() as progress:
        if once:
            report = step(folder, index, encoder, options, {}, settle_s=0.0, progress=progress)
            if report is None or report.generation is None:
                say("nothing has changed" if directory.holds_index(index) else f"no article in {folder} yet")
            else:
                told(report)
        else:
            say(f"watching {folder}, every {every:g} s; Ctrl-C ends it")
            watch(folder, index, encoder, options, every, told, progress)


def _ids_of(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return [line.strip() for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
