"""Several writers that begin at the same moment, each a process; runs in a child of the driver."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from passage_index import failpoints
from passage_index.errors import SearchEngineError
from tests.faults.jobs import JOBS

HOLDS_S = 2.0


def race(root: Path, jobs: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """How each of them ended: exit code, message, seconds since the start, process id."""
    # Whoever gets the lock keeps it long enough for all others to meet it.
    failpoints._ARMED = ("scratch.made", 1, "sleep", HOLDS_S)
    wait, go = os.pipe()
    children = [_started(root, job, arguments, wait, go) for job, arguments in jobs]
    os.close(wait)
    time.sleep(0.2)
    os.close(go)  # the pipe ends: all begin
    return [_ended(root, pid) for pid in children]


def _started(root: Path, job: str, arguments: dict[str, Any], wait: int, go: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.close(go)
    os.read(wait, 1)
    begun, code, message = time.monotonic(), 0, ""
    try:
        JOBS[job](root, **arguments)
    except SearchEngineError as error:
        code, message = error.exit_code, str(error)
    except BaseException as error:
        code, message = -1, repr(error)
    told = {
        "job": job,
        "code": code,
        "message": message,
        "seconds": time.monotonic() - begun,
        "pid": os.getpid(),
    }
    (root / f"ended-{os.getpid()}").write_text(json.dumps(told))
    os._exit(0)


def _ended(root: Path, pid: int) -> dict[str, Any]:
    os.waitpid(pid, 0)
    told: dict[str, Any] = json.loads((root / f"ended-{pid}").read_text())
    return told
