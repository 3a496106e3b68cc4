"""Commands that make a new generation: build, add, delete, merge, rollback, watch.

Each imports what it needs when it runs, so that deleting an article does not load a model.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.options import (
    CacheOption,
    GpuOption,
    IndexOption,
    JsonOption,
    KeepOption,
    MergeOption,
    NiceOption,
    PathsArgument,
    RayOption,
    ShardsOption,
    StrictOption,
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
    from indexer.write import BuildOptions
    from passage_index.transformer import TransformerEncoder

app = typer.Typer()

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Where to find the index's own encoder, if it is not in the cache. Another one is refused.",
    ),
]


@app.command("build")
def build_command(
    paths: PathsArgument,
    index: IndexOption,
    model: Annotated[
        str,
        typer.Option(
            help="The encoder: a packaged name, a sentence-transformers model folder, or a name in the "
            "local hub cache."
        ),
    ] = DEFAULT_MODEL,
    strict: StrictOption = False,
    words: Annotated[
        int,
        typer.Option(
            help="Words a passage aims at; the encoder's token limit holds all the same.", min=20, max=1000
        ),
    ] = 110,
    keep: KeepOption = 2,
    ray: RayOption = None,
    shards: ShardsOption = None,
    gpu: GpuOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new generation of exactly the articles at PATH..., and commit it.

    Example: indexer build articles/ more.jsonl.gz --index my-index
    """
    if ray is None and (shards is not None or gpu is not None):
        raise InputError(
            "--shards and --gpu are of builds on a cluster; name it with --ray, or leave them out"
        )
    from indexer.build import build
    from indexer.chunking import Chunking
    from indexer.plans import errors, plan_file, recall_plan
    from indexer.progress import shown
    from passage_index.transformer import load_encoder

    given_cache, cache = cache, cache or default_cache()
    encoder = load_encoder(model, cache, streams=os.cpu_count() or 1)
    options = replace(_options(cache, strict, keep), chunking=Chunking(target_words=words))
    with shown() as progress:
        if ray is None:
            report = build(paths, index, encoder, options, progress)
        else:
            from indexer.cluster.building import ClusterOptions, build_on_cluster

            shards = shards or index.absolute().with_name(f"{index.absolute().name}.shards")
            cluster = ClusterOptions(ray, shards, model, given_cache, gpu)
            report = build_on_cluster(paths, index, encoder, cluster, options, progress)
            say(f"the shards stay in {shards}: the next build takes what is the same from there")
    show_report(report, as_json)
    made = recall_plan(plan_file(cache, paths, encoder))
    if made is not None:
        manifest = directory.current(index).manifest
        off = errors(made, manifest.build, sum(record.size for record in manifest.files.values()))
        busy = "; this machine was busy when it was planned" if made.busy else ""
        say("the plan was off by " + ", ".join(f"{share:+.1%} {name}" for name, share in off.items()) + busy)
    say(f"the index is at {index}; ask it with: search-api search QUESTION --index {index}")


@app.command("add")
def add_command(
    paths: PathsArgument,
    index: IndexOption,
    model: ModelOption = None,
    strict: StrictOption = False,
    merge: MergeOption = True,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    nice: NiceOption = 19,
    as_json: JsonOption = False,
) -> None:
    """Add the articles at PATH... to an index; those with a known id replace the old ones if they differ.

    Example: indexer add today.jsonl --index my-index
    """
    from indexer.growing import add
    from indexer.progress import shown

    os.nice(nice)
    cache = cache or default_cache()
    encoder = _own_encoder(index, cache, model)
    with shown() as progress:
        report = add(paths, index, encoder, _options(cache, strict, keep, merge), progress)
    show_report(report, as_json)


@app.command("delete")
def delete_command(
    index: IndexOption,
    article_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of the articles to delete.", metavar="ID...")
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
    options = _options(cache or default_cache(), False, keep, merge)
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
    """Make one segment of all, drop what is deleted, and make the word indexes anew."""
    from indexer.growing import merge
    from indexer.progress import shown

    os.nice(nice)
    with shown() as progress:
        report = merge(index, _options(cache or default_cache(), False, keep), force, progress)
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
) -> None:
    """Go back to the newest whole generation before the current one. Removes nothing."""
    if not index.is_dir():
        directory.current(index)
    with directory.writer_lock(index):
        generation = commits.rollback(index, to)
    say(f"the index is at generation {generation.manifest.generation} again")


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
    options = _options(cache, False, keep, merge)

    @lru_cache(maxsize=1)
    def encoder() -> "TransformerEncoder":
        if directory.holds_index(index):
            return _own_encoder(index, cache, model)
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


def _options(cache: Path, strict: bool, keep: int, merge: bool = True) -> "BuildOptions":
    from indexer.write import BuildOptions

    return BuildOptions(cache=cache, strict=strict, keep=keep, merge=merge)


def _own_encoder(index: Path, cache: Path, model: str | None) -> "TransformerEncoder":
    """The encoder of an index. Raises EncoderMismatch, before it is loaded, when another one was named."""
    from passage_index.encoder import require_same_encoder
    from passage_index.model_files import find_model
    from passage_index.transformer import load_indexed_encoder

    identity = directory.current(index).manifest.encoder
    if model is not None:
        require_same_encoder(identity, find_model(model).identity)
    return load_indexed_encoder(identity, cache, model, streams=os.cpu_count() or 1)


def _ids_of(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return [line for line in text.split("\n") if line.strip()]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
