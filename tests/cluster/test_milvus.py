"""A real cluster, 2.3.5: shards, replicas, a query node killed under load, everything killed, publishing cut off."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bench.cluster import DEPTH, first, recalled, timed, times
from indexer.build import BuildOptions, build
from indexer.publishing import PublishOptions, publish
from passage_index.columns import Where
from passage_index.errors import ClusterUnavailable, InputError
from passage_index.filters import parse_filter
from passage_index.lexical import Words
from passage_index.milvus.cluster import Cluster as Client
from passage_index.milvus.publication import served
from passage_index.milvus.snapshot import MilvusSnapshot
from passage_index.snapshot import Snapshot, open_snapshot
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.sources import Published
from tests.cluster.machines import URI, Cluster
from tests.fakes import FakeEncoder

PACKAGES = Path(os.environ.get("CLUSTER_PACKAGES", ".cluster-packages")).resolve()
ALONE = [name for _, name in socket.if_nameindex()] == ["lo"]
ARTICLES = 1500
WORDS = (
    "bridge ferry harbour night storm mayor vote river road tax school strike union port gazette council "
    "water power train plant film law court fire police flood crop bank price rent clinic doctor"
).split()

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not (PACKAGES / ".ready").exists() or find_spec("pymilvus") is None,
        reason="the packages of a cluster are not there; `make test-cluster` brings them",
    ),
    pytest.mark.skipif(not ALONE, reason="Milvus listens everywhere: only in a network namespace of its own"),
]


def no_progress(stage: str, done: int, total: int | None) -> None:
    pass


def articles(count: int, seed: int) -> list[dict[str, str]]:
    """Made-up reports of a few sentences, two thirds of them dated."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        said = [" ".join(random.choice(WORDS, 12)) for _ in range(4)]
        text = " ".join(f"{one.capitalize()} {number}." for one in said)
        one = {
            "_id": f"made-{seed}-{number}",
            "title": f"Report {number}",
            "text": text,
            "source": f"S{number % 7}",
        }
        made.append(one | ({"date": f"2021-{number % 12 + 1:02}-11"} if number % 3 else {}))
    return made


def made_index(folder: Path, count: int, seed: int) -> Path:
    file = folder / f"articles-{seed}.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in articles(count, seed)), encoding="utf-8")
    build([file], folder / f"index-{seed}", FakeEncoder(), BuildOptions(cache=folder / "cache"))
    return folder / f"index-{seed}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def machines(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(PACKAGES, folder / "machines")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill_everything()


@pytest.fixture(scope="module")
def client(machines: Cluster) -> Iterator[Client]:
    opened = Client(URI, timeout_s=30)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def index(folder: Path) -> Path:
    return made_index(folder, ARTICLES, seed=1)


@pytest.fixture(scope="module")
def embedded(index: Path) -> Iterator[Snapshot]:
    opened = open_snapshot(index)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def published(client: Client, index: Path, folder: Path) -> Iterator[MilvusSnapshot]:
    done = publish(index, client, PublishOptions(shards=2, replicas=2), folder / "cache", no_progress)
    assert (done.passages, done.recall) == (ARTICLES, 1.0)
    names = served(client, "passages")
    assert names is not None
    opened = MilvusSnapshot(client, names, folder / "cache")
    yield opened
    opened.close()


def questions(count: int) -> np.ndarray:
    random = np.random.default_rng(7)
    return FakeEncoder().encode_questions([" ".join(random.choice(WORDS, 4)) for _ in range(count)])


def test_passages_lie_in_two_shards_and_two_replicas(published: MilvusSnapshot, client: Client) -> None:
    told = client.ask("describe_collection", published.published.passages)
    assert told["num_shards"] == 2
    groups = client.ask("describe_replica", published.published.passages)
    assert len(groups) == 2
    assert len({node for one in groups for node in one.group_nodes}) == 2


def test_vectors_filters_and_texts_are_those_of_the_index(
    published: MilvusSnapshot, embedded: Snapshot
) -> None:
    filters = [
        {}, {"source": "S3"}, {"$not": {"source": {"$in": ["S3", "S4"]}}}, {"published_at": {"$gte": "2021-06"}},
        {"published_at": {"$exists": False}}, {"title": {"$gte": "Report 14", "$lt": "Report 15"}},
        {"$not": {"title": {"$gte": "Report 14"}}}, {"metadata.nothing": {"$ne": 3}},
    ]  # fmt: skip
    for vector in questions(5):
        for asked in filters:
            where = Where(filter=parse_filter(asked))
            ours, theirs = (one.pool(vector, Words(()), where, 50) for one in (published, embedded))
            assert sorted(ours.dense) == pytest.approx(sorted(theirs.dense), abs=1e-6), asked
            sure = theirs.dense > theirs.dense.min() + 1e-6  # at the end of the list ties may fall otherwise
            assert {name for name, one in zip(theirs.ids, sure, strict=True) if one} <= {*ours.ids}
    pool = published.pool(questions(1)[0], Words(()), Where(), 30)
    for stored in published.fetch(pool.rows):
        assert stored == embedded.passage(stored.passage.id)


def test_modes_with_words_are_refused_and_said_so(published: MilvusSnapshot) -> None:
    searcher = Searcher(published, FakeEncoder())
    try:
        assert searcher.search(SearchRequest("bridge ferry", mode="semantic")).hits
        for mode in ("hybrid", "keyword"):
            with pytest.raises(InputError, match="mode=semantic"):
                searcher.search(SearchRequest("bridge ferry", mode=mode))
        with pytest.raises(InputError, match="2.5 or newer"):
            searcher.search(SearchRequest('"bridge ferry"', mode="semantic"))
    finally:
        searcher.questions.close()


