"""A finished generation to Milvus, to be taken up again where it was interrupted, visible in one step.

    collections   named after the generation's manifest, so that publishing again goes on in the same ones
    rows          sending.py
    checks        every count, and what is not there is sent again; a sample of passages, their vectors,
                  and how many of the nearest are found
    switch        the alias is moved, and older generations beyond those kept are dropped

The embedded index is only read, and stays what the cluster can be filled from again. Serves nothing.
(INDEX, cluster) -> Published
"""

import hashlib
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer.report import Progress
from indexer.sending import CALL_S, Sent, send, upsert
from passage_index.backend import Pool
from passage_index.columns import Where
from passage_index.dense import from_bf16
from passage_index.errors import ClusterUnavailable, CorruptIndex
from passage_index.lexical import Words
from passage_index.manifest import Manifest
from passage_index.milvus import schema
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.entities import EVIDENCE, PUBLICATION, read_evidence, record
from passage_index.milvus.publication import Publication, by_id, get, served
from passage_index.milvus.schema import STRONG, VECTOR, Names, names_of
from passage_index.milvus.snapshot import MilvusSnapshot
from passage_index.snapshot import Snapshot, open_snapshot

logger = logging.getLogger(__name__)

LOAD_S = 4 * 3600.0  # until the index of each collection is built and loaded
COUNT_S = 60.0  # until as many rows are counted as were sent
QUESTIONS = 50  # for which the nearest passages must be found
RECALL_AT = 10
LEAST_RECALL = 0.95


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How the cluster is to hold a generation."""

    name: str = "passages"  # the alias
    shards: int = 2
    replicas: int = 1
    vector_index: str | None = None  # by size
    workers: int = 4
    keep: int = 2  # published generations, the one that is served among them


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it."""

    generation: int
    collection: str
    articles: int
    passages: int
    resumed_batches: int  # that an earlier run had finished
    recall: float | None  # None where it was served already
    dropped: tuple[str, ...]
    took_s: float


@dataclass(frozen=True, slots=True)
class _Run:
    cluster: Cluster
    names: Names
    snapshot: Snapshot
    options: PublishOptions
    cache: Path
    progress: Progress


def publish(
    index: Path,
    cluster: Cluster,
    options: PublishOptions,
    cache: Path,
    progress: Progress,
    stamps: Path | None = None,
) -> Published:
    """Bring the current generation of an index to a cluster and have the alias name it.

    Interrupted, it changed nothing that is served; called again it goes on where it was. cache: where
    readers on this machine keep a words file. Raises ClusterUnavailable where Milvus does not answer,
    CorruptIndex where what arrived is not what was sent; both before anything is switched.
    """
    begun_s = time.monotonic()
    schema.require_name(options.name)
    snapshot = open_snapshot(index, stamps)
    try:
        names = Names(options.name, snapshot.generation, _digest(snapshot.manifest))
        run = _Run(cluster, names, snapshot, options, cache, progress)
        before = served(cluster, options.name)
        resumed, recall = 0, None
        dropped: tuple[str, ...] = ()
        if before == names:
            logger.info("%s serves generation %d already", options.name, names.generation)
        else:
            resumed, recall = _fill(run)
            _switch(cluster, names, is_new=before is None)
            dropped = _drop_older(run, before)
    finally:
        snapshot.close()
    return Published(
        generation=names.generation,
        collection=names.passages,
        articles=snapshot.manifest.articles,
        passages=snapshot.manifest.passages,
        resumed_batches=resumed,
        recall=recall,
        dropped=dropped,
        took_s=round(time.monotonic() - begun_s, 1),
    )


def _digest(manifest: Manifest) -> str:
    """Tells the collections of one generation from those of another index, or of another layout."""
    return hashlib.sha256(f"{schema.VERSION}\n".encode() + manifest.to_bytes()).hexdigest()[:12]


def _fill(run: _Run) -> tuple[int, float | None]:
    """Everything but the switch; batches that were there already, and the recall."""
    manifest, options, snapshot = run.snapshot.manifest, run.options, run.snapshot
    vectors = schema.vector_index(manifest.passages, options.vector_index)
    schema.create(run.cluster, run.names, manifest.encoder.dim, vectors, options.shards)
    sent = send(run.cluster, run.names, snapshot, options.workers, options.replicas, run.progress)
    _load(run)
    if lacks := _lacks(run, sent):
        logger.warning("%s; what is not there is sent again", lacks)
        again = send(
            run.cluster, run.names, snapshot, options.workers, options.replicas, run.progress, trusting=False
        )
        sent = replace(again, resumed=sent.resumed)
        _load(run)
        if lacks := _lacks(run, sent):
            raise CorruptIndex(f"{lacks}; nothing was switched; drop that collection and publish again")
    _check_sample(run, sent)
    publication = Publication(
        manifest=manifest,
        index=vectors,
        counts=snapshot.counts(),
        sentences=snapshot.sentences(),
        days=snapshot.days(),
        known_fields=sent.fields,
        sample=tuple(sent.sample),
    )
    upsert(run.cluster, run.names.records, list(record(PUBLICATION, publication.to_bytes())))
    recall = _recall(run)
    if recall is not None and recall < LEAST_RECALL:
        raise CorruptIndex(
            f"{vectors.kind} in Milvus finds {recall:.3f} of the ten nearest passages, at least "
            f"{LEAST_RECALL} must be found; nothing was switched; take another --vector-index"
        )
    publication = replace(publication, recall=recall)
    upsert(run.cluster, run.names.records, list(record(PUBLICATION, publication.to_bytes())))
    run.cluster.ask("flush", run.names.records, within_s=CALL_S)  # until then it lives in the log alone
    return sent.resumed, recall


