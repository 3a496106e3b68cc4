"""What is published when, on Milvus Lite: the alias, older generations, checks that refuse; calls tried again."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from indexer import publishing
from indexer.build import BuildOptions, build
from indexer.publishing import PublishOptions, publish
from passage_index.errors import ClusterUnavailable, CorruptIndex, InputError
from passage_index.milvus import cluster as cluster_module
from passage_index.milvus.cluster import Cluster, version_of
from passage_index.milvus.publication import served
from passage_index.milvus.schema import Names, names_of, vector_index
from passage_index.milvus.snapshot import MilvusSnapshot
from search_api import opening
from search_api.__main__ import app as search_app
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import written
from tests.writing import START


def _asked(*arguments: str) -> str:
    """What a command of `search-api` prints."""
    done = CliRunner().invoke(search_app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def no_progress(stage: str, done: int, total: int | None) -> None:
    pass


def test_names_of_collections_are_read_back() -> None:
    names = Names("news", 7, "0123456789ab")
    assert names_of(names.passages) == names
    assert names_of("news_of_somebody_else") is None


def test_versions_are_told_apart() -> None:
    assert [version_of(text) for text in ("v2.3.5-lite", "2.6.1", "v2.10.0")] == [(2, 3), (2, 6), (2, 10)]
    with pytest.raises(InputError, match="expected one such as"):
        version_of("unknown")


def test_the_index_of_vectors_goes_by_size() -> None:
    assert [vector_index(count).kind for count in (1, 50_000, 50_001, 10**9)] == [
        "FLAT",
        "FLAT",
        "IVF_SQ8",
        "IVF_SQ8",
    ]
    assert vector_index(1, "HNSW").kind == "HNSW"
    with pytest.raises(InputError, match="known are"):
        vector_index(1, "TREE")


def test_without_pymilvus_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "pymilvus":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match=r"pip install 'article-search\[milvus\]'"):
        Cluster("http://127.0.0.1:1")


def test_who_does_without_milvus_imports_nothing_of_it() -> None:
    said = "import sys, search_api.app, search_api.__main__, indexer.__main__; print(*sys.modules)"
    asked = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert [name for name in asked.stdout.split() if "milvus" in name or name.startswith("grpc")] == []


@pytest.mark.cluster
class TestLite:
    """On a Milvus Lite of its own."""

    @pytest.fixture
    def lite(self, tmp_path: Path) -> Iterator[Cluster]:
        pytest.importorskip("milvus_lite", reason="`make test-cluster` brings it")
        opened = Cluster(str(tmp_path / "lite.db"), timeout_s=60)
        yield opened
        opened.close()

    def test_the_alias_moves_when_all_is_checked_and_older_ones_go(
        self, lite: Cluster, own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = PublishOptions(workers=1, keep=2)
        first = publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert first.recall == 1.0
        again = publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert (again.collection, again.recall) == (first.collection, None)
        build(
            [written(tmp_path / "more.jsonl", [*START, {"_id": "new", "text": "A new lighthouse was lit."}])],
            own_index, FakeEncoder(), BuildOptions(),
        )  # fmt: skip
        with monkeypatch.context() as patched:
            patched.setattr(
                publishing, "_check_sample", lambda *_: (_ for _ in ()).throw(CorruptIndex("other"))
            )
            with pytest.raises(CorruptIndex):
                publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert served(lite, "passages") == names_of(first.collection)
        second = publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert served(lite, "passages") == names_of(second.collection)
        assert (second.generation, second.passages) == (2, first.passages + 1)
        assert second.resumed_batches == 1  # the run that was refused had sent it
        assert lite.ask("has_collection", first.collection)
        build([written(tmp_path / "in.jsonl", START)], own_index, FakeEncoder(), BuildOptions())
        third = publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert third.dropped == (first.collection,)
        assert not lite.ask("has_collection", first.collection)

    def test_rows_that_a_node_lost_are_sent_again_before_anything_is_switched(
        self, lite: Cluster, own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publishing, "COUNT_S", 1.0)
        seen, check, options = [], publishing._lacks, PublishOptions(workers=1)

        def lost(run: Any, sent: Any) -> str:
            """What was counted; before the first time, half of the passages are lost."""
            if not seen:
                name = run.names.passages
                rows = lite.ask("query", name, filter="", limit=1000, output_fields=["id"])
                lite.ask("delete", name, [one["id"] for one in rows[::2]])
            seen.append(check(run, sent))
            return seen[-1]

        monkeypatch.setattr(publishing, "_lacks", lost)
        done = publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert len(seen) == 2 and f"{done.passages} were sent" in seen[0] and seen[1] == ""
        names = served(lite, "passages")
        assert names == names_of(done.collection) and done.recall == 1.0

        monkeypatch.setattr(publishing, "_lacks", lambda *_: "a collection in Milvus holds 1 rows")
        build([written(tmp_path / "more.jsonl", START)], own_index, FakeEncoder(), BuildOptions())
        with pytest.raises(CorruptIndex, match="holds 1 rows; nothing was switched"):
            publish(own_index, lite, options, tmp_path / "cache", no_progress)
        assert served(lite, "passages") == names

    def test_over_http_a_lost_cluster_is_503_and_writes_are_refused(
        self, lite: Cluster, own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish(own_index, lite, PublishOptions(workers=1), tmp_path / "cache", no_progress)
        names = served(lite, "passages")
        assert names is not None
        searcher = Searcher(MilvusSnapshot(lite, names, tmp_path / "cache"), FakeEncoder())
        settings = Settings(
            backend="milvus",
            milvus_uri=lite.uri,
            admin_key="k" * 40,
            index=tmp_path / "none",
            poll_s=1000.0,
        )
        app = create_app(settings, searcher)
        with TestClient(app) as client:
            reply = client.get(
                "/v1/search", params={"q": "bridge", "explain": "true", "facets": "source,year"}
            )
            assert reply.status_code == 200
            assert client.get("/v1/stats").status_code == 200
            assert client.get("/").status_code == 200
            key = {"Authorization": f"Bearer {'k' * 40}"}
            refused = client.put("/v1/articles/x", json={"text": "A text."}, headers=key)
            assert (refused.status_code, "indexer publish" in refused.text) == (403, True)

            assert client.get("/readyz").status_code == 200
            app.state.serving.generations.lost = "Milvus does not answer"
            assert client.get("/readyz").status_code == 503

            def lost(*_: Any, **__: Any) -> Any:
                raise ClusterUnavailable("Milvus does not answer")

            monkeypatch.setattr(lite, "ask", lost)
            failed = client.get("/v1/search", params={"q": "harbour and sea"})
            assert (failed.status_code, failed.headers["Retry-After"]) == (503, "5")
        searcher.close()

    def test_commands_search_answer_and_batch_from_milvus(
        self, lite: Cluster, own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish(own_index, lite, PublishOptions(workers=1), tmp_path / "cache", no_progress)
        monkeypatch.setattr(opening, "load_indexed_encoder", lambda *_: FakeEncoder())
        monkeypatch.setenv("SEARCH_READER", "none")
        questions = written(
            tmp_path / "questions.jsonl", [{"_id": "q1", "text": "When did the bridge open?"}]
        )
        run = tmp_path / "run.trec"
        places = (
            ("--backend", "milvus", "--uri", lite.uri, "--cache", str(tmp_path / "cache")),
            ("--index", str(own_index), "--cache", str(tmp_path / "cache")),
        )
        told = []
        for place in places:
            found = _asked("search", "the harbour at night", "--json", *place)
            answer = _asked("ask", "When did the bridge open?", "--json", *place)
            _asked("batch", str(questions), "--out", str(run), *place)
            hits = [hit["id"] for hit in json.loads(found)["hits"]]
            articles = [line.split()[2] for line in run.read_text().splitlines()]
            told.append((hits, json.loads(answer)["answerable"], articles))
        assert told[0] == told[1] and told[0][0] and told[0][2]

    def test_an_answer_without_a_part_of_the_cluster_is_asked_for_again(
        self, lite: Cluster, own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = ["a node is loading", "a node is loading"]
        lite.ask("list_collections", lacks=lambda _: seen.pop() if seen else "")
        assert not seen
        monkeypatch.setattr(lite, "timeout_s", 0.1)
        with pytest.raises(ClusterUnavailable, match="a node is loading"):
            lite.ask("list_collections", lacks=lambda _: "a node is loading")
        monkeypatch.undo()

        publish(own_index, lite, PublishOptions(workers=1), tmp_path / "cache", no_progress)
        names = served(lite, "passages")
        assert names is not None
        opened = MilvusSnapshot(lite, names, tmp_path / "cache")
        rows = [{"id": f"passage-{number}"} for number in range(200)]
        monkeypatch.setattr(opened, "_shards", 2)
        segment = replace(opened.manifest.segments[0], passages=1000)
        monkeypatch.setattr(opened, "manifest", replace(opened.manifest, segments=(segment,)))
        one_shard = [row for row in rows if zlib.crc32(row["id"].encode()) % 2]
        lacks = opened._lacks(64)
        assert lacks([rows[:64]]) == ""
        assert "63 passages came where 64 must be" in lacks([rows[:63]])
        assert "nothing came from 1 of 2 shards" in lacks([one_shard[:64]])
        assert opened._lacks(63)([one_shard[:63]]) == ""  # too few to tell
        opened.close()

    def test_a_call_is_tried_again_until_its_time_is_up(
        self, lite: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import grpc
        from pymilvus import MilvusException

        monkeypatch.setattr(cluster_module, "FIRST_PAUSE_S", 0.001)

        def failing(*errors: Exception) -> Callable[[float], str]:
            left = list(errors)

            def call(left_s: float) -> str:
                if left:
                    raise left.pop(0)
                return "answer"

            return call

        assert lite._until(failing(MilvusException(503, "no node"), grpc.RpcError()), 5) == "answer"
        with pytest.raises(ClusterUnavailable, match="refused"):
            lite._until(failing(MilvusException(100, "collection not found")), 5)
        with pytest.raises(ClusterUnavailable, match=r"within 0\.05 s: no node"):
            lite._until(failing(*[MilvusException(503, "no node")] * 100), 0.05)
