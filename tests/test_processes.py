"""Several processes behind one address: all answer, one that dies is replaced, and the end ends all."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from indexer.build import BuildOptions, build
from passage_index.transformer import load_encoder
from tests.growing import record, until, written
from tests.tiny_model import make_model

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0


@contextmanager
def served(index: Path, cache: Path) -> Iterator[tuple[int, str]]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [sys.executable, "-m", "search_api", "serve", "--index", str(index), "--port", str(port)]
    line += ["--processes", "2", "--cache", str(cache)]
    environment = os.environ | {"SEARCH_READER": "none"}
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, env=environment) as running:
        try:
            yield running.pid, f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE_S) == 0


def answer(url: str) -> int:
    """Hits for a question, asked until there is a server."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urlopen(f"{url}/v1/search?q=goats", timeout=PATIENCE_S) as reply:
                return len(json.load(reply)["hits"])
        except OSError:
            assert time.monotonic() < until_s, "no server answered in time"
            time.sleep(0.1)


def metrics(url: str) -> dict[str, float]:
    """What whichever process is asked tells of all."""
    with urlopen(f"{url}/metrics", timeout=PATIENCE_S) as reply:
        lines = reply.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}


def children(pid: int) -> list[int]:
    """Processes that were started by one and serve."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_two_processes_serve_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    encoder = load_encoder(str(model), tmp_path / "cache")
    articles = written(tmp_path / "in.jsonl", [record(n, f"Report {n} on goats.") for n in range(5)])
    build([articles], tmp_path / "index", encoder, BuildOptions(cache=tmp_path / "cache"))
    with served(tmp_path / "index", tmp_path / "cache") as (pid, url):
        assert answer(url) == 5
        first = children(pid)
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        until_s = time.monotonic() + PATIENCE_S
        while len(set(children(pid)) - {first[0]}) < 2:
            assert time.monotonic() < until_s, "the killed process was not replaced"
            time.sleep(0.1)
        assert all(answer(url) == 5 for _ in range(20))
        answered = 'search_requests_total{method="GET",route="/v1/search",status="200"}'
        told: dict[str, float] = {}
        # The replacement is to be ready too; and a request is counted a moment after its reply.
        until(lambda: told.update(metrics(url)) or (told["search_ready"] > 0 and told[answered] >= 21))
        assert told["search_index_passages"] == 5
        assert all(
            metrics(url)[name] >= value for _ in range(5) for name, value in told.items() if "_total" in name
        )
        every = children(pid)
    assert not any(Path(f"/proc/{one}").exists() for one in every)


def test_a_broken_index_does_not_look_alive(tmp_path: Path) -> None:
    line = [
        sys.executable,
        "-m",
        "search_api",
        "serve",
        "--index",
        str(tmp_path / "none"),
        "--processes",
        "2",
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode != 0 and "none" in done.stderr and "Traceback" not in done.stderr
