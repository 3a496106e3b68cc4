"""Runs the blocks of the documentation, page by page, as a reader would. pages -> what became of each block

Each page has a scratch folder of its own with the sample corpus, an index of it, and a few files that
pages speak of; one server stands for `localhost:8000`. A block fails by its exit code. Knows nothing of
what a block should print.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from manual.blocks import Block, blocks
from manual.pages import ROOT

TIMEOUT_S = 180.0
ADMIN_KEY = "documented"

_OURS = {"indexer": "indexer", "search-api": "search_api"}
_SERVER = re.compile(r"(localhost|127\.0\.0\.1):8000")
_ELSEWHERE = re.compile(r"^(make|docker)\b")  # what sets up, measures or needs more than this machine has


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a block. fault: what went wrong; why: why it was not run."""

    block: Block
    fault: str | None = None
    why: str | None = None


def outcomes(pages: Sequence[str] = ()) -> Iterator[Outcome]:
    """Run the blocks of the pages named by their paths, or of all. A minute or two for a page."""
    wanted = [one for one in blocks() if not pages or one.page.relative_to(ROOT).as_posix() in pages]
    runnable = [one for one in wanted if one.kind in ("commands", "python")]
    with tempfile.TemporaryDirectory() as folder, _world(Path(folder)) as (environment, port):
        for page, found in groupby(runnable, key=lambda one: one.page):
            scratch = Path(folder) / "pages" / page.relative_to(ROOT).as_posix().replace("/", "-")
            _furnish(scratch, Path(folder))
            for block in found:
                if block.why or _ELSEWHERE.match(block.text):
                    yield Outcome(block, why=block.why or "only its names are checked")
                else:
                    yield Outcome(block, fault=_run(block, scratch, environment, port))


def _run(block: Block, scratch: Path, environment: Mapping[str, str], port: int) -> str | None:
    """What went wrong, or None."""
    text = _SERVER.sub(rf"\1:{port}", block.text)
    words = (
        [sys.executable, "-c", text] if block.kind == "python" else ["bash", "-euo", "pipefail", "-c", text]
    )
    try:
        done = subprocess.run(
            words,
            cwd=scratch,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"FAILED: not done within {TIMEOUT_S:g} s"
    return None if done.returncode == 0 else f"FAILED with {done.returncode}: {done.stderr.strip()[-600:]}"


def _furnish(scratch: Path, world: Path) -> None:
    """A reader's folder: the corpus, an index of it, articles of their own."""
    scratch.mkdir(parents=True)
    shutil.copytree(ROOT / "corpus", scratch / "corpus")
    shutil.copytree(ROOT / "corpus", scratch / "articles")
    shutil.copytree(world / "index", scratch / "my-index")
    (scratch / ".venv").mkdir()
    (scratch / ".venv" / "bin").symlink_to(world / "bin")
    rows = (
        '{"_id": "r1", "title": "Race", "text": "The zeppelin Aurora won the race.", "date": "2024-05-01"}\n'
    )
    for name in ("articles.jsonl", "today.jsonl", "more.jsonl"):
        (scratch / name).write_text(rows.replace("r1", name), encoding="utf-8")
    (scratch / "fares.txt").write_text("A lorry pays 31 euros for the ferry.\n", encoding="utf-8")
    (scratch / "ids.txt").write_text("corpus/osmay-council-goats.txt\n", encoding="utf-8")
    (scratch / "questions.jsonl").write_text(
        '{"_id": "q1", "text": "Who may be evacuated?"}\n', encoding="utf-8"
    )


@contextmanager
def _world(folder: Path) -> Iterator[tuple[dict[str, str], int]]:
    """(environment, port): our commands on the path, an index, and a server that takes writes."""
    (folder / "bin").mkdir()
    for name, module in _OURS.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
    environment |= {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SEARCH_ADMIN_KEY": ADMIN_KEY,
    }
    for index in ("index", "served"):
        words = [str(folder / "bin" / "indexer"), "build", "corpus", "--index", str(folder / index)]
        subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)
    port = _free_port()
    words = [
        str(folder / "bin" / "search-api"),
        "serve",
        "--index",
        str(folder / "served"),
        "--port",
        str(port),
    ]
    with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            _await_ready(port)
            yield environment, port
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _await_ready(port: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the server of the documentation's blocks did not get ready")
