"""Other engines beside ours: an environment of their own in the cache, and a process for each of them.

Nothing of theirs is imported here, nor of ours there. A peer that cannot be installed or that fails is
told of by name and reason. bench/peers.txt -> environment -> Peer: a line of JSON in, a line of JSON out
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.places import ROOT
from passage_index.model_files import default_cache

PINS = (ROOT / "bench" / "peers.txt", ROOT / "constraints.txt")
NEEDS = {"txtai": "txtai[api]", "hnswlib": "hnswlib", "usearch": "usearch", "chromadb": "chromadb"}
MOST_S = 7200.0  # for one wish; then the peer is ended
OFFLINE = {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}


class PeerFailed(Exception):
    """A peer could not be installed, or did not do what it was asked; the message says why."""


def python_of(peer: str, cache: Path | None = None) -> Path:
    """The Python that has this peer, installed unless it was with the same pins. Raises PeerFailed."""
    home = (cache or default_cache()) / "bench" / "peers-venv"
    python, stamp = home / "bin" / "python", home / f"{peer}.installed"
    pins = "".join(file.read_text(encoding="utf-8") for file in PINS)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
        if not python.exists():
            _run([sys.executable, "-m", "venv", str(home)], peer)
        constraints = [part for file in PINS for part in ("--constraint", str(file))]
        _run([str(python), "-m", "pip", "install", "--quiet", *constraints, NEEDS[peer]], peer)
        stamp.write_text(pins, encoding="utf-8")
    return python


def _run(command: list[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerFailed(f"{peer} could not be installed: {last_words(done.stderr)}")


def last_words(said: str, lines: int = 3) -> str:
    """The end of what a process said, on one line."""
    return " ".join(line.strip() for line in said.strip().splitlines()[-lines:])[-500:] or "it said nothing"


class Peer:
    """A peer's process, which answers one wish after another; ended when the block ends."""

    def __init__(self, python: Path, module: str, log: Path, more: Mapping[str, str] | None = None) -> None:
        """module: one of bench/ that calls `peer_loop.serve`. log: what it says beside its answers."""
        self._log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [str(python), "-m", module],
                cwd=ROOT,
                env={**os.environ, **OFFLINE, **(more or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def ask(self, do: str, **wish: Any) -> dict[str, Any]:
        """Have something done and wait for it. Raises PeerFailed."""
        assert self._process.stdin and self._process.stdout
        watch = threading.Timer(MOST_S, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **wish}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watch.cancel()
        if not line:
            code = self._process.wait()
            raise PeerFailed(f"`{do}` ended the process ({code}): {last_words(self._log.read_text())}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise PeerFailed(f"`{do}`: {reply['error']}")
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def reported(failed: dict[str, str], peer: str) -> Iterator[None]:
    """A peer that fails inside is put down in `failed` and said on stderr; the bench goes on without it."""
    try:
        yield
    except PeerFailed as error:
        failed[peer] = str(error)
        print(f"{peer}: {error}", file=sys.stderr, flush=True)
