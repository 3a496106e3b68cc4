"""`make test-load`: a server at its capacity, below it, beyond it, held up by stalled clients, and ended.

    capacity    the rate is doubled until answers get fewer; the peak of answers a second is the capacity
    80 %        of it for a while: no error, and the 99th of a hundred
    200 %       of it: answers a second beside the peak, and how soon the surplus is sent away
    stalled     200 connections that never finish their request; /healthz meanwhile
    SIGTERM     under load: when /readyz turns, what became of what was under way, when the process ended

Open loop (pacing.py): a request is timed from when it was due. Driver and server share the machine, so that
how late the driver itself was is measured too: until it sent, and from a reply's arrival until it read.

    python -m bench.overload [DATA] [--articles N] [--seconds N] -> bench/results/load.json
"""

import argparse
import json
import os
import platform
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.collections import find_collections
from bench.pacing import Answer, PacedReader, Searches, figures, status_of
from bench.places import DATA, RESULTS, commit
from bench.servers import ServerFailed
from bench.soak import prepared, serving
from passage_index import directory
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache

RESULT = RESULTS / "load.json"
FIRST, MOST = 8.0, 1024.0  # searches a second
STEP_S = 8.0
CLIENTS = 256  # answers that can be waited for at once
STALLED = 200
CLOSED_WITHIN_S = 10.0
GOODPUT, REFUSED_MS, HEALTHY_MS = 0.8, 50.0, 100.0


def paced(port: int, questions: Iterator[str], per_second: float, seconds: float) -> list[Answer]:
    """All that was due in that time; what was not answered has status 0."""
    count = max(round(seconds * per_second), 1)
    asked = list(islice(questions, count))
    with PacedReader(Searches(port), asked, per_second, count, CLIENTS) as reader:
        return reader.between(reader.begun_s, reader.begun_s + count / per_second)


def goodput(answers: Sequence[Answer]) -> float:
    """Answers a second, until the last request has its reply."""
    good = [one for one in answers if one.status == 200]
    if not good:
        return 0.0
    begun_s = min(one.due_s for one in answers)
    return len(good) / (max(one.due_s + one.seconds for one in answers) - begun_s)


def peak(port: int, questions: Iterator[str], seconds: float) -> tuple[float, list[dict[str, Any]]]:
    """The most answers a second at any rate, and every rate that was tried."""
    steps: list[dict[str, Any]] = []
    rate = FIRST
    while rate <= MOST:
        answers = paced(port, questions, rate, seconds)
        steps.append({"per_second": round(rate, 1), "goodput": round(goodput(answers), 1), **told(answers)})
        if steps[-1]["goodput"] < 0.75 * rate:
            break
        rate *= 2 if steps[-1]["refused"] == 0 and steps[-1]["p99_ms"] < 200 else 1.3
    return max(step["goodput"] for step in steps), steps


def told(answers: Sequence[Answer]) -> dict[str, Any]:
    """Answers, refusals and errors, and what each took: the 99th of a hundred.

    An answer is timed from when it was due until it was read. A refusal from when it was sent until it had
    arrived at the driver's socket: how late the driver was at either end is told beside it.
    """
    good = [one for one in answers if one.status == 200]
    refused = [one for one in answers if one.status in (429, 503)]
    found: dict[str, Any] = {"requests": len(answers), "answered": len(good), "refused": len(refused)}
    found["errors"] = len(answers) - len(good) - len(refused)
    if good:
        found |= {key: value for key, value in figures(good).items() if key.endswith("_ms")}
    if refused:
        spent = [one.seconds - one.late_s - one.unread_s for one in refused]
        found |= {"refused_p50_ms": _share(spent, 50), "refused_p99_ms": _share(spent, 99)}
    found["driver_sent_late_p99_ms"] = _share([one.late_s for one in answers], 99)
    found["driver_read_late_p99_ms"] = _share([one.unread_s for one in answers], 99)
    return found


