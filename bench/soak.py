"""`make soak`: half an hour of searches, answers and writes on one server, and what it holds meanwhile.

    an index        some thousand articles of a collection below DATA, built for this
    a server        a process of its own with an admin key; its worker takes the writes
    two readers     pacing.py: searches, and answers, at a fixed pace
    a writer        adds ten articles, changes ten, takes them out again; now and then `indexer merge`

Memory, threads and open files of the server are looked at every few seconds; the middle of the first
tenth after the warm-up is compared with the middle of the last. Knows no handler of the server.

    python -m bench.soak [DATA] [--minutes N] [--articles N] [--per-second N] -> bench/results/soak.json
"""

import argparse
import http.client
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from bench.collections import Collection, find_collections
from bench.pacing import PacedReader, Searches, figures
from bench.places import DATA, RESULTS, commit
from bench.servers import ENVIRONMENT, ServerFailed, running, until
from bench.starting import memory
from indexer.articles import Record, read_articles
from indexer.build import BuildOptions, build
from passage_index import directory
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder

RESULT = RESULTS / "soak.json"
LOOK_S = 5.0
CHANGE_S = 20.0
MERGE_EVERY = 8  # changes
BATCH = 10  # articles a write
KEPT_FOR_S = 30.0  # replaced generations stay open for so long, not ten minutes: their files are counted
WARM_UP = 1 / 3  # of the time
LOCKED = 4


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment."""

    at_s: float
    own_bytes: int
    threads: int
    files: int


class Writer:
    """Changes an index over HTTP, and merges it by the command; counts what was done and what failed."""

    def __init__(self, port: int, key: str, index: Path, cache: Path, articles: Sequence[Record]) -> None:
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self._port, self._key, self._index, self._cache = port, key, index, cache
        self._articles = articles

    def run(self, ended: threading.Event) -> None:
        """A round of three writes and perhaps a merge, until told to end."""
        number = 0
        while not ended.wait(CHANGE_S):
            start = number // 3 * BATCH % (len(self._articles) - BATCH)
            batch = self._articles[start : start + BATCH]
            kind = ("add", "change", "delete")[number % 3]
            try:
                self._write(kind, batch, number)
                number += 1
                if number % MERGE_EVERY == 0:
                    self._merge()
            except (OSError, http.client.HTTPException, ServerFailed) as error:
                self.failures.append(f"{kind}: {error}")

    def _write(self, kind: str, batch: Sequence[Record], number: int) -> None:
        if kind == "delete":
            tasks = [self._asked("DELETE", f"/v1/articles/{quote(one.article.id)}", b"") for one in batch]
        else:
            end = f" Edited for the {number}th time." if kind == "change" else ""
            rows = [{"_id": one.article.id, "title": one.article.title, "text": one.article.text + end}
                    for one in batch]  # fmt: skip
            body = "".join(json.dumps(row) + "\n" for row in rows).encode()
            tasks = [self._asked("POST", "/v1/articles", body)]
        until(lambda: all(self._state(one) in ("done", "failed") for one in tasks), 300.0)
        self.done[kind] += sum(self._state(one) == "done" for one in tasks)
        self.failures += [f"{kind}: a task failed" for one in tasks if self._state(one) == "failed"]

    def _asked(self, method: str, path: str, body: bytes) -> str:
        headers = {"X-API-Key": self._key, "Content-Type": "application/x-ndjson"}
        return str(self._reply(method, path, body, headers, 202)["id"])

    def _state(self, task: str) -> str:
        headers = {"X-API-Key": self._key}
        return str(self._reply("GET", f"/v1/tasks/{task}", None, headers, 200)["state"])

    def _reply(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
    ) -> dict[str, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            said = reply.read()
        if reply.status != status:
            raise ServerFailed(f"{method} {path}: {reply.status} {said[:200]!r}")
        return dict(json.loads(said))

    def _merge(self) -> None:
        command = [sys.executable, "-m", "indexer", "merge", "--index", str(self._index)]
        command += ["--cache", str(self._cache), "--nice", "0"]
        for _ in range(60):
            merged = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            if merged.returncode != LOCKED:
                break
            time.sleep(1.0)  # the worker holds the lock
        self.done["merge"] += merged.returncode == 0
        if merged.returncode:
            self.failures.append(f"merge: {merged.returncode} {merged.stderr.strip()[-200:]}")


def look(pid: int) -> Look:
    """The server's own memory, threads and open files now."""
    status = Path(f"/proc/{pid}/status").read_text()
    threads = int(status.split("Threads:")[1].split()[0])
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return Look(time.monotonic(), memory(pid)["own"], threads, files)


