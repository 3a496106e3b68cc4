"""The rows of a generation on their way to Milvus: in batches, several at once, each noted when there.

A batch is the same passages in every run, and its rows are upserted under ids that depend on nothing
else, so that one which was half sent is simply sent again. Decides nothing about what is served.
(Snapshot, cluster) -> rows in Milvus + Sent
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from indexer.report import Progress
from passage_index import directory
from passage_index.dense import Bf16
from passage_index.journal import Stored
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.entities import (
    WORDS_FILE,
    Entity,
    Terms,
    article_entity,
    article_records,
    part_id,
    passage_entity,
    record,
    words_of,
)
from passage_index.milvus.expressions import fields_of
from passage_index.milvus.lexicon import LexiconWriter
from passage_index.milvus.publication import get
from passage_index.milvus.schema import STRONG, Names
from passage_index.near_duplicates import Signature
from passage_index.rows import read_deleted
from passage_index.snapshot import Snapshot
from passage_index.types import Article, Passage

BATCH = 256  # passages, about: an article is not parted
ROWS_AT_ONCE = 256  # of one request
CALL_S = 120.0  # for what a busy cluster may take long over
SAMPLE = 200  # passages that are compared afterwards
DONE = "done"


@dataclass(frozen=True, slots=True)
class Sent:
    """What must be there now."""

    records: int  # rows, but for the publication
    resumed: int  # batches that an earlier run had finished
    fields: tuple[str, ...]  # of metadata, of which an article says something
    sample: dict[str, Bf16]  # vectors of some passages by id, evenly spread; (dim,)


@dataclass(frozen=True, slots=True)
class _Item:
    """One article with all that is stored of it."""

    article: Article
    passages: Sequence[Passage]
    stored: Sequence[Stored]
    signatures: Sequence[Signature]


@dataclass(slots=True)
class _Rows:
    """What one batch becomes, by collection."""

    passages: list[Entity] = field(default_factory=list)
    articles: list[Entity] = field(default_factory=list)
    records: list[Entity] = field(default_factory=list)


def send(
    cluster: Cluster,
    names: Names,
    snapshot: Snapshot,
    workers: int,
    replicas: int,
    progress: Progress,
    trusting: bool = True,
) -> Sent:
    """All batches that are not there yet, and the words file. Raises ClusterUnavailable.

    trusting: a batch that was noted is there; else its rows are looked for, one by one.
    """
    total, terms = snapshot.manifest.passages, snapshot.lexical.terms
    done, every = _done(cluster, names, total, replicas), max(total // SAMPLE, 1)
    records = resumed = passages = 0
    fields: set[str] = set()
    sample: dict[str, Bf16] = {}
    with tempfile.TemporaryDirectory() as scratch, _Sending(cluster, names, workers) as sending:
        words = LexiconWriter(Path(scratch) / "words.sqlite")
        for number, batch in enumerate(_batches(snapshot)):
            rows = _rows(batch, terms, words, cluster.has_words)
            records += len(rows.records) + 1
            for row, stored in zip(
                rows.passages, (one for item in batch for one in item.stored), strict=True
            ):
                if passages % every == 0 and len(sample) < SAMPLE:
                    sample[row["id"]] = stored[0]
                passages += 1
            fields.update(*(fields_of(item.article) for item in batch))
            if number in done and (trusting or _is_there(cluster, names, rows)):
                resumed += 1
            else:
                sending.add(number, rows)
            progress("publishing", passages, total)
        sending.finish()
        words.close()
        kept = list(record(WORDS_FILE, (Path(scratch) / "words.sqlite").read_bytes()))
    upsert(cluster, names.records, kept)
    return Sent(records + len(kept), resumed, tuple(sorted(fields)), sample)


def upsert(cluster: Cluster, collection: str, rows: Sequence[Entity]) -> None:
    """Rows by their ids, whether or not they are there."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        cluster.ask("upsert", collection, list(rows[start : start + ROWS_AT_ONCE]), within_s=CALL_S)