def test_the_nearest_are_found_and_how_long_it_takes(
    published: MilvusSnapshot, embedded: Snapshot, figures: dict[str, str]
) -> None:
    wanted, on_disk_ms = timed(embedded, questions(60))
    found, first_ms = timed(published, questions(60))
    _, again_ms = timed(published, questions(60))
    # Among made-up texts many are equally near, so that one may stand for another.
    cosines = [[one.pool(vector, Words(()), Where(), DEPTH).dense for one in (published, embedded)]
               for vector in questions(60)]  # fmt: skip
    assert all(sorted(ours) == pytest.approx(sorted(theirs), abs=1e-6) for ours, theirs in cosines)
    figures["recall of the first 10"] = str(recalled(found, wanted, 10))
    for name, took_ms in (("on disk", on_disk_ms), ("Milvus", first_ms), ("Milvus, asked again", again_ms)):
        figures[f"p50 and p99 of {DEPTH} candidates, {name}"] = " and ".join(
            f"{one} ms" for one in times(took_ms).values()
        )


def first_ten(snapshot: MilvusSnapshot, count: int = 20) -> list[set[str]]:
    """The ten best of some questions."""
    return [{*first(snapshot, vector)[:10]} for vector in questions(count)]


@dataclass
class Load:
    """Searches that go on beside what is done to the cluster."""

    snapshot: MilvusSnapshot
    wanted: list[set[str]]
    asked: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: int = 0
    worst_s: float = 0.0
    is_over: bool = False

    def run(self) -> None:
        vectors = questions(len(self.wanted))
        while not self.is_over:
            place = self.asked % len(vectors)
            begun_s = time.monotonic()
            try:
                self.wrong += {*first(self.snapshot, vectors[place])[:10]} != self.wanted[place]
            except ClusterUnavailable as error:
                self.failed.append(str(error))
            self.worst_s = max(self.worst_s, time.monotonic() - begun_s)
            self.asked += 1


def test_a_killed_query_node_fails_no_question(
    published: MilvusSnapshot, machines: Cluster, client: Client, figures: dict[str, str]
) -> None:
    load = Load(published, first_ten(published))
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        time.sleep(2)
        machines.kill("query-2")
        time.sleep(15)
        machines.start()
        time.sleep(5)
    finally:
        load.is_over = True
        thread.join()
    figures["while a query node was killed"] = (
        f"{len(load.failed)} of {load.asked} questions failed, {load.wrong} found other passages, "
        f"the slowest took {load.worst_s:.1f} s"
    )
    assert load.asked > 20
    assert (load.failed, load.wrong) == ([], 0)


def test_everything_killed_and_started_again_has_lost_no_row(
    published: MilvusSnapshot, machines: Cluster, client: Client, folder: Path, figures: dict[str, str]
) -> None:
    wanted = first_ten(published)
    machines.kill_everything(keep=("log",))  # this log keeps nothing on a disk; what was published is flushed
    source = Published(Settings(backend="milvus", milvus_uri=URI, milvus_timeout_s=1), folder / "cache")
    with pytest.raises(ClusterUnavailable):
        source.pointer()
    begun_s = time.monotonic()
    machines.start()
    until_s = time.monotonic() + 120
    while True:
        try:
            published.check()
            break
        except ClusterUnavailable:
            assert time.monotonic() < until_s, "the cluster does not answer"
    answers_after_s = time.monotonic() - begun_s
    assert served(client, "passages") == published.published
    (row,) = client.ask(
        "query", published.published.passages, filter="", output_fields=["count(*)"],
        consistency_level="Strong", within_s=60,
    )  # fmt: skip
    lost = ARTICLES - int(row["count(*)"])
    figures["everything killed"] = f"{lost} rows lost, answers {answers_after_s:.1f} s after the start"
    assert lost == 0
    assert first_ten(published) == wanted


def test_publishing_that_was_cut_off_goes_on_where_it_was(
    published: MilvusSnapshot, client: Client, folder: Path
) -> None:
    newer = made_index(folder, 3 * ARTICLES, seed=2)
    command = [
        sys.executable, "-m", "indexer", "publish", "--index", str(newer), "--to", URI, "--replicas", "2",
        "--workers", "1", "--cache", str(folder / "cache"),
    ]  # fmt: skip
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_s = time.monotonic() + 120
    while _noted(client, published.published.records) < 4:
        assert first.poll() is None and time.monotonic() < until_s
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert served(client, "passages") == published.published  # readers still have the old one
    assert len(published.pool(questions(1)[0], Words(()), Where(), 10)) == 10
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["passages"] == 3 * ARTICLES
    assert told["resumed_batches"] >= 4
    names = served(client, "passages")
    assert names is not None and names != published.published
    opened, whole = MilvusSnapshot(client, names, folder / "cache"), open_snapshot(newer)
    for vector in questions(5):
        ours, theirs = (one.pool(vector, Words(()), Where(), 10) for one in (opened, whole))
        assert sorted(ours.dense) == pytest.approx(sorted(theirs.dense), abs=1e-6)
    opened.close()
    whole.close()


def _noted(client: Client, but: str) -> int:
    """How many batches of another collection than `but` are noted as done."""
    for name in client.ask("list_collections"):
        if name.endswith("_records") and name != but:
            try:
                return len(
                    client.ask(
                        "query", name, filter='id like "done-%"', output_fields=["id"], limit=1000,
                        consistency_level="Strong",
                    )
                )  # fmt: skip
            except ClusterUnavailable:  # it is not loaded yet
                return 0
    return 0