def compared(looks: Sequence[Look], begun_s: float, seconds: float) -> dict[str, Any]:
    """The first tenth after the warm-up and the last one: middles, growth, and the most of everything."""
    warm_s, tenth_s = begun_s + WARM_UP * seconds, (1 - WARM_UP) * seconds / 10
    after = [one for one in looks if one.at_s >= warm_s]
    first = [one for one in after if one.at_s < warm_s + tenth_s]
    last = [one for one in after if one.at_s >= begun_s + seconds - tenth_s]
    found: dict[str, Any] = {"warm_up_s": round(WARM_UP * seconds), "looks": len(after)}
    for name in ("own_bytes", "threads", "files"):
        before, now = (median(getattr(one, name) for one in part) for part in (first, last))
        most = max(getattr(one, name) for one in after)
        found[name] = {"first": before, "last": now, "most": most, "growth": round(now / before - 1, 4)}
    return found


def soaked(
    index: Path,
    cache: Path,
    articles: Sequence[Record],
    questions: Sequence[str],
    seconds: float,
    per_second: float,
) -> dict[str, Any]:
    """All of it, on one server. Raises ServerFailed."""
    key, ended = secrets.token_urlsafe(32), threading.Event()
    kept = {"SEARCH_KEPT_FOR_S": str(KEPT_FOR_S)}
    with serving(index, cache, key, more=kept) as (pid, port):
        writer = Writer(port, key, index, cache, articles)
        thread = threading.Thread(target=writer.run, args=(ended,))
        asking = Searches(port, "/v1/ask")
        looks: list[Look] = []
        with (
            PacedReader(Searches(port), questions, per_second * 0.8) as searches,
            PacedReader(asking, questions, per_second * 0.2) as answers,
        ):
            begun_s = searches.begun_s
            thread.start()
            while time.monotonic() < begun_s + seconds:
                looks.append(look(pid))
                time.sleep(min(LOOK_S, seconds / 200))
            ended.set()
            end_s = begun_s + seconds
            found: dict[str, Any] = {
                "searches": figures(searches.between(begun_s, end_s)),
                "answers": figures(answers.between(begun_s, end_s)),
            }
            thread.join()
        found |= {"writes": dict(writer.done), "failures": writer.failures[:20]}
        return found | compared(looks, begun_s, seconds)


@contextmanager
def serving(
    index: Path, cache: Path, key: str | None, log: Path | None = None, more: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """A server, which takes writes if there is a key: its process id and port. more: of its environment."""
    command = [sys.executable, "-m", "search_api", "serve", "--index", str(index), "--port", "{port}"]
    environment = {**ENVIRONMENT, **({"SEARCH_ADMIN_KEY": key} if key else {}), **(more or {})}
    said = log or cache / "server.log"
    with running([*command, "--cache", str(cache)], said, "/readyz", environment) as served:
        yield served


def prepared(collection: Collection, count: int, scratch: Path) -> tuple[Path, Path, list[Record]]:
    """An index of `count` articles, a cache that holds the models only, and the articles to be written."""
    found = (one for one in read_articles([collection.corpus]) if isinstance(one, Record))
    base, more = list(islice(found, count)), list(islice(found, 50 * BATCH))
    rows = ({"_id": one.article.id, "title": one.article.title, "text": one.article.text} for one in base)
    file = scratch / "articles.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    build([file], scratch / "index", load_encoder(), BuildOptions(cache=default_cache()))
    cache = scratch / "cache"
    cache.mkdir()
    for name in ("encoders", "readers"):
        (cache / name).symlink_to(default_cache() / name)
    return scratch / "index", cache, more


def main() -> None:
    """Print and write bench/results/soak.json; ends with 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--per-second", type=float, default=5.0, help="four searches to an answer")
    arguments = parser.parse_args()
    collection = max(find_collections(arguments.data), key=lambda one: len(one.queries), default=None)
    if collection is None:
        sys.exit(f"bench.soak: no collection below {arguments.data}; give the folder of one")
    questions = [query.text for query in collection.queries]
    try:
        with tempfile.TemporaryDirectory(prefix="soak-", dir=default_cache()) as folder:
            index, cache, more = prepared(collection, arguments.articles, Path(folder))
            found = soaked(index, cache, more, questions, arguments.minutes * 60, arguments.per_second)
            found["generations"] = directory.current(index).manifest.generation
            checked = subprocess.run(
                [sys.executable, "-m", "indexer", "verify", "--all", "--index", str(index)], env=ENVIRONMENT
            )
    except (SearchEngineError, ServerFailed) as error:
        sys.exit(f"bench.soak: {error}")
    result = {
        "commit": commit(), "machine": platform.machine(), "cores": os.cpu_count(),
        "load": os.getloadavg(), "collection": collection.name, "articles": arguments.articles,
        "minutes": arguments.minutes, "kept_for_s": KEPT_FOR_S, "per_second": arguments.per_second,
        "verify": checked.returncode, **found,
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    errors = result["searches"]["errors"] + result["answers"]["errors"]
    sys.exit(1 if errors or result["failures"] or result["verify"] else 0)


if __name__ == "__main__":
    main()
