"""Builds on real Ray nodes: the same index as without, a node killed under way, a run cut off and repeated.

Each node has one CPU. What Ray does to the tasks is out of our hands; what must come out is not.
"""

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.ray_build import CLOSE, likeness
from bench.ray_nodes import ADDRESS, ENVIRONMENT, RayNodes, missing
from passage_index import directory
from passage_index.model_files import default_cache

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
ROOT = Path(__file__).parent.parent.parent
SCIFACT = ROOT.parent / "shared" / "data" / "scifact" / "corpus.jsonl.gz"
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with RayNodes(2) as started:
        yield started


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The converted model, and a journal of vectors of this module's own."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "encoders").symlink_to(default_cache() / "encoders")
    return folder


def command(articles: Path, index: Path, cache: Path, *more: str) -> list[str]:
    build = [sys.executable, "-m", "indexer", "build", str(articles), "--index", str(index)]
    return [*build, "--cache", str(cache), "--json", *more]


def run(*arguments: Any, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments), env=ENVIRONMENT, capture_output=True, text=True, timeout=2 * PATIENCE_S
    )
    assert done.returncode == code, done.stderr
    return done


@contextmanager
def running(*arguments: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(*arguments), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something that a build that is still running will do."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)


def shards(index: Path) -> int:
    return len(list((index.with_name(f"{index.name}.shards") / "shards").rglob("*.parquet")))


def divided(folder: Path, articles: int, files: int) -> Path:
    """The first articles of scifact, and among them records that must be refused, in several files."""
    if not SCIFACT.exists():
        pytest.skip(f"{SCIFACT} is not there")
    with gzip.open(SCIFACT, "rt", encoding="utf-8") as lines:
        chosen = [line for line, _ in zip(lines, range(articles), strict=False)]
    chosen[7:7] = ["{not json\n", '{"_id": "blank", "text": " "}\n']
    folder.mkdir()
    for number in range(files):
        (folder / f"{number:02}.jsonl").write_text("".join(chosen[number::files]), encoding="utf-8")
    return folder


def same_report(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """But for times, memory, and what was there already."""
    counts = ("articles", "passages", "sentences", "tokens", "rejected", "skipped", "undated", "duplicates")
    return all(one[name] == other[name] for name in (*counts, "languages", "rejections", "cut_sentences"))


def test_the_sample_corpus_becomes_the_same_index(nodes: RayNodes, cache: Path, tmp_path: Path) -> None:
    alone = run(ROOT / "corpus", tmp_path / "alone", cache)
    shared = run(ROOT / "corpus", tmp_path / "shared", cache, "--ray", ADDRESS)
    assert same_report(json.loads(shared.stdout), json.loads(alone.stdout))
    alike = likeness(tmp_path / "alone", tmp_path / "shared")
    assert alike["same_passages"] and alike["least_cosine"] >= CLOSE
    again = run(ROOT / "corpus", tmp_path / "shared", cache, "--ray", ADDRESS)
    report = json.loads(again.stdout)
    assert report["resumed"] == report["passages"] and report["generation"] == 2


def test_a_cluster_that_is_not_there_is_said_so(cache: Path, tmp_path: Path) -> None:
    done = run(ROOT / "corpus", tmp_path / "index", cache, "--ray", "127.0.0.1:6398", code=2)
    assert "no Ray cluster answers at 127.0.0.1:6398" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "index" / "CURRENT").exists()


def test_gpus_that_are_not_there_are_not_waited_for(nodes: RayNodes, cache: Path, tmp_path: Path) -> None:
    done = run(ROOT / "corpus", tmp_path / "index", cache, "--ray", ADDRESS, "--gpu", code=2)
    assert "has no GPU" in done.stderr


def test_an_id_in_two_files_ends_the_build(nodes: RayNodes, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    for name in ("a", "b"):
        record = {"_id": "twice", "text": f"The ferry of {name} sank."}
        (tmp_path / "articles" / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    done = run(tmp_path / "articles", tmp_path / "index", cache, "--ray", ADDRESS, code=2)
    assert "the article id 'twice' stands in two files" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_was_cut_off_is_taken_up(nodes: RayNodes, cache: Path, tmp_path: Path) -> None:
    articles, index = divided(tmp_path / "articles", 160, 8), tmp_path / "index"
    with running(articles, index, cache, "--ray", ADDRESS) as process:
        until(lambda: shards(index) >= 1, process)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    kept = shards(index)
    assert kept >= 1 and not (index / "CURRENT").exists()
    report = json.loads(run(articles, index, cache, "--ray", ADDRESS).stdout)
    assert 0 < report["resumed"] < report["passages"]
    alone = json.loads(run(articles, tmp_path / "alone", cache).stdout)
    assert same_report(report, alone) and report["rejected"] == 2


# Last: the second node does not come back.
def test_a_node_that_is_killed_loses_and_doubles_nothing(
    nodes: RayNodes, cache: Path, tmp_path: Path
) -> None:
    articles, index = divided(tmp_path / "articles", 320, 16), tmp_path / "index"
    with running(articles, index, cache, "--ray", ADDRESS) as process:
        until(lambda: shards(index) >= 2, process)
        assert nodes.kill(1) > 1
        before = shards(index)
        out, err = process.communicate(timeout=2 * PATIENCE_S)
    assert process.returncode == 0, err
    assert before < shards(index)
    alone = json.loads(run(articles, tmp_path / "alone", cache).stdout)
    report = json.loads(out)
    assert same_report(report, alone) and report["resumed"] == 0
    alike = likeness(tmp_path / "alone", index)
    assert alike["same_passages"] and alike["least_cosine"] >= CLOSE
    manifest = json.loads((index.with_name("index.shards") / "manifest.json").read_text())
    names = [one["name"] for one in manifest["shards"]]
    assert len(set(names)) == len(names) == shards(index)
    assert sum(one["passages"] for one in manifest["shards"]) == report["passages"]
    assert directory.current(index).manifest.segments[0].passages == report["passages"]
