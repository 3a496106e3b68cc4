"""Main path 1 on a Ray cluster: files of articles -> shards -> a committed generation of these articles.

    walk                    here
    read, split, stage      reading.py, on every node; then ids are compared, rejections told
    encode                  encoding.py, an actor a CPU or GPU
    gather, write, commit   gathering.py, here

Every task may be tried again, on another node: it finds what it wrote, or writes the same once more.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer.articles import READERS, read_files
from indexer.cluster import nodes
from indexer.cluster.encoding import ShardRecord, encode_shard
from indexer.cluster.gathering import gather
from indexer.cluster.reading import (
    ID_BYTES,
    PART_FILES,
    SHARD_PASSAGES,
    Item,
    PartRecord,
    packed,
    parts_of,
    read_part,
    unpacked,
)
from indexer.cluster.recipe import Recipe, load
from indexer.cluster.shards import publish, texts_file
from indexer.intake import require_articles
from indexer.readers.walk import checked, walk
from indexer.report import BuildReport, Progress, now, silent
from indexer.space import require_space_for
from indexer.write import BuildOptions, Encoding, Run, fitted
from passage_index import commits, directory, errors
from passage_index.encoder import Encoder
from passage_index.errors import InputError, RecordsRejected, SearchEngineError

logger = logging.getLogger(__name__)

# Of a CPU, though each actor keeps one busy: when a node is lost, its actors find room on those left.
SHARE = 0.5
BLOCKS = 20_000
RECIPE, MANIFEST = "recipe.json", "manifest.json"

Row = dict[str, Any]
Task = type["ReadingTask"] | type["EncodingTask"]
# Each row through `task(**given)` somewhere, in any order.
Pool = Callable[[list[Row], Task, dict[str, Any]], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Where and how to share the work out. The numbers are for tests and for odd corpora.

    shards: a folder that all nodes see. model, cache: as the nodes find them, cache None for their own.
    gpu: None for "where there are any".
    """

    address: str
    shards: Path
    model: str
    cache: Path | None = None
    gpu: bool | None = None
    shard_passages: int = SHARD_PASSAGES
    part_files: int = PART_FILES


def build_on_cluster(
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    cluster: ClusterOptions,
    options: BuildOptions | None = None,
    progress: Progress = silent,
) -> BuildReport:
    """Make the same generation as `indexer.build.build`, with the reading and encoding on a Ray cluster.

    Finished shards of an earlier run are not made again. Raises what `build` raises, and InputError where
    the cluster cannot be reached or a node cannot take part.
    """
    options = options or BuildOptions()
    run = Run(options, BuildReport(), progress)
    encoding = Encoding(encoder, fitted(options.chunking, encoder))
    paths = checked([Path(path) for path in paths], READERS)
    require_space_for(paths, index, encoder.identity.dim)
    with nodes.connected(cluster.address) as found, directory.writer_lock(index):
        if cluster.gpu and not found.gpus:
            raise InputError(f"the Ray cluster at {cluster.address} has no GPU; leave out --gpu")
        gpu = found.gpus > 0 if cluster.gpu is None else cluster.gpu
        recipe = Recipe(
            cluster.shards.absolute(),
            cluster.model,
            encoder.identity,
            encoding.chunking,
            cluster.cache,
            "gpu" if gpu else "cpu",
        )
        with nodes.told_in_our_words(), commits.new_generation(index) as scratch:
            publish(recipe.folder / RECIPE, json.dumps(recipe.to_json(), indent=2).encode(), replace=True)
            nodes.prepare(recipe, paths)
            records = make_shards(paths, recipe, cluster, pool_of(found, recipe), run)
            gather(records, recipe.folder, encoding, index, scratch, run)
    return run.report


def make_shards(
    paths: Sequence[Path], recipe: Recipe, cluster: ClusterOptions, pool: Pool, run: Run
) -> list[ShardRecord]:
    """Read, split and encode in a pool, and write the manifest of the shards, in the order of reading.

    Raises RecordsRejected, DuplicateArticle, InputError, WriteFailed.
    """
    parts = list(parts_of(list(walk(paths, READERS)), cluster.part_files))
    with run.report.timed("read and split"):
        read = _read_all(parts, recipe, cluster, pool, run)
        _tell(read, run)
        _refuse_second_ids(parts, read)
        require_articles(run.report)
    staged = [shard for record in read for shard in record.shards]
    run.report.resumed = sum(shard.passages for shard in staged if shard.encoded)
    with run.report.timed("encode"):
        made = _encode_all([shard.name for shard in staged], recipe, pool, run)
    manifest = {
        "made_at": now(),
        "recipe": recipe.key,
        "build": run.report.to_json(),
        "shards": [asdict(record) for record in made],
    }
    publish(recipe.folder / MANIFEST, json.dumps(manifest, indent=2).encode(), replace=True)
    for record in made:
        texts_file(recipe.folder, record.name).unlink(missing_ok=True)
    return made


