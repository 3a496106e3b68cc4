"""Ray nodes on loopback, each on a core of its own, for measurements and for the tests that kill one.

Ray listens on every interface, whatever address a node is given: this refuses to run anywhere but in a
network namespace that has loopback and nothing else. Processes are ended by their numbers, never by
`ray stop`, which ends every Ray process of a machine.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.places import ROOT

PORT = 6399
ADDRESS = f"127.0.0.1:{PORT}"
STARTED_S = 120.0
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # else a worker gives way to everything else on a busy machine
}
COMMON = ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=150000000", "--block"]


def missing() -> str | None:
    """Why no nodes can run here, or None."""
    if find_spec("ray") is None:
        return "ray is not installed; `make test-cluster` has it in an environment of its own"
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        return "Ray listens on every interface: run this where there is only loopback (`make test-cluster`)"
    return None


class RayNodes:
    """A head and further nodes, one CPU each; what is still there is ended on leaving."""

    def __init__(self, count: int) -> None:
        """Start them. Raises RuntimeError where one does not come up."""
        fault = missing()
        if fault:
            raise RuntimeError(fault)
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: paths of sockets have a limit
        self._nodes: list[subprocess.Popen[bytes]] = []
        try:
            head = ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={self._folder}"]
            for number in range(count):
                self._start(number, head if number == 0 else [f"--address={ADDRESS}"])
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def kill(self, number: int) -> int:
        """End a node, its workers with it, as a power cut would; how many processes that were."""
        processes = _family(self._nodes[number].pid)
        for one in processes:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._nodes[number].wait()
        return len(processes)

    def close(self) -> None:
        """End all of them, the head last."""
        for number in reversed(range(len(self._nodes))):
            if self._nodes[number].poll() is None:
                self.kill(number)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, number: int, options: list[str]) -> None:
        core = sorted(os.sched_getaffinity(0))[number % len(os.sched_getaffinity(0))]
        ray = Path(sys.executable).with_name("ray")
        log = self._folder / f"node-{number}.log"
        with log.open("wb") as out:
            node = subprocess.Popen(
                ["taskset", "-c", str(core), str(ray), "start", *options, *COMMON],
                stdout=out, stderr=out, env=ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
        self._nodes.append(node)
        until = time.monotonic() + STARTED_S
        while b"block forever" not in log.read_bytes():
            if node.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the node did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.1)


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                children.setdefault(int(parent), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found
