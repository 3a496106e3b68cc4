"""`make bench-start`: seconds from the command to the first answer of `search-api serve`, and its memory.

First as on a host that has never seen the index, so that every file is hashed (the system's own cache of
files is warm), then again, when the files are known; then by two processes.

    python -m bench.starting INDEX
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.pacing import Searches
from bench.places import RESULTS, commit
from bench.servers import ENVIRONMENT, running, until
from passage_index import directory
from passage_index.model_files import default_cache

ROUNDS = 3


def started(index: Path, folder: Path, processes: int = 1) -> dict[str, Any]:
    """One start with the cache in `folder`, and one search."""
    command = [sys.executable, "-m", "search_api", "serve", "--index", str(index), "--port", "{port}"]
    command += ["--cache", str(folder), "--processes", str(processes)]
    begun_s = time.monotonic()
    with running(command, folder / "server.log", "/readyz", ENVIRONMENT) as (pid, port):
        ready_s = time.monotonic() - begun_s
        searches = Searches(port)
        # Of several processes one may be ready before the other.
        until(lambda: searches.reply("the first question of all").status == 200)
        answered_s = time.monotonic() - begun_s
        pids = [pid, *_children(pid)]
        return {
            "ready_s": round(ready_s, 2),
            "answered_s": round(answered_s, 2),
            "own_bytes": sum(memory(one)["own"] for one in pids),
            "mapped_bytes": max(memory(one)["mapped"] for one in pids),
            "has_torch": any("libtorch" in Path(f"/proc/{one}/maps").read_text() for one in pids),
        }


def memory(pid: int) -> dict[str, int]:
    """Bytes of a process: its own, and of files that it has mapped and shares."""
    status = Path(f"/proc/{pid}/status").read_text()
    anonymous, mapped = (
        int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024  # type: ignore[index]
        for name in ("RssAnon", "RssFile")
    )
    return {"own": anonymous, "mapped": mapped}


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def main() -> None:
    """Start, print and write bench/results/starting.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("index", type=Path)
    index = parser.parse_args().index
    manifest = directory.current(index).manifest
    results: dict[str, Any] = {
        "commit": commit(), "cores": os.cpu_count(), "load": os.getloadavg(), "passages": manifest.passages,
        "index_bytes": sum(one.size for one in manifest.files.values()), "first": [], "again": [],
    }  # fmt: skip
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for name in ("encoders", "readers"):
                (folder / name).symlink_to(default_cache() / name)
            results["first"].append(started(index, folder))
            results["again"].append(started(index, folder))
            results["two_processes"] = started(index, folder, 2)
    print(json.dumps(results, indent=1))
    (RESULTS / "starting.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
