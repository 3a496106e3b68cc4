"""Writers beside each other, and a reader beside a writer: one wins, nobody fails, nothing grows."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.faults.conftest import Size
from tests.faults.corpus import FIRST, article
from tests.faults.counts import Counts
from tests.faults.harness import ROOT, Driver, copied, not_whole
from tests.faults.operations import OPERATIONS, states_of
from tests.growing import record, until, written

pytestmark = pytest.mark.faults

RACERS = ("add", "build", "delete", "merge", "watch", "restore over an index", "add", "build")
FAILS_WITHIN_S = {"taste": 10.0, "quick": 1.0, "full": 1.0}  # a taste runs on whatever machine CI has
PER_SECOND = 20
BULLETINS = 8
WARM_SHARE = 0.4  # of the commits, before what is open and taken is measured
MORE_FILES, MORE_THREADS, MORE_BYTES = (
    20,
    4,
    8 << 20,
)  # about one generation: that may be open or taken at the end


def test_of_eight_writers_one_wins_and_seven_are_told_who(
    size: Size, counts: Counts, driver: Driver, world: Path, memory: Path
) -> None:
    row = counts.row("eight writers at once")
    racers = [(OPERATIONS[name].job, dict(OPERATIONS[name].arguments)) for name in RACERS]
    new = {
        name: states_of(OPERATIONS[name], driver, world, memory / "whole").allowed[-1] for name in set(RACERS)
    }
    with row.counted():
        for number in range({"taste": 1, "quick": 4}.get(size.name, 20)):
            order = racers[number % len(racers) :] + racers[: number % len(racers)]
            root = copied(world, memory / "race")
            run = driver.run("race", root, jobs=order)
            assert run.status == 0, run.stderr
            winners = [one for one in run.result if one["code"] == 0]
            wrong = [] if len(winners) == 1 else [f"{len(winners)} of 8 won"]
            for one in run.result:
                if one["code"] == 0:
                    continue
                if one["code"] != 4 or f"process {winners[0]['pid']};" not in one["message"]:
                    wrong.append(f"{one['job']}: {one['code']} {one['message']}")
                if one["seconds"] > FAILS_WITHIN_S[size.name]:
                    wrong.append(f"{one['job']} failed only after {one['seconds']:.2f} s")
            name = next(name for name in RACERS if OPERATIONS[name].job == winners[0]["job"])
            row.case(f"race {number}", wrong + not_whole(driver.run("look", root), [new[name]]))


@dataclass(slots=True)
class Heard:
    """What the reader was answered."""

    requests: int = 0
    wrong: list[str] = field(default_factory=list)
    editions: set[tuple[int, int]] = field(default_factory=set)  # of which generation
    slowest_s: float = 0.0


class Reader(threading.Thread):
    """Asks 20 times a second, and now and then for the second page of what it was answered before."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.heard = Heard()
        self.ended = threading.Event()
        self._port = port

    def run(self) -> None:
        """Until `ended` is set."""
        begun, last = time.monotonic(), 0
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            while not self.ended.wait(max(0.0, begun + self.heard.requests / PER_SECOND - time.monotonic())):
                again = self.heard.requests % 10 == 9
                more = {"generation": last, "offset": 3} if again else {}
                asked_s = time.monotonic()
                reply = get(
                    connection, q="storm bulletin of the coast guard", limit=20, collapse="false", **more
                )
                self.heard.slowest_s = max(self.heard.slowest_s, time.monotonic() - asked_s)
                self.heard.requests += 1
                last = self._judge(reply, last if again else None)

    def _judge(self, reply: tuple[int, dict[str, Any]], asked: int | None) -> int:
        status, body = reply
        if status != 200:
            self.heard.wrong.append(f"{status} {body}")
            return 0
        generation = int(body["generation"])
        editions = {int(found) for hit in body["hits"] for found in re.findall(r"edition (\d+)", hit["text"])}
        if len(editions) != 1 or asked not in (None, generation):
            self.heard.wrong.append(f"generation {generation}, asked for {asked}, has editions {editions}")
        self.heard.editions |= {(generation, edition) for edition in editions}
        return generation


def get(connection: http.client.HTTPConnection, **parameters: object) -> tuple[int, dict[str, Any]]:
    connection.request("GET", f"/v1/search?{urlencode(parameters)}")
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


@contextmanager
def serving(root: Path) -> Iterator[tuple[int, int]]:
    """A server over root/index: its process id and port."""
    command = [sys.executable, "-m", "tests.faults.server", str(root / "index"), str(root / "cache")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                until(lambda: get(connection, q="storm")[0] == 200, 30)
            yield process.pid, port
            assert process.poll() is None, "the server died"
        finally:
            process.terminate()


def bulletins(edition: int) -> list[dict[str, str]]:
    """Articles that all say which edition they are of."""
    text = "Storm bulletin {} of the coast guard, edition {}. Ships stay in the harbour."
    return [record(200 + n, text.format(n, edition), "2024-02-03") for n in range(BULLETINS)]


def taken(pid: int) -> dict[str, int]:
    """Open files, threads and resident bytes of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status["Threads"]),
        "bytes": int(status["VmRSS"].split()[0]) * 1024,
    }


def test_a_reader_meets_no_error_and_no_mixture_while_an_index_changes(
    size: Size, counts: Counts, driver: Driver, memory: Path
) -> None:
    row, root = counts.row("a reader beside a writer"), memory / "served"
    written(root / "first.jsonl", [article(n) for n in FIRST] + bulletins(0))
    first = driver.run("build", root, file="first.jsonl")
    assert first.status == 0, first.stderr
    editions = {first.result["generation"]: 0}
    samples = []
    with serving(root) as (pid, port):
        reader = Reader(port)
        reader.start()
        try:
            for edition in range(1, size.commits + 1):
                written(root / "edition.jsonl", bulletins(edition))
                run = driver.run("add", root, file="edition.jsonl")
                assert run.status == 0, run.stderr
                editions[run.result["generation"]] = edition
                samples.append(taken(pid))
                time.sleep(0.3)
            last = max(editions)
            until(lambda: (last, editions[last]) in reader.heard.editions, 60)
        finally:
            reader.ended.set()
            reader.join()
        samples.append(taken(pid))
    heard = reader.heard
    with row.counted():
        row.tried, row.hit = row.tried + heard.requests, row.hit + heard.requests
        row.failures += heard.wrong
        row.failures += [f"{one} was never committed" for one in heard.editions - editions.items()]
        assert len(heard.editions) > size.commits // 2
        row.failures += grown(samples) if size.name != "taste" else []


def grown(samples: list[dict[str, int]]) -> list[str]:
    """What a server has more of at the end than when it had been warm."""
    warm = samples[int(WARM_SHARE * len(samples)) :]
    half = len(warm) // 2
    limits = {"files": MORE_FILES, "threads": MORE_THREADS, "bytes": MORE_BYTES}
    more = {what: max(s[what] for s in warm[half:]) - max(s[what] for s in warm[:half]) for what in limits}
    return [f"{what} grew by {more[what]:,}" for what, limit in limits.items() if more[what] > limit]
