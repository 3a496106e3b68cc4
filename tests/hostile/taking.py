"""Builds an index of each PATH it is told, each in a process of its own that may take only so much.

Started once, so that the imports are paid for once; then one fork a PATH. Lines of JSON in and out:
{"path", "index"} -> {"articles", "said", "error", "rss_mib", "cpu_s"} or {"killed"}
"""

import json
import logging
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import markdown_it  # noqa: F401 - imported before the fork, as is all that readers import late
import pyarrow.parquet  # noqa: F401
import trafilatura  # noqa: F401
from feedparser import parse  # noqa: F401
from warcio import archiveiterator  # noqa: F401

from indexer.build import BuildOptions, build
from passage_index.errors import SearchEngineError
from tests.fakes import FakeEncoder

CPU_S = 10
WALL_S = 300  # a machine may be busy; the time of the processor is what counts
KEPT = 20  # lines that tell of a refusal
MEMORY = 2 << 30  # bytes of addresses beyond what the imports took


def taken(path: Path, index: Path) -> dict[str, object]:
    """Build, and tell what came of it."""
    said: list[str] = []
    heard = logging.Handler()
    heard.emit = lambda record: (
        said.append(record.getMessage()) if len(said) < KEPT else said.insert(KEPT, record.getMessage())
    )
    logging.getLogger().addHandler(heard)
    found: dict[str, object] = {"articles": 0, "error": None}
    begun = time.process_time()
    try:
        report = build([path], index, FakeEncoder(), BuildOptions())
        found["articles"] = report.articles
    except SearchEngineError as error:
        found["error"] = str(error)
    except BaseException:
        found["crash"] = traceback.format_exc()[-1500:]
    found["cpu_s"] = round(time.process_time() - begun, 2)
    found["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {**found, "said": [line[:500] for line in said]}


def limited() -> None:
    """Take no more memory and time than a case may have."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    signal.alarm(WALL_S)


def main() -> None:
    """One line of JSON a PATH."""
    for line in sys.stdin:
        asked = json.loads(line)
        here, there = os.pipe()
        child = os.fork()
        if child == 0:
            limited()
            found = taken(Path(asked["path"]), Path(asked["index"]))
            with os.fdopen(there, "w") as out:
                json.dump(found, out)
            os._exit(0)
        os.close(there)
        with os.fdopen(here) as out:
            told = out.read()
        _, status = os.waitpid(child, 0)
        name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
        sys.stdout.write((told if told and name is None else json.dumps({"killed": name})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
