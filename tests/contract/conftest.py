"""The same articles behind every backend: an index folder, and Milvus Lite, where its packages are there."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from indexer.publishing import PublishOptions, publish
from passage_index.backend import Backend
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.publication import served
from passage_index.milvus.snapshot import MilvusSnapshot
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import StoredPassage
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

needs_milvus = pytest.mark.skipif(
    not (find_spec("pymilvus") and find_spec("milvus_lite")),
    reason="pymilvus and milvus-lite are not installed; `make test-cluster` brings them",
)


def no_progress(stage: str, done: int, total: int | None) -> None:
    pass


@dataclass(frozen=True)
class Case:
    """A backend, the index it came from, and all its passages."""

    backend: Backend
    embedded: Snapshot
    passages: dict[str, StoredPassage]  # by id

    @property
    def searcher(self) -> Searcher:
        return Searcher(self.backend, FakeEncoder())


@pytest.fixture(scope="session")
def embedded(index: Path) -> Iterator[Snapshot]:
    opened = open_snapshot(index)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(str(tmp_path_factory.mktemp("lite") / "milvus.db"), timeout_s=60)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def published(
    index: Path, lite: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MilvusSnapshot]:
    cache = tmp_path_factory.mktemp("cache")
    publish(index, lite, PublishOptions(name="contract", workers=1), cache, no_progress)
    names = served(lite, "contract")
    assert names is not None
    opened = MilvusSnapshot(lite, names, cache)
    yield opened
    opened.close()


@pytest.fixture(
    scope="session", params=["embedded", pytest.param("milvus", marks=[needs_milvus, pytest.mark.cluster])]
)
def case(request: pytest.FixtureRequest, embedded: Snapshot) -> Case:
    backend = embedded if request.param == "embedded" else request.getfixturevalue("published")
    stored = [
        one for segment in embedded.segments for one in segment.texts.fetch(range(segment.record.passages))
    ]
    return Case(backend, embedded, {one.passage.id: one for one in stored})