def _load(run: _Run) -> None:
    """Have all rows written down, indexed and opened by every replica."""
    for name in run.names.of(run.cluster):
        run.progress(f"loading {name.rpartition('_')[2]}", 0, None)
        run.cluster.ask("flush", name, within_s=CALL_S)
        run.cluster.ask("load_collection", name, replica_number=run.options.replicas, within_s=LOAD_S)


# -- checks ---------------------------------------------------------------------------------------


def _lacks(run: _Run, sent: Sent) -> str:
    """Which collection does not hold as many rows as it should, and goes on not to; '' of none."""
    manifest, names = run.snapshot.manifest, run.names
    expected = {
        names.passages: manifest.passages,
        names.articles: manifest.articles,
        names.records: sent.records,
    }
    for name in names.of(run.cluster):
        if lacks := _miscounted(run.cluster, name, expected[name], is_records=name == names.records):
            return lacks
    return ""


def _miscounted(cluster: Cluster, name: str, expected: int, is_records: bool) -> str:
    """A node may count before it has opened everything, so the rows are counted until time is up."""
    told = ""

    def lacks(rows: Any) -> str:
        nonlocal told
        count = int(rows[0]["count(*)"])
        told = f"{name} in Milvus holds {count} rows, {expected} were sent" if count != expected else ""
        return told

    # An earlier run may have come as far as its publication.
    only = f'not (id like "{PUBLICATION}%")' if is_records else ""
    try:
        cluster.ask(
            "query", name, filter=only, output_fields=["count(*)"], consistency_level=STRONG,
            within_s=COUNT_S, lacks=lacks,
        )  # fmt: skip
    except ClusterUnavailable:
        if not told:
            raise
    return told


def _check_sample(run: _Run, sent: Sent) -> None:
    """Passages spread over all have the vectors of the index: those that propose and those that decide."""
    found = by_id(get(run.cluster, run.names.passages, list(sent.sample), [*EVIDENCE, VECTOR], STRONG))
    for one, codes in sent.sample.items():
        row = found.get(one)
        if (
            row is None
            or not np.array_equal(read_evidence(row, len(codes)).vector, codes)
            or not np.array_equal(np.asarray(row[VECTOR], dtype=np.float32), from_bf16(codes))
        ):
            raise CorruptIndex(
                f"passage {one} does not have in {run.names.passages} the vector that it has in the index; "
                "nothing was switched; drop that collection and publish again"
            )


def _recall(run: _Run) -> float | None:
    """How many of the ten passages nearest to some sentences Milvus finds; None of an index without any."""
    segments = [segment for segment in run.snapshot.segments if segment.record.passages]
    if not segments:
        return None
    questions, _ = max(segments, key=lambda one: one.record.passages).vectors.questions(QUESTIONS)
    published = MilvusSnapshot(run.cluster, run.names, run.cache)
    try:
        shares = []
        for question in questions:
            wanted, found = (
                _first(one.pool(question, Words(()), Where(), RECALL_AT)) for one in (run.snapshot, published)
            )
            shares.append(len(wanted & found) / len(wanted))
    finally:
        published.close()
    return round(float(np.mean(shares)), 4) if shares else None


def _first(pool: Pool) -> set[str]:
    return set(pool.ids)


# -- the switch -----------------------------------------------------------------------------------


def _switch(cluster: Cluster, names: Names, is_new: bool) -> None:
    """Have the alias name the new passages: who looks sees the old ones or the new."""
    call = "create_alias" if is_new else "alter_alias"
    cluster.ask(call, names.passages, names.alias, within_s=CALL_S)
    if served(cluster, names.alias) != names:
        raise ClusterUnavailable(f"{names.alias} does not name {names.passages}; publish again")


def _drop_older(run: _Run, before: Names | None) -> tuple[str, ...]:
    """What this alias named once, and what was left unfinished, but for the newest that are kept."""
    there = set(run.cluster.ask("list_collections"))
    ours = {found for name in there if (found := names_of(name)) and found.alias == run.names.alias}
    # The one that was served is whole for certain.
    older = sorted(ours - {run.names}, key=lambda one: (one == before, one.generation), reverse=True)
    dropped = []
    for one in older[run.options.keep - 1 :]:
        if one.generation > run.names.generation and one != before:
            continue  # somebody may be about to publish it
        for name in one.all:
            if name in there:
                run.cluster.ask("drop_collection", name, within_s=CALL_S)
        dropped.append(one.passages)
    return tuple(dropped)
