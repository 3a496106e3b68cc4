"""A process that forks a child for every job it is given: `python -m tests.faults.driver`.

The driver imports everything once and opens nothing, so that a child is a fresh process in all but
the imports, and a fault hits the work instead of the start-up. Lines of JSON:

    -> {"job", "args", "out", "err", "env", "failpoint", "kill_after_s", "file_size", "count", "patch"}
    <- {"status", "seconds", "met"}          status as subprocess has it: -9 for SIGKILL

An error of ours or of the system's ends the child as it ends the command: a line on stderr, an exit code.
"""

import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from passage_index import failpoints
from passage_index.errors import SearchEngineError
from passage_index.near_duplicates import signature
from tests.faults.damages import try_damages
from tests.faults.jobs import JOBS
from tests.faults.race import race

HANGS_S = 120.0

MET: Counter[str] = Counter()


class _Counted(tuple[str, ...]):
    """The names of all failpoints; counts how often each is asked for."""

    def __contains__(self, name: object) -> bool:
        MET[str(name)] += 1
        return super().__contains__(name)


def serve() -> None:
    """Take jobs from stdin until it ends."""
    signature("datasketch brings SciPy, which no child should have to wait for")
    _say("ready")
    for line in sys.stdin:
        job = json.loads(line)
        begun = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            _child(job)
        status = _end_of(pid, job.get("kill_after_s"))
        _say(json.dumps({"status": status, "seconds": time.perf_counter() - begun}))


def _end_of(pid: int, kill_after_s: float | None) -> int:
    """Wait for a child, or kill it when its time is up; never a process that only has its number."""
    descriptor = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(1000 * (HANGS_S if kill_after_s is None else kill_after_s)):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(descriptor)
    return status


def _child(job: dict[str, Any]) -> None:
    code = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(file, number)
            os.close(file)
        code = _done(job)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _done(job: dict[str, Any]) -> int:
    os.environ.update(job.get("env") or {})
    if job.get("failpoint"):
        os.environ["SEARCH_FAILPOINT"] = job["failpoint"]
        failpoints._ARMED = failpoints._armed()
    if job.get("count"):
        failpoints.NAMES = _Counted(failpoints.NAMES)
    if job.get("unlimited_space"):
        _believe_in_space()
    if job.get("file_size"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_size"], resource.RLIM_INFINITY))
    arguments = dict(job["args"])
    work = {**JOBS, "damages": try_damages, "race": race}[job["job"]]
    code, said = 0, ""
    try:
        result = work(Path(arguments.pop("root")), **arguments)
        said = json.dumps({"result": result, "met": MET})
    except SearchEngineError as error:  # as the commands' main() has it
        code, said = error.exit_code, f"indexer: {error}"
    except OSError as error:
        code, said = 1, f"indexer: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(said, file=sys.stderr if code else sys.stdout)
    return code


def _believe_in_space() -> None:
    """Switch off the question for free space that is asked before work starts, or it would end every run."""
    from indexer import space

    space.shutil = type("Endless", (), {"disk_usage": lambda _: type("Usage", (), {"free": 1 << 60})})  # type: ignore[assignment]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
