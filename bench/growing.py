"""`make bench-growing`: what searches take while the index behind the server grows.

    a copy of an index      held_out.py: without some of its articles
    a server on the copy    a process of its own, on the loopback
    a paced reader          pacing.py
    indexer add, delete     as commands beside both: the articles come back, encoded anew

Every phase is compared with the same searches at rest. The index that is copied stays as it is.

    python -m bench.growing [PATH...] [--index DIR] [--articles N] [--small N]
                            [--rest S] [--per-second N]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.held_out import Base, held_out
from bench.pacing import PacedReader, Searches, figures, status_of
from bench.places import RESULTS, commit
from bench.servers import ENVIRONMENT, ServerFailed, running, until
from indexer.build import BuildOptions, build
from indexer.progress import shown
from passage_index import directory
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder

RESULT = RESULTS / "growing.json"
SETTLES_S = 5.0  # after a change, until the next one begins


@contextmanager
def serving(base: Base) -> Iterator[tuple[int, int]]:
    """A server on the copy: its process id and port."""
    command = [sys.executable, "-m", "search_api", "serve", "--index", str(base.index), "--port", "{port}"]
    log = base.cache / "server.log"
    with running([*command, "--cache", str(base.cache)], log, "/readyz", ENVIRONMENT) as served:
        yield served


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what a server answers to an article's address when it has followed."""

    arguments: list[str]
    article_id: str
    status: int


@dataclass(frozen=True, slots=True)
class Bench:
    """A server that is being asked, and how its index is changed."""

    base: Base
    port: int
    reader: PacedReader

    def rest(self, seconds: float) -> dict[str, Any]:
        """Nothing but searches."""
        begun_s, load = time.monotonic(), _load()
        time.sleep(seconds)
        return {**figures(self.reader.between(begun_s, time.monotonic())), "load": [load, _load()]}

    def change(self, steps: Sequence[Step], nice: int = 0) -> dict[str, Any]:
        """Commands one after another, up to the first that merges."""
        begun_s, load, runs = time.monotonic(), _load(), []
        for step in steps:
            runs.append(self._run(step, nice))
            if runs[-1]["merged_segments"]:
                break
        ended_s = time.monotonic()
        searches, now = figures(self.reader.between(begun_s, ended_s)), _load()
        self.reader.catch_up()
        behind_s = time.monotonic() - ended_s
        time.sleep(SETTLES_S)
        return {**searches, "load": [load, now], "caught_up_after_s": round(behind_s, 1), "runs": runs}

    def _run(self, step: Step, nice: int) -> dict[str, Any]:
        more = ["--index", str(self.base.index), "--cache", str(self.base.cache), "--json"]
        begun_s = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "indexer", *step.arguments, *more, "--nice", str(nice)],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"indexer {step.arguments[0]}: {done.returncode} {done.stderr.strip()[-500:]}")
        ended_s = time.monotonic()
        until(lambda: status_of(self.port, f"/v1/articles/{quote(step.article_id)}") == step.status)
        report = json.loads(done.stdout)
        return {
            "seconds": round(ended_s - begun_s, 2),
            "followed_after_s": round(time.monotonic() - ended_s, 2),
            "stages": report["seconds"],
            "encoding_share": round(report["seconds"].get("encode", 0.0) / (ended_s - begun_s), 3),
            "passages": report["passages"],
            "resumed": report["resumed"],
            "merged_segments": report["merged_segments"],
        }


def measure(base: Base, rest_s: float, per_second: float) -> dict[str, Any]:
    """All phases, one after another, on one server."""
    with serving(base) as (pid, port), PacedReader(Searches(port), base.questions, per_second) as reader:
        bench = Bench(base, port, reader)
        bench.rest(SETTLES_S)  # warm
        memory = [_memory(pid)]
        phases = {"rest": bench.rest(rest_s), "add": bench.change([_adding(base.new)])}
        phases["add, nice 19"] = bench.change([_adding(base.nicely)], nice=19)
        phases["delete"] = bench.change([Step(["delete", one], one, 404) for one in base.doomed])
        phases["add until merged"] = bench.change([_adding(batch) for batch in base.batches])
        phases["rest afterwards"] = bench.rest(rest_s)
        return {"phases": phases, "server_bytes": [*memory, _memory(pid)]}


