"""The command `indexer`: reads arguments, calls the writer, turns errors into exit codes.

Data goes to stdout, progress and messages to stderr.
"""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from indexer.build import BuildOptions, build
from indexer.chunking import Chunking
from indexer.progress import shown
from indexer.verify import verify
from passage_index import commits, directory
from passage_index.encoder import DEFAULT_MODEL
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder, load_indexed_encoder

app = typer.Typer(
    help="Build and look after an index of articles.", no_args_is_help=True, add_completion=True,
    pretty_exceptions_enable=False,
)  # fmt: skip

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", envvar="SEARCH_INDEX")]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="Converted models and the vectors journal.", envvar="SEARCH_CACHE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("build")
def build_command(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of articles.", metavar="PATH...")],
    index: IndexOption,
    model: Annotated[str, typer.Option(help="Encoder: a name or a model folder.")] = DEFAULT_MODEL,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first rejected record.")] = False,
    words: Annotated[int, typer.Option(help="Words a passage aims at.", min=20, max=1000)] = 110,
    keep: Annotated[int, typer.Option(help="Generations kept for rollback.", min=1)] = 2,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new generation of exactly the articles at PATH..., and commit it.

    Example: indexer build articles/ more.jsonl.gz --index my-index
    """
    cache = cache or default_cache()
    encoder = load_encoder(model, cache, streams=os.cpu_count() or 1)
    options = BuildOptions(cache=cache, strict=strict, keep=keep, chunking=Chunking(target_words=words))
    with shown() as progress:
        report = build(paths, index, encoder, options, progress)
    print(json.dumps(report.to_json(), ensure_ascii=False) if as_json else report)
    print(
        f"the index is at {index}; ask it with: search-api search QUESTION --index {index}", file=sys.stderr
    )


@app.command("info")
def info_command(index: IndexOption, as_json: JsonOption = False) -> None:
    """What an index holds and what made it."""
    generation = directory.current(index)
    manifest = generation.manifest
    info = {
        "generation": manifest.generation,
        "generations_kept": directory.generations(index),
        "created_at": manifest.created_at,
        "articles": manifest.articles,
        "passages": manifest.passages,
        "bytes": sum(record.size for record in manifest.files.values()),
        "encoder": asdict(manifest.encoder),
        "chunking": dict(manifest.chunking),
        "analyzer": dict(manifest.analyzer),
        "segments": [asdict(segment) for segment in manifest.segments],
    }
    if as_json:
        print(json.dumps(info, ensure_ascii=False))
    else:
        for name, value in info.items():
            print(
                f"{name:17} {json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value}"
            )


@app.command("verify")
def verify_command(
    index: IndexOption,
    deep: Annotated[bool, typer.Option("--deep", help="Encode every passage anew, not a sample.")] = False,
    files_only: Annotated[bool, typer.Option("--files-only", help="Hashes and counts; no encoder.")] = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check hashes, counts, ids, and that vectors belong to their texts. Exit 6 when something is wrong."""
    generation = directory.current(index)
    encoder = None if files_only else load_indexed_encoder(generation.manifest.encoder, cache)
    problems = verify(index, encoder, deep)
    if as_json:
        print(json.dumps({"generation": generation.manifest.generation, "problems": problems}))
    else:
        for problem in problems:
            print(problem)
        print(
            f"generation {generation.manifest.generation}: {len(problems) or 'no'} problems", file=sys.stderr
        )
    if problems:
        raise typer.Exit(6)


@app.command("rollback")
def rollback_command(index: IndexOption) -> None:
    """Go back to the newest whole generation before the current one."""
    with directory.writer_lock(index):
        generation = commits.rollback(index)
    print(f"the index is at generation {generation.manifest.generation} again", file=sys.stderr)


def main() -> None:
    """Entry point: one error tree, one exit code each."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("passage_index").setLevel(logging.INFO)
    try:
        app()
    except SearchEngineError as error:
        print(f"indexer: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("indexer: interrupted; the index is as it was", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
