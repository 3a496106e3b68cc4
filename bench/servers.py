"""Servers under measurement: processes on a free port of the loopback, ready when they say so, then ended.

command -> (process id, port)
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.pacing import status_of
from bench.places import ROOT

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
ENDING_S = 20.0


class ServerFailed(Exception):
    """A server ended, or did not get ready; the message has its last words."""


@contextmanager
def running(
    command: Sequence[str], log: Path, ready: str, environment: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    """Start a server, "{port}" in its command replaced, and wait until the path `ready` gives 200.

    Raises ServerFailed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    filled = [part.replace("{port}", str(port)) for part in command]
    with (
        log.open("wb") as said,
        subprocess.Popen(filled, env=dict(environment), cwd=ROOT, stdout=said, stderr=said) as process,
    ):
        try:
            until(lambda: process.poll() is not None or status_of(port, ready) == 200)
            if process.poll() is not None:
                raise ServerFailed(f"the server ended: {log.read_text(errors='replace')[-500:]}")
            yield process.pid, port
        finally:
            process.terminate()
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()


def until(condition: Callable[[], bool], most_s: float = 600.0) -> None:
    """Wait for something, at most ten minutes. Raises ServerFailed."""
    end_s = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > end_s:
            raise ServerFailed("the server did not get there in ten minutes")
        time.sleep(0.02)