def _share(seconds: Sequence[float], share: int) -> float:
    """So many of a hundred take no longer, in ms (nearest rank)."""
    return round(1000 * sorted(seconds)[-(-share * len(seconds) // 100) - 1], 1)


def stalled(port: int) -> dict[str, Any]:
    """/healthz beside connections that never finish, and how many of these the server has closed in time."""
    begun_s = time.monotonic()
    with ExitStack() as opened:
        held = []
        for number in range(STALLED):
            held.append(opened.enter_context(socket.create_connection(("127.0.0.1", port))))
            half = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n"
            held[-1].sendall(half + (b"Content-Length: 900\r\n\r\n{" if number % 2 else b""))
        asked = []
        for _ in range(100):
            due_s = time.monotonic()
            asked.append(Answer(due_s, 0.0, status_of(port, "/healthz")))
            asked[-1] = Answer(due_s, time.monotonic() - due_s, asked[-1].status)
        while time.monotonic() < begun_s + CLOSED_WITHIN_S and not all(map(_is_closed, held)):
            time.sleep(0.1)
        return {
            "connections": STALLED, "healthz": figures(asked), "closed": sum(map(_is_closed, held)),
            "closed_after_s": round(time.monotonic() - begun_s, 1),
        }  # fmt: skip


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other end has let go; what it said before is read."""
    try:
        connection.setblocking(False)
        while connection.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def ended(pid: int, port: int, questions: Iterator[str], per_second: float) -> dict[str, Any]:
    """SIGTERM under load: all that was sent before it is answered, and /readyz is the first to turn."""
    asked = list(islice(questions, 2000))
    with PacedReader(Searches(port), asked, per_second, len(asked), CLIENTS) as reader:
        time.sleep(3.0)
        told_s = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        while status_of(port, "/readyz") == 200:
            time.sleep(0.005)
        turned_s = time.monotonic()
        while Path(f"/proc/{pid}/status").exists() and _runs(pid):
            time.sleep(0.01)
        gone_s = time.monotonic()
    before = [one for one in reader.answers if one.due_s + one.late_s < told_s]
    between = [one for one in reader.answers if told_s <= one.due_s + one.late_s < turned_s + 0.5]
    return {
        "per_second": round(per_second, 1),
        "ready_turned_after_ms": round((turned_s - told_s) * 1000, 1),
        "sent_before": len(before),
        "sent_before_not_answered": sum(one.status != 200 for one in before),
        "sent_while_it_turned_not_answered": sum(one.status != 200 for one in between),
        "ended_after_s": round(gone_s - told_s, 2),
    }


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def measured(index: Path, cache: Path, questions: Sequence[str], seconds: float) -> dict[str, Any]:
    """All phases on one server, the end of it included. Raises ServerFailed."""
    asked = cycle(questions)
    with serving(index, cache, None) as (pid, port):
        paced(port, asked, 10.0, 5.0)  # warm
        capacity, steps = peak(port, asked, STEP_S)
        load: dict[str, Any] = {"capacity_per_s": round(capacity, 1), "steps": steps}
        for name, share in (("below", 0.8), ("beyond", 2.0)):
            answers = paced(port, asked, share * capacity, seconds)
            load[name] = {
                "share": share, "per_second": round(share * capacity, 1),
                "goodput": round(goodput(answers), 1), **told(answers),
            }  # fmt: skip
        load["stalled"] = stalled(port)
        load["ended"] = ended(pid, port, asked, capacity / 2)
    return load


def missed(load: dict[str, Any]) -> list[str]:
    """Which promises were not kept."""
    below, beyond, held, end = (load[name] for name in ("below", "beyond", "stalled", "ended"))
    kept = {
        "at 80 %: no error": below["errors"] + below["refused"] == 0,
        "at 200 %: goodput": beyond["goodput"] >= GOODPUT * load["capacity_per_s"],
        "at 200 %: no error but refusals": beyond["errors"] == 0,
        "at 200 %: refused in time": beyond.get("refused_p99_ms", 0.0) < REFUSED_MS,
        "stalled: /healthz": held["healthz"]["worst_ms"] < HEALTHY_MS and held["healthz"]["errors"] == 0,
        "stalled: closed in time": held["closed"] == held["connections"],
        "SIGTERM: what was under way": end["sent_before_not_answered"] == 0,
    }
    return [name for name, is_kept in kept.items() if not is_kept]


def main() -> None:
    """Print and write bench/results/load.json; ends with 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--articles", type=int, default=3000, help="of the collection with most questions")
    parser.add_argument("--seconds", type=float, default=40.0, help="at 80 %% and at 200 %%, each")
    arguments = parser.parse_args()
    collection = max(find_collections(arguments.data), key=lambda one: len(one.queries), default=None)
    if collection is None:
        sys.exit(f"bench.overload: no collection below {arguments.data}; give the folder of one")
    questions = [query.text for query in collection.queries]
    try:
        with tempfile.TemporaryDirectory(prefix="load-", dir=default_cache()) as folder:
            index, cache, _ = prepared(collection, arguments.articles, Path(folder))
            passages = directory.current(index).manifest.passages
            load = measured(index, cache, questions, arguments.seconds)
    except (SearchEngineError, ServerFailed) as error:
        sys.exit(f"bench.overload: {error}")
    result = {
        "commit": commit(), "machine": platform.machine(), "cores": os.cpu_count(),
        "load": os.getloadavg(), "collection": collection.name, "articles": arguments.articles,
        "passages": passages, **load, "missed": missed(load),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(1 if result["missed"] else 0)


if __name__ == "__main__":
    main()
