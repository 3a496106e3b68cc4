"""The command that brings a generation to a Milvus cluster: publish."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from indexer.options import CacheOption, IndexOption, JsonOption, show

app = typer.Typer()


@app.command("publish")
def publish_command(
    index: IndexOption,
    to: Annotated[str, typer.Option("--to", help="URI of Milvus, such as `http://host:19530`.")],
    name: Annotated[str, typer.Option(help="The alias under which it is served.")] = "passages",
    shards: Annotated[
        int, typer.Option(help="Parts into which passages are spread by id.", min=1, max=64)
    ] = 2,
    replicas: Annotated[
        int, typer.Option(help="Copies in memory, on different query nodes.", min=1, max=16)
    ] = 1,
    vector_index: Annotated[
        str | None,
        typer.Option(help="`FLAT`, `IVF_SQ8`, `IVF_FLAT`, `HNSW` or `DISKANN`; by size if not given."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Batches under way at the same time.", min=1, max=64)] = 4,
    keep: Annotated[
        int, typer.Option(help="Published generations kept, the one that is served counted.", min=1)
    ] = 2,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file that holds the token, `user:password`, if Milvus asks for one."),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the current generation to a Milvus cluster, and serve it there once all of it is checked.

    Example: indexer publish --index my-index --to http://milvus:19530 --replicas 2
    """
    from indexer.progress import shown
    from indexer.publishing import PublishOptions, publish
    from passage_index.integrity import stamps_file
    from passage_index.milvus.cluster import Cluster, read_token
    from passage_index.model_files import default_cache

    options = PublishOptions(name, shards, replicas, vector_index, workers, keep)
    cache = cache or default_cache()
    with closing(Cluster(to, read_token(token_file))) as cluster, shown() as progress:
        done = publish(index, cluster, options, cache, progress, stamps_file(cache, index))
    text = (
        f"generation {done.generation} is served as {name}: {done.passages:,} passages of {done.articles:,} "
        f"articles in {done.collection}, {done.took_s:,.1f} s"
    )
    show(asdict(done), as_json, text)
