"""Commands that look at an index or keep it safe: info, verify, plan, backup, restore, reembed."""

import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from indexer.options import (
    CacheOption,
    IndexOption,
    JsonOption,
    KeepOption,
    PathsArgument,
    say,
    show,
    show_report,
)
from passage_index import directory
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache

app = typer.Typer()


@app.command("info")
def info_command(index: IndexOption, as_json: JsonOption = False) -> None:
    """What an index holds, what made it, and which generations are kept.

    Example: indexer info --index my-index --json
    """
    from indexer.overview import overview, overview_text

    info = overview(index)
    show(info, as_json, overview_text(info))


@app.command("verify")
def verify_command(
    index: IndexOption,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Encode every passage anew, not a sample. Takes about as long as a build."
        ),
    ] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="No encoder: everything but the vectors.")
    ] = False,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Every kept generation, not only the current one; vectors of the current one only."
        ),
    ] = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check hashes, counts, ids, and that vectors belong to their texts. Exit 6 when something is wrong.

    Example: indexer verify --index my-index --deep
    """
    from indexer.verify import verify
    from passage_index.transformer import load_indexed_encoder

    generation = directory.current(index)
    encoder = None if files_only else load_indexed_encoder(generation.manifest.encoder, cache)
    problems = verify(index, encoder, deep, every)
    show(
        {"generation": generation.manifest.generation, "problems": problems},
        as_json,
        "\n".join(problems) if problems else f"generation {generation.manifest.generation} is whole",
    )
    if problems:
        say(f"{len(problems)} problems in {index}; `indexer rollback` goes back, a new build mends it")
        raise typer.Exit(6)


@app.command("plan")
def plan_command(
    paths: PathsArgument,
    index: Annotated[
        Path | None,
        typer.Option("--index", help="Plan an addition to this index. Never taken from SEARCH_INDEX."),
    ] = None,
    model: Annotated[str, typer.Option(help="Encoder of a new index.")] = DEFAULT_MODEL,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an index of PATH... will take, before any work: passages, disk, memory, time, latency.

    Example: indexer plan articles/
    """
    from indexer.chunking import Chunking
    from indexer.intake import Find, nowhere
    from indexer.living import LivingArticles
    from indexer.planning import plan
    from indexer.plans import plan_file, plan_text, remember_plan
    from passage_index.transformer import load_encoder, load_indexed_encoder

    cache = cache or default_cache()
    streams = os.cpu_count() or 1
    if index is None:
        encoder, chunking = load_encoder(model, cache, streams=streams), None
    else:
        manifest = directory.current(index).manifest
        encoder = load_indexed_encoder(manifest.encoder, cache, streams=streams)
        chunking = Chunking(**manifest.chunking)
    with ExitStack() as opened:
        find: Find = nowhere
        if index is not None:
            find = opened.enter_context(LivingArticles(directory.current(index))).find
        made = plan(paths, encoder, cache, chunking, find)
    remember_plan(plan_file(cache, paths, encoder), made)
    show(asdict(made), as_json, plan_text(made))


@app.command("backup")
def backup_command(
    index: IndexOption,
    to: Annotated[Path, typer.Option("--to", help="A new folder, or an archive that ends in `.tar`.")],
    as_json: JsonOption = False,
) -> None:
    """Copy the current generation while the index is in use; on the same disk by hard link.

    Example: indexer backup --index my-index --to /backups/my-index.tar
    """
    from indexer.backup import backup
    from indexer.progress import shown

    with shown() as progress:
        generation = backup(index, to, progress)
    show(_made(generation, to), as_json, f"generation {generation.manifest.generation} of {index} is in {to}")


@app.command("restore")
def restore_command(
    backup: Annotated[Path, typer.Argument(help="What `indexer backup` made.", metavar="BACKUP")],
    index: IndexOption,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Make it the next generation of an index that is there, which is refused otherwise.",
        ),
    ] = False,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back a backup; every hash is checked before anything is visible.

    Example: indexer restore /backups/my-index.tar --index my-index
    """
    from indexer.backup import restore
    from indexer.progress import shown

    with shown() as progress:
        generation = restore(backup, index, force, cache or default_cache(), keep, progress)
    number = generation.manifest.generation
    show(_made(generation, index), as_json, f"{backup} is generation {number} of {index} now")


@app.command("reembed")
def reembed_command(
    index: IndexOption,
    to: Annotated[Path, typer.Option("--to", help="Folder of the new index.")],
    model: Annotated[str, typer.Option("--model", help="The new encoder: a name or a model folder.")],
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new index of the same articles with another model; the old one stays as it is.

    Example: indexer reembed --model ./my-model --index my-index --to my-index-2
    """
    from indexer.progress import shown
    from indexer.reembed import reembed
    from indexer.write import BuildOptions
    from passage_index.transformer import load_encoder

    cache = cache or default_cache()
    directory.current(index)
    encoder = load_encoder(model, cache, streams=os.cpu_count() or 1)
    with shown() as progress:
        report = reembed(index, encoder, to, BuildOptions(cache=cache), progress)
    show_report(report, as_json)
    say(f"the new index is at {to}; {index} is as it was")


def _made(generation: directory.Generation, place: Path) -> dict[str, Any]:
    manifest = generation.manifest
    return {
        "generation": manifest.generation,
        "place": str(place),
        "articles": manifest.articles,
        "passages": manifest.passages,
        "bytes": sum(record.size for record in manifest.files.values()),
    }