def _read_all(
    parts: Sequence[Sequence[Item]], recipe: Recipe, cluster: ClusterOptions, pool: Pool, run: Run
) -> list[PartRecord]:
    rows = [{"number": number, "part": packed(part)} for number, part in enumerate(parts)]
    records: dict[int, PartRecord] = {}
    done = 0
    given = {"recipe": recipe, "here": str(Path.cwd()), "shard_passages": cluster.shard_passages}
    for row in pool(rows, ReadingTask, given):
        _raise_fault(row)
        record = PartRecord.from_json(row["record"])
        records[int(row["number"])] = record
        done += record.counts["articles"]
        run.progress("read and split", done, None)
    return [records[number] for number in range(len(parts))]


def _tell(read: Sequence[PartRecord], run: Run) -> None:
    """Count all that was read, and tell of what was refused, in the order of reading."""
    for record in read:
        record.add_to(run.report)
        for line in record.rejections:
            logger.warning(line)
            if run.options.strict:
                raise RecordsRejected(f"{line}; mend it, or run without --strict to go on past it")


def _refuse_second_ids(parts: Sequence[Sequence[Item]], read: Sequence[PartRecord]) -> None:
    """Raises DuplicateArticle where one id stands in two parts. 16 bytes an article, and as many to sort."""
    ids = np.frombuffer(b"".join(bytes.fromhex(one.ids) for one in read), dtype=f"V{ID_BYTES}")
    order = np.argsort(ids, kind="stable")
    again = order[1:][ids[order[1:]] == ids[order[:-1]]]
    if len(again):
        second = int(again.min())
        first = int(np.flatnonzero(ids == ids[second])[0])
        files = [item for part in parts for item in part]
        edges = np.cumsum([count for one in read for count in one.files])
        pair = [files[int(np.searchsorted(edges, place, side="right"))] for place in (first, second)]
        for _ in read_files(pair):  # which stops at the second one, as a build on one machine does
            pass


def _encode_all(names: Sequence[str], recipe: Recipe, pool: Pool, run: Run) -> list[ShardRecord]:
    made: dict[str, ShardRecord] = {}
    done = 0
    for row in pool([{"name": name} for name in names], EncodingTask, {"recipe": recipe}):
        _raise_fault(row)
        record = ShardRecord(**json.loads(row["record"]))
        made[record.name] = record
        run.report.encoder_s += record.encoder_s
        done += record.passages
        run.progress("encode", done, run.report.passages)
    return [made[name] for name in names]


class ReadingTask:
    """Lives on a node: reads parts."""

    def __init__(self, recipe: Recipe, here: str, shard_passages: int) -> None:
        os.chdir(here)  # so that files are named as the user named them
        self._recipe, self._shard_passages = recipe, shard_passages
        self._encoder = load(replace(recipe, device="cpu"), threads=1)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The record of a part, or why there is none."""
        part = unpacked(row["part"])
        try:
            record = read_part(part, self._recipe, self._encoder, self._shard_passages)
        except SearchEngineError as error:
            return {"number": row["number"], "record": "", "fault": _packed_fault(error)}
        return {"number": row["number"], "record": record.to_json(), "fault": ""}


class EncodingTask:
    """Lives on a node: encodes shards, on one thread or a GPU."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._encoder = load(recipe, threads=1)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The record of a shard, or why there is none."""
        try:
            record = encode_shard(row["name"], self._recipe, self._encoder)
        except SearchEngineError as error:
            return {"record": "", "fault": _packed_fault(error)}
        return {"record": json.dumps(asdict(record)), "fault": ""}


def _packed_fault(error: SearchEngineError) -> str:
    """An error as it travels: Ray would wrap it, and tell of it with a stack trace."""
    return json.dumps([type(error).__name__, str(error)])


def _raise_fault(row: Row) -> None:
    if row["fault"]:
        name, message = json.loads(row["fault"])
        raise getattr(errors, name)(message)


def pool_of(found: nodes.Nodes, recipe: Recipe) -> Pool:
    """A Pool of Ray actors, one a CPU, or one a GPU for what is encoded there."""

    def mapped(rows: list[Row], task: Task, given: dict[str, Any]) -> Iterator[Row]:
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        on_gpu = recipe.device == "gpu" and task is EncodingTask
        actors = max(min(found.gpus if on_gpu else found.cpus, len(rows)), 1)
        # A block is what is tried again: a row, unless there are more than the driver could keep track of.
        dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), BLOCKS)).map(
            task,
            fn_constructor_kwargs=given,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors, initial_size=actors),
            num_cpus=SHARE,
            num_gpus=1 if on_gpu else None,
        )
        yield from dataset.iter_rows()

    return mapped
