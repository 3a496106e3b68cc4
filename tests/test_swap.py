"""An index that changes while it is served: no request fails, none sees two states, nothing stays open."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer import purging
from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from passage_index import commits, directory
from passage_index.encoder import EncoderIdentity
from passage_index.snapshot import open_snapshot
from search_api import generations
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import open_files, record, until, written
from tests.replies import page, problem

ENCODER = FakeEncoder()
BULLETINS = 12
COMMITS = 12
QUIET = 1000.0  # seconds between looks: the test says itself when to look


def bulletins(version: int) -> list[dict[str, str]]:
    """The corpus as it is at one version: every article says which."""
    return [
        record(n, f"Storm bulletin {n} of the coast guard, edition{version}. Ships stay in harbour {n}.")
        for n in range(BULLETINS)
    ]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    options = BuildOptions(cache=tmp_path / "cache")
    build([written(tmp_path / "in.jsonl", bulletins(1))], tmp_path / "index", ENCODER, options)
    return tmp_path


def commit(place: Path, version: int, encoder: FakeEncoder = ENCODER, keep: int = 2) -> None:
    options = BuildOptions(cache=place / "cache", keep=keep)
    add([written(place / "in.jsonl", bulletins(version))], place / "index", encoder, options)


@pytest.fixture
def serve(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TestClient]]:
    """A client of a service over the index of `place`; it loads fake encoders."""
    monkeypatch.setattr(generations, "load_indexed_encoder", fake_encoder)
    entered: list[TestClient] = []

    def start(**changed: Any) -> TestClient:
        asked = {"index": place / "index", "cache": place / "cache", "poll_s": QUIET, "retry_s": 0.01}
        client = TestClient(create_app(Settings(**asked | changed)))
        entered.append(client.__enter__())
        until(lambda: client.get("/readyz").status_code == 200)
        return client

    yield start
    for client in entered:
        client.__exit__(None, None, None)


def fake_encoder(identity: EncoderIdentity, _cache: Path, _model: str | None, threads: int) -> FakeEncoder:
    encoder = FakeEncoder()
    encoder.identity = identity
    return encoder


def look(client: TestClient) -> None:
    client.app.state.serving.generations.follow()


def search(client: TestClient, **asked: Any) -> dict[str, Any]:
    reply = client.get("/v1/search", params={"q": "storm bulletin", "limit": 50, "collapse": False} | asked)
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-generation"] == str(reply.json()["generation"])
    return reply.json()


def editions(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"edition(?:</mark>)?(\d+)", text)}


def texts(reply: dict[str, Any]) -> str:
    return " ".join(hit["text"] for hit in reply["hits"])


def test_a_commit_is_served_without_a_restart(place: Path, serve: Callable[..., TestClient]) -> None:
    client = serve(poll_s=0.02)
    first = search(client)
    assert (first["generation"], editions(texts(first)), first["total"]) == (1, {1}, BULLETINS)
    commit(place, 2)
    until(lambda: search(client)["generation"] == 2)
    assert editions(texts(search(client))) == {2}
    delete(["a-3"], place / "index")
    until(lambda: search(client)["total"] == BULLETINS - 1)
    assert client.get("/v1/articles/a-3").status_code == 404
    assert client.get("/v1/articles/a-4").headers["x-generation"] == "3"
    assert client.get("/v1/stats").json()["articles"] == BULLETINS - 1
    commits.rollback(place / "index")
    until(lambda: search(client)["generation"] == 2)
    assert search(client)["total"] == BULLETINS


def generations_held(index: Path) -> set[int]:
    return {int(found[1]) for name in open_files(index) if (found := re.search(r"gen-(\d{6})", name))}


def test_many_commits_under_load_fail_no_request_and_mix_no_states(
    place: Path, serve: Callable[..., TestClient]
) -> None:
    client = serve(poll_s=0.01, kept_generations=1)
    ended = threading.Event()

    def write() -> None:
        try:
            for version in range(2, COMMITS + 2):
                commit(place, version)
                until(lambda wanted=version: search(client)["generation"] == wanted)
        finally:
            ended.set()

    def read(number: int) -> list[tuple[int, str]]:
        seen = []
        asked = {"q": "storm bulletin", "limit": 50, "collapse": False}
        while not ended.is_set():
            if number == 0:
                batch = client.post("/v1/search/batch", json={"requests": [asked] * 3}).json()["replies"]
                assert len({one["generation"] for one in batch}) == 1
                seen += [(one["generation"], texts(one)) for one in batch]
            elif number == 1:
                html = page(client, "/?q=storm+bulletin").html
                seen.append((int(re.findall(r"generation=(\d+)", html)[0]), html))
            else:
                one = search(client, mode=("hybrid", "semantic", "keyword")[len(seen) % 3])
                seen.append((one["generation"], texts(one)))
        return seen

    until(lambda: bool(search(client)))
    before = len(open_files(place / "index"))
    with ThreadPoolExecutor(4) as threads:
        writer = threads.submit(write)
        readers = [threads.submit(read, number) for number in range(3)]
        writer.result()
        seen = [one for reader in readers for one in reader.result()]
    assert len({generation for generation, _ in seen}) > COMMITS // 3
    for generation, text in seen:
        assert editions(text) == {generation}  # every commit raises both by one
    until(lambda: search(client)["generation"] == COMMITS + 1)
    look(client)
    assert len(open_files(place / "index")) <= 2 * before + 20
    until(lambda: generations_held(place / "index") <= {COMMITS, COMMITS + 1})


def test_a_request_ends_on_the_files_it_began_with(
    place: Path, serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(kept_generations=0)
    begun, go_on = threading.Event(), threading.Event()
    whole = Searcher.search

    def slow(searcher: Searcher, request: Any) -> Any:
        if searcher.snapshot.generation == 1:
            begun.set()
            assert go_on.wait(60)
        return whole(searcher, request)

    monkeypatch.setattr(Searcher, "search", slow)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(search, client)
        assert begun.wait(60)
        for version in (2, 3, 4):
            commit(place, version)
            look(client)
        assert search(client)["generation"] == 4
        assert any("/gen-000001/" in name for name in open_files(place / "index"))
        go_on.set()
        reply = waiting.result()
    assert (reply["generation"], editions(texts(reply)), reply["total"]) == (1, {1}, BULLETINS)
    del waiting
    look(client)
    until(lambda: {re.findall(r"/gen-(\d+)/", name)[0] for name in open_files(place / "index")} == {"000004"})


def test_the_last_pages_fit_the_first_one(place: Path, serve: Callable[..., TestClient]) -> None:
    client = serve()
    one = search(client, limit=5)
    whole = search(client)
    commit(place, 2)
    look(client)
    assert search(client, limit=5)["generation"] == 2
    two = search(client, limit=50, offset=5, generation=one["generation"])
    assert one["hits"] + two["hits"] == whole["hits"]
    asked = {"q": "storm bulletin", "limit": 50, "collapse": False, "generation": 1}
    assert client.post("/v1/search", json=asked).json()["hits"] == whole["hits"]
    batch = client.post("/v1/search/batch", json={"requests": [asked, asked | {"generation": 2}]}).json()
    assert [editions(texts(reply)) for reply in batch["replies"]] == [{1}, {2}]
    first = page(client, "/?q=storm+bulletin&generation=1")
    (later,) = first.of("a", rel="next")
    assert "generation=1" in str(later["href"]) and editions(page(client, str(later["href"])).html) == {1}


def test_a_generation_on_the_disk_is_opened_again_and_one_that_is_gone_is_410(
    place: Path, serve: Callable[..., TestClient]
) -> None:
    client = serve(kept_generations=0)
    for version in (2, 3):
        commit(place, version)
        look(client)
    assert editions(texts(search(client, generation=2))) == {2}
    for method, path in (("GET", "/v1/search?q=storm&generation=1"), ("POST", "/v1/search")):
        reply = client.request(method, path, json={"q": "storm", "generation": 1})
        assert problem(reply, 410) == (
            "generation 1 is not here, or not any more; ask again without a generation, the current one is 3"
        )
    html = page(client, "/?q=storm+bulletin&generation=1&offset=10").html
    assert editions(html) == {3} and "The articles have changed since you asked" in html
    for bad in ("0", "-1", "x", "1.5", "9" * 30):
        problem(client.get(f"/v1/search?q=storm&generation={bad}"), 422)
    look(client)
    assert all("/gen-000003/" in name for name in open_files(place / "index"))


def test_a_replaced_generation_is_let_go_after_a_while(place: Path, serve: Callable[..., TestClient]) -> None:
    client = serve(kept_for_s=0.05)
    commit(place, 2)
    look(client)
    time.sleep(0.06)
    look(client)
    assert all("/gen-000002/" in name for name in open_files(place / "index"))


def test_what_was_purged_cannot_be_read_in_an_older_generation(
    place: Path, serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "RELEASE_S", 0.0)
    client = serve()
    commit(place, 2)
    look(client)
    assert search(client, generation=1)["total"] == BULLETINS
    purging.purge(["a-3"], place / "index", BuildOptions(cache=place / "cache"))
    look(client)
    assert search(client)["total"] == BULLETINS - 1
    for generation in (1, 2):
        problem(client.get(f"/v1/search?q=storm&generation={generation}"), 410)
    assert len({name.split("/gen-")[1][:6] for name in open_files(place / "index")}) == 1


@pytest.mark.parametrize("damaged", ["gen-000002/**/vectors.bf16", "gen-000002/manifest.json", "CURRENT"])
def test_a_damaged_generation_is_refused_and_the_old_one_served(
    place: Path, serve: Callable[..., TestClient], damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve()
    commit(place, 2)
    (file,) = (place / "index").glob(damaged)
    whole = file.read_bytes()
    file.unlink()  # a hard link would keep the bytes of the other generation
    file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    for _ in range(3):
        look(client)
        assert editions(texts(search(client))) == {1}
    ready = client.get("/readyz")
    assert ready.status_code == 200 and ready.json()["generation"] == 1
    (warning,) = ready.json()["warnings"]
    assert warning.startswith("a newer state of the index is not served: ") and file.name in warning
    assert "still serving generation 1" in caplog.text and file.name in caplog.text
    file.write_bytes(whole)
    until(lambda: (look(client), client.get("/readyz").json()["generation"] == 2)[1])
    assert client.get("/readyz").json()["warnings"] == []
    assert editions(texts(search(client))) == {2}


def test_only_new_files_are_read_in_full(
    place: Path, serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    from passage_index import integrity

    client = serve()
    (place / "one.jsonl").write_text(json.dumps(record(99, "A lighthouse keeper's diary was found.")))
    add([place / "one.jsonl"], place / "index", ENCODER, BuildOptions())  # leaves no stamps of its own
    hashed: list[str] = []
    whole = integrity.file_sha256
    monkeypatch.setattr(integrity, "file_sha256", lambda file: (hashed.append(str(file)), whole(file))[1])
    look(client)
    assert search(client)["generation"] == 2
    assert hashed and not [name for name in hashed if "/segments/000001/" in name]
    assert any("/segments/000002/" in name for name in hashed)


def test_unchanged_segments_share_their_search_index(place: Path) -> None:
    before = open_snapshot(place / "index")
    (place / "one.jsonl").write_text(json.dumps(record(99, "A lighthouse keeper's diary was found.")))
    add([place / "one.jsonl"], place / "index", ENCODER, BuildOptions())
    after = open_snapshot(place / "index", before=before)
    old, new = before.segments[0].dense, [segment.dense for segment in after.segments]
    assert new[0]._index is old._index and new[1]._index is not old._index
    before.close()
    del before, old
    assert all("/gen-000002/" in name for name in open_files(place / "index"))
    assert Searcher(after, ENCODER).snapshot.article("a-99") is not None
    after.close()


def test_the_encoder_is_kept_until_the_index_has_another_one(
    place: Path, serve: Callable[..., TestClient]
) -> None:
    client = serve(kept_generations=1)
    questions = client.app.state.serving.searcher.questions
    commit(place, 2)
    look(client)
    assert client.app.state.serving.searcher.questions is questions
    other = FakeEncoder()
    other.identity = replace(FakeEncoder.identity, weights_sha256="1" * 64)
    build([written(place / "in.jsonl", bulletins(3))], place / "index", other, BuildOptions(keep=9))
    look(client)
    assert editions(texts(search(client))) == {3}
    assert client.app.state.serving.searcher.questions is not questions
    assert editions(texts(search(client, generation=2))) == {2}  # by its own encoder
    assert questions._thread.is_alive()
    for version in (4, 5):
        commit(place, version, other, keep=1)
        look(client)
    until(lambda: not questions._thread.is_alive())
    assert directory.current(place / "index").manifest.encoder.weights_sha256 == "1" * 64
