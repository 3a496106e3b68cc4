"""Commands that take articles in: build, add.

Each imports what it needs when it runs, so that asking for help does not load a model.
"""

import os
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
    RayOption,
    ReportOption,
    ShardsOption,
    StrictOption,
    say,
    show_report,
)
from indexer.options_web import (
    FeedOption,
    FollowOption,
    MaxMbOption,
    PauseOption,
    PrivateOption,
    RedirectsOption,
    SourcesArgument,
    TimeoutOption,
    UserAgentOption,
    sources,
)
from passage_index import directory
from passage_index.encoder import DEFAULT_MODEL
from passage_index.errors import InputError
from passage_index.model_files import default_cache
from passage_index.outputs import require_apart

if TYPE_CHECKING:
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
    index: IndexOption,
    given: SourcesArgument = None,
    model: Annotated[
        str,
        typer.Option(
            help="The encoder: a packaged name, a sentence-transformers model folder, or a name in the "
            "local hub cache."
        ),
    ] = DEFAULT_MODEL,
    strict: StrictOption = False,
    report_file: ReportOption = None,
    words: Annotated[
        int,
        typer.Option(
            help="Words a passage aims at; the encoder's token limit holds all the same.", min=20, max=1000
        ),
    ] = 110,
    feed: FeedOption = None,
    follow: FollowOption = 0,
    timeout: TimeoutOption = 30.0,
    max_mb: MaxMbOption = 32,
    redirects: RedirectsOption = 5,
    pause: PauseOption = 1.0,
    user_agent: UserAgentOption = None,
    allow_private: PrivateOption = False,
    keep: KeepOption = 2,
    ray: RayOption = None,
    shards: ShardsOption = None,
    gpu: GpuOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new generation of exactly the articles at PATH and URL, and commit it.

    Example: indexer build articles/ more.jsonl.gz --index my-index
    """
    if ray is None and (shards is not None or gpu is not None):
        raise InputError(
            "--shards and --gpu are of builds on a cluster; name it with --ray, or leave them out"
        )
    from indexer.build import build
    from indexer.chunking import Chunking
    from indexer.coverage import written
    from indexer.plans import errors, plan_file, recall_plan
    from indexer.progress import shown
    from passage_index.transformer import load_encoder

    paths, elsewhere = sources(
        given,
        feed,
        follow,
        pause,
        timeout_s=timeout,
        max_mb=max_mb,
        redirects=redirects,
        user_agent=user_agent,
        allow_private=allow_private,
    )
    if ray is not None and (elsewhere or report_file):
        raise InputError("a cluster reads files, and writes no report of each: leave out URLs and --report")
    require_apart("--report", report_file, paths)
    given_cache, cache = cache, cache or default_cache()
    encoder = load_encoder(model, cache, streams=os.cpu_count() or 1)
    with written(report_file) as coverage, shown() as progress:
        options = replace(
            build_options(cache, strict, keep), chunking=Chunking(target_words=words), coverage=coverage
        )
        if ray is None:
            report = build(paths, index, encoder, options, progress, elsewhere)
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
    index: IndexOption,
    given: SourcesArgument = None,
    model: ModelOption = None,
    strict: StrictOption = False,
    report_file: ReportOption = None,
    feed: FeedOption = None,
    follow: FollowOption = 0,
    timeout: TimeoutOption = 30.0,
    max_mb: MaxMbOption = 32,
    redirects: RedirectsOption = 5,
    pause: PauseOption = 1.0,
    user_agent: UserAgentOption = None,
    allow_private: PrivateOption = False,
    merge: MergeOption = True,
    keep: KeepOption = 2,
    cache: CacheOption = None,
    nice: NiceOption = 19,
    as_json: JsonOption = False,
) -> None:
    """Add the articles at PATH and URL to an index; one with a known id replaces the old one if it differs.

    Example: indexer add today.jsonl --index my-index
    """
    from indexer.coverage import written
    from indexer.growing import add
    from indexer.progress import shown

    paths, elsewhere = sources(
        given,
        feed,
        follow,
        pause,
        timeout_s=timeout,
        max_mb=max_mb,
        redirects=redirects,
        user_agent=user_agent,
        allow_private=allow_private,
    )
    require_apart("--report", report_file, paths)
    os.nice(nice)
    cache = cache or default_cache()
    encoder = own_encoder(index, cache, model)
    with written(report_file) as coverage, shown() as progress:
        options = replace(build_options(cache, strict, keep, merge), coverage=coverage)
        report = add(paths, index, encoder, options, progress, elsewhere)
    show_report(report, as_json)


def build_options(cache: Path, strict: bool, keep: int, merge: bool = True) -> "BuildOptions":
    """How to write, from what several commands are given."""
    from indexer.write import BuildOptions

    return BuildOptions(cache=cache, strict=strict, keep=keep, merge=merge)


def own_encoder(index: Path, cache: Path, model: str | None) -> "TransformerEncoder":
    """The encoder of an index. Raises EncoderMismatch, before it is loaded, when another one was named."""
    from passage_index.encoder import require_same_encoder
    from passage_index.model_files import find_model
    from passage_index.transformer import load_indexed_encoder

    identity = directory.current(index).manifest.encoder
    if model is not None:
        require_same_encoder(identity, find_model(model).identity)
    return load_indexed_encoder(identity, cache, model, streams=os.cpu_count() or 1)
