"""The harness's own side: a driver process, worlds to break, and what must be true afterwards.

A world is copied for every case from one that was made once. States are compared by what a reader
finds, never by file names. Job -> Outcome; Outcome, states -> lines that say what went wrong
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self, TypeVar

ROOT = Path(__file__).parent.parent.parent

State = Mapping[str, Any]  # what jobs.look prints


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    status: int
    result: Any
    met: Mapping[str, int]
    stderr: str
    seconds: float
    lines: Sequence[Any]  # all it printed

    @property
    def message(self) -> str:
        """The last line on stderr."""
        return (self.stderr.strip().splitlines() or [""])[-1]

    @property
    def untidy(self) -> str:
        """Why the end is not one a user should see; empty when it is. A line of a library's own may stand before."""
        if self.status < 0:
            return f"ended by signal {-self.status}"
        if "Traceback" in self.stderr or "stack backtrace" in self.stderr:
            places = re.findall(
                r'File "\S+?/((?:passage_index|indexer|search_api)/\S+)", line (\d+)', self.stderr
            )
            return f"ended in a stack trace: {self.message} ({' < '.join(':'.join(one) for one in places[::-1][:3])})"
        if self.status and not self.message.startswith("indexer: "):
            return f"exit code {self.status} without a message"
        if self.status and "/" not in self.message:
            return f"an error that names no file: {self.message}"
        return ""


class Driver:
    """A running tests/faults/driver.py."""

    def __init__(
        self, scratch: Path, before: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        """before: words in front of the command; env: more environment."""
        self.always: Mapping[str, Any] = {}  # what every job is given, as `how` of `run`
        self._scratch = scratch
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.faults.driver"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        assert self._read() == "ready"

    def run(self, job: str, root: Path, /, how: Mapping[str, Any] | None = None, **arguments: Any) -> Outcome:
        """One job in a child. how: failpoint, kill_after_s, file_size, env, count, unlimited_space."""
        self.start(job, root, how, **arguments)
        return self.outcome()

    def start(self, job: str, root: Path, /, how: Mapping[str, Any] | None = None, **arguments: Any) -> None:
        """Begin a job; `outcome` waits for it."""
        out, err = (str(self._scratch / f"{name}-{self._process.pid}") for name in ("out", "err"))
        asked = {
            "job": job,
            "args": {"root": str(root), **arguments},
            "out": out,
            "err": err,
            **self.always,
            **(how or {}),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def outcome(self) -> Outcome:
        """The end of the job that was started."""
        ended = json.loads(self._read())
        out, err = (self._scratch / f"{name}-{self._process.pid}" for name in ("out", "err"))
        printed = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines() if line]
        said = printed.pop() if ended["status"] == 0 else {"result": None, "met": {}}
        stderr = err.read_text(encoding="utf-8", errors="replace")
        return Outcome(ended["status"], said["result"], said["met"], stderr, ended["seconds"], printed)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the driver died"
        return line.strip()


T, R = TypeVar("T"), TypeVar("R")


class Drivers:
    """Several drivers, for cases that run side by side."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self.first, self.every = drivers[0], drivers
        self._idle: SimpleQueue[Driver] = SimpleQueue()
        for driver in drivers:
            self._idle.put(driver)

    @classmethod
    @contextmanager
    def opened(cls, scratch: Path, many: int, env: Mapping[str, str] | None = None) -> Iterator[Self]:
        """So many drivers, ended at the end of the block."""
        drivers = [Driver(scratch, env=env) for _ in range(many)]
        yield cls(drivers)
        for driver in drivers:
            driver.close()

    def over(self, cases: Sequence[T], work: Callable[[Driver, T], R]) -> Iterator[tuple[T, R]]:
        """`work` on every case, each with a driver of its own while it lasts; in the cases' order."""

        def one(case: T) -> tuple[T, R]:
            driver = self._idle.get()
            try:
                return case, work(driver, case)
            finally:
                self._idle.put(driver)

        with ThreadPoolExecutor(len(self.every)) as threads:
            yield from threads.map(one, cases)


def copied(world: Path, to: Path) -> Path:
    """A world of its own for one case."""
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(world, to, symlinks=True))


def same(one: State, other: State) -> bool:
    """Whether a reader finds the same, whatever number the generation bears."""
    return bool(one["articles"] == other["articles"] and one["ranking"] == other["ranking"])


def not_whole(found: Outcome, allowed: Iterable[State]) -> list[str]:
    """What is wrong with what a fresh process saw, which must be one of the allowed states."""
    if found.untidy or found.status:
        return [found.untidy or found.stderr.strip()]
    wrong = list(found.result["problems"])
    if not any(same(found.result, state) for state in allowed):
        most = max(allowed, key=lambda state: len(state["articles"].keys() & found.result["articles"].keys()))
        lost = sorted(most["articles"].keys() - found.result["articles"].keys())
        wrong.append(f"neither the old nor the new state; lost {lost}" if lost else "another ranking or text")
    return wrong


_BELONGS = re.compile(r"CURRENT|writer\.lock|inbox|gen-\d{6}")


def left_over(found: Outcome) -> list[str]:
    """What should have been cleaned away by the writer before."""
    children = found.result["children"] if found.status == 0 else []
    return [f"left over: {name}" for name in children if not _BELONGS.fullmatch(name)]