class _Sending:
    """Sends batches on threads of its own, and holds back who is faster than they are."""

    def __init__(self, cluster: Cluster, names: Names, workers: int) -> None:
        self._cluster, self._names, self._workers = cluster, names, workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="publish")
        self._under_way: set[Future[None]] = set()

    def __enter__(self) -> "_Sending":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def add(self, number: int, rows: _Rows) -> None:
        """Send a batch soon. Raises what an earlier one ended with."""
        self._wait(2 * self._workers)
        self._under_way.add(self._threads.submit(self._send, number, rows))

    def finish(self) -> None:
        """Return when all are there."""
        self._wait(0)

    def _wait(self, most: int) -> None:
        while len(self._under_way) > most:
            ended, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for one in ended:
                one.result()

    def _send(self, number: int, rows: _Rows) -> None:
        upsert(self._cluster, self._names.passages, rows.passages)
        upsert(self._cluster, self._names.articles, rows.articles)
        upsert(self._cluster, self._names.records, rows.records)
        upsert(self._cluster, self._names.records, list(record(_done_key(number), b"")))


def _done_key(number: int) -> str:
    return f"{DONE}-{number:09}"


def _done(cluster: Cluster, names: Names, passages: int, replicas: int) -> set[int]:
    """The batches that an earlier run has finished."""
    cluster.ask("load_collection", names.records, replica_number=replicas, within_s=CALL_S)
    ids = {part_id(_done_key(number), 0): number for number in range(passages + 1)}
    found: set[int] = set()
    listed = list(ids)
    for start in range(0, len(listed), 1000):
        there = get(cluster, names.records, listed[start : start + 1000], ["parts"], STRONG)
        found |= {ids[row["id"]] for row in there}
        if not there and start:  # batches are sent in order, some at a time
            break
    return found


def _is_there(cluster: Cluster, names: Names, rows: _Rows) -> bool:
    """Whether every row of a batch can be read."""
    by_collection = (
        (names.passages, rows.passages),
        (names.articles, rows.articles),
        (names.records, rows.records),
    )
    return all(
        len(get(cluster, name, [one["id"] for one in part], (), STRONG)) == len(part)
        for name, whole in by_collection
        for part in (whole[i : i + ROWS_AT_ONCE] for i in range(0, len(whole), ROWS_AT_ONCE))
    )


def _rows(batch: Sequence[_Item], terms: Terms, words: LexiconWriter, has_words: bool) -> _Rows:
    """The rows of a batch; their words are counted, whether or not the server does."""
    rows = _Rows()
    for item in batch:
        article = item.article
        words.add_article(article.title, article.text)
        for passage, stored, signature in zip(item.passages, item.stored, item.signatures, strict=True):
            said = words_of(article.title, article.text[passage.start : passage.end], terms)
            words.add_passage(said["terms"], said["joined"])
            rows.passages.append(
                passage_entity(article, passage, stored, signature, said if has_words else {})
            )
        if has_words:
            rows.articles.append(article_entity(article, terms))
        rows.records += article_records(article, item.passages)
    return rows


def _batches(snapshot: Snapshot) -> Iterator[list[_Item]]:
    """Whole articles, of about BATCH passages together."""
    batch: list[_Item] = []
    for item in _items(snapshot):
        batch.append(item)
        if sum(len(one.passages) for one in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _items(snapshot: Snapshot) -> Iterator[_Item]:
    """Every article that is not deleted, segment by segment; streams."""
    folder = snapshot.index / directory.generation_name(snapshot.generation)
    deleted = set(read_deleted(folder / directory.DELETED).tolist())
    for segment in snapshot.segments:
        row = 0
        for article, passages in segment.texts.articles():
            rows, row = range(row, row + len(passages)), row + len(passages)
            if int(segment.columns.passage_no[rows.start]) not in deleted:
                stored = [segment.vectors.stored(one) for one in rows]
                yield _Item(
                    article, passages, stored, list(segment.columns.signature[rows.start : rows.stop])
                )