def _adding(file: Path) -> Step:
    last = file.read_text(encoding="utf-8").splitlines()[-1]
    return Step(["add", str(file)], json.loads(last)["_id"], 200)


def _memory(pid: int) -> dict[str, int]:
    """Bytes of its own, and those of files that it has mapped and that are in memory, each page once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    found = {name: int(size.split()[0]) * 1024 for name, size in (line.split(":") for line in lines)}
    return {"own": found["Pss_Anon"], "mapped": found["Pss_File"]}


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def table(result: dict[str, Any]) -> str:
    """Searches a phase a line, and how much longer they took than at rest."""
    rest = result["phases"]["rest"]
    heads = "".join(
        f"{head:>9}" for head in ("requests", "errors", "p50 ms", "p99 ms", "worst", "p50 x", "p99 x")
    )
    lines = [f"{'searches':18}{heads}"]
    for name, one in result["phases"].items():
        ratios = [one[key] / rest[key] for key in ("p50_ms", "p99_ms")]
        lines.append(
            f"{name:18}{one['requests']:9,}{one['errors']:9,}{one['p50_ms']:9.1f}{one['p99_ms']:9.1f}"
            f"{one['worst_ms']:9.1f}{ratios[0]:9.2f}{ratios[1]:9.2f}"
        )
        lines += [f"    {_told(run)}" for run in one.get("runs", ())]
    return "\n".join(lines)


def _told(run: dict[str, Any]) -> str:
    stages = ", ".join(f"{stage} {seconds}" for stage, seconds in run["stages"].items())
    merged = f"; merged {run['merged_segments']} segments" if run["merged_segments"] else ""
    followed = f"{run['seconds']:.1f} s, followed {run['followed_after_s']} s later"
    return f"{followed} ({run['encoding_share']:.0%} encoding; {stages}){merged}"


def main() -> None:
    """Print the table and write bench/results/growing.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    news = default_cache() / "bench" / "news"
    parser.add_argument("paths", nargs="*", type=Path, help="articles to build the index from")
    parser.add_argument("--index", type=Path, help=f"a large index; it is left as it is (default {news})")
    parser.add_argument("--articles", type=int, default=1000, help="added at once")
    parser.add_argument("--small", type=int, default=20, help="added at once when a merge is waited for")
    parser.add_argument("--per-second", type=float, default=10.0, help="searches a second, all the time")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of searches without a change")
    arguments = parser.parse_args()
    news.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="growing-", dir=news.parent) as folder:
            source = arguments.index or news
            if arguments.paths:
                source = _built(arguments.paths, Path(folder, "source"))
            base = held_out(source, Path(folder), arguments.articles, arguments.small)
            manifest = directory.current(source).manifest
            result = {
                "commit": commit(),
                "machine": platform.machine(),
                "cores": os.cpu_count(),
                "index": {"articles": manifest.articles, "passages": manifest.passages},
                "added_articles": arguments.articles,
                "per_second": arguments.per_second,
                **measure(base, arguments.rest, arguments.per_second),
            }
    except (SearchEngineError, ServerFailed) as error:
        sys.exit(f"bench.growing: {error}")
    print(table(result))
    RESULTS.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def _built(paths: Sequence[Path], index: Path) -> Path:
    with shown() as progress:
        encoder = load_encoder(streams=os.cpu_count() or 1)
        build(paths, index, encoder, BuildOptions(cache=default_cache()), progress)
    return index


if __name__ == "__main__":
    main()
