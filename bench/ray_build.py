"""`make bench-ray`: the same articles indexed by this machine alone and by one and two Ray nodes.

A node has one core to itself and one encoding process with one thread; the build without Ray gets one core
too. Run in an environment with the extra `ray`, where there is only loopback. Builds that make other
passages, or vectors further apart than rounding explains, are no figures.

    python -m bench.ray_build ARTICLES [--articles N]
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench.places import RESULTS, commit
from bench.ray_nodes import ADDRESS, ENVIRONMENT, RayNodes
from passage_index import directory
from passage_index.dense import from_bf16
from passage_index.encoder import unit
from passage_index.model_files import default_cache
from passage_index.segment import Segment
from passage_index.types import Vectors

FILES = 24  # that the articles are divided among
CLOSE = 0.9999
SHARED = ("read and split", "encode")  # stages that nodes share; the others run where the command does


def divided(source: Path, count: int, folder: Path) -> list[Path]:
    """The first articles of a .jsonl.gz as FILES files."""
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        chosen = [line for line, _ in zip(lines, range(count), strict=False)]
    folder.mkdir()
    files = []
    for number in range(FILES):
        files.append(folder / f"{number:02}.jsonl")
        files[-1].write_text("".join(chosen[number::FILES]), encoding="utf-8")
    return files


def built(articles: Path, index: Path, cache: Path, *more: str) -> dict[str, Any]:
    """The report of one `indexer build`, and the seconds of the whole command."""
    command = [sys.executable, "-m", "indexer", "build", str(articles), "--index", str(index), "--json"]
    begun_s = time.monotonic()
    done = subprocess.run(
        [*more[:3], *command, "--cache", str(cache), *more[3:]],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    report = {**json.loads(done.stdout), "command_s": round(time.monotonic() - begun_s, 1)}
    print(index.name, report["command_s"], report["seconds"], file=sys.stderr, flush=True)
    return report


def likeness(one: Path, other: Path) -> dict[str, Any]:
    """Whether two indexes have the same passages in the same order, and how near their vectors are."""
    texts, vectors = zip(*(_content(index) for index in (one, other)), strict=True)
    cosines = np.einsum("nd,nd->n", *vectors) if texts[0] == texts[1] else np.zeros(1)
    return {
        "same_passages": texts[0] == texts[1],
        "least_cosine": float(cosines.min()),
        "same_vectors": float((cosines > 1 - 1e-6).mean()),
    }


def _content(index: Path) -> tuple[list[Any], Vectors]:
    """Articles and passages in row order, and the (n, dim) vectors, of unit length."""
    generation = directory.current(index)
    (record,) = generation.manifest.segments
    folder = generation.folder / directory.SEGMENTS / record.name
    with closing(Segment(folder, record, generation.manifest.encoder.dim)) as segment:
        rows = [from_bf16(segment.vectors.stored(row)[0]) for row in range(record.passages)]
        return list(segment.texts.articles()), unit(np.stack(rows))


def measured(source: Path, count: int) -> dict[str, Any]:
    """One build by one core without Ray, one by one node, one by two."""
    with tempfile.TemporaryDirectory(prefix="bench-ray-") as scratch:
        folder = Path(scratch)
        divided(source, count, folder / "articles")
        cache = folder / "cache"
        cache.mkdir()
        (cache / "encoders").symlink_to(default_cache() / "encoders")
        one_core = ("taskset", "-c", str(min(os.sched_getaffinity(0))))
        runs = {"alone": built(folder / "articles", folder / "alone", cache, *one_core)}
        for count_of_nodes in (1, 2):
            name = f"{count_of_nodes} nodes" if count_of_nodes > 1 else "1 node"
            with RayNodes(count_of_nodes):
                where = ("--ray", ADDRESS, "--shards", str(folder / f"shards-{count_of_nodes}"))
                runs[name] = built(folder / "articles", folder / name, cache, *one_core, *where)
            runs[name]["likeness"] = likeness(folder / "alone", folder / name)
    return runs


def speed_up(figures: dict[str, Any]) -> float:
    """How much faster two nodes read, split and encode than one."""
    one, two = (figures["runs"][name]["seconds"] for name in ("1 node", "2 nodes"))
    return float(sum(one[stage] for stage in SHARED) / sum(two[stage] for stage in SHARED))


def section(figures: dict[str, Any]) -> str:
    """The table of docs/scale.md."""
    heads = ("", "read and split", "encode", "gather, write, words, commit", "whole command",
             "passages a second", "least cosine to the build alone")  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, run in figures["runs"].items():
        seconds = run["seconds"]
        rest = sum(spent for stage, spent in seconds.items() if stage not in SHARED)
        rate = figures["passages"] / sum(seconds.values())
        alike = f"{run['likeness']['least_cosine']:.6f}" if "likeness" in run else ""
        cells = (
            "one core, no Ray" if name == "alone" else name, *(f"{seconds[stage]:.1f} s" for stage in SHARED),
            f"{rest:.1f} s", f"{run['command_s']:.1f} s", f"{rate:.0f}", alike,
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    made = (
        f"Made by `make bench-ray` at commit {figures['commit']} on {figures['cores']} cores, one for each "
        f"node, at a load of {figures['load_before'][0]:.1f} by other work: {figures['articles']:,} articles "
        f"of {figures['collection']}, {figures['passages']:,} passages, the same with the same ids and "
        f"offsets in all. Two nodes read, split and encode {speed_up(figures):.2f} times as fast as one."
    )
    return "\n".join([*lines, "", made])


def main() -> None:
    """Measure, refuse what is not alike, record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("--articles", type=int, default=1500)
    given = parser.parse_args()
    load = os.getloadavg()
    runs = measured(given.source, given.articles)
    for name, run in runs.items():
        alike = run.get("likeness", {"same_passages": True, "least_cosine": 1.0})
        if not alike["same_passages"] or alike["least_cosine"] < CLOSE:
            raise SystemExit(f"{name}: not the same index: {alike}")
    kept = ("command_s", "seconds", "encoder_seconds", "likeness")
    figures = {
        "commit": commit(),
        "cores": os.cpu_count(),
        "load_before": [round(one, 2) for one in load],
        "collection": given.source.parent.name,
        "articles": runs["alone"]["articles"],
        "passages": runs["alone"]["passages"],
        "runs": {name: {key: run[key] for key in kept if key in run} for name, run in runs.items()},
    }
    print(json.dumps(figures, indent=1))
    (RESULTS / "ray.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
