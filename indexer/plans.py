"""A plan, kept until the build it was made for: how far off it was.

Plan <-> the cache folder; Plan, manifest of the build -> errors
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from passage_index.encoder import Encoder

logger = logging.getLogger(__name__)

BUSY = 0.8  # of the time planned is what a quiet machine would take


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be expected. Bytes, seconds and milliseconds are of this machine."""

    made_at: str
    articles: int  # to be split and encoded
    unchanged: int  # that stand in the index already as they are
    passages: int
    index_bytes: int
    build_s: float  # while this machine is as busy as it was when this was planned
    quiet_s: float  # at least, while it does nothing else
    encode_s: float  # part of build_s
    build_ram_bytes: int
    serve_ram_bytes: int
    query_ms: float
    passages_per_s: float
    in_journal: float  # share of the passages whose vectors are there already
    sampled_articles: int
    sampled_passages: int

    @property
    def busy(self) -> bool:
        """Whether other work held up the sample so much that the time is of this moment only."""
        return self.quiet_s < BUSY * self.build_s


def plan_file(cache: Path, paths: Sequence[Path], encoder: Encoder) -> Path:
    """Where the newest plan for these files and this encoder is remembered."""
    parts = [encoder.identity.weights_sha256, *sorted(str(path.resolve()) for path in paths)]
    return cache / "plans" / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.json"


def remember_plan(file: Path, made: Plan) -> None:
    """Keep a plan for the build to come; best effort."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(made)))
    except OSError as error:
        logger.info("cannot remember the plan in %s: %s", file, error)


def recall_plan(file: Path) -> Plan | None:
    """The plan kept there, or None."""
    try:
        return Plan(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def errors(made: Plan, build: Mapping[str, Any], index_bytes: int) -> dict[str, float]:
    """How far a plan was off, as a share of what came: {"passages": .03} is 3 % too many.

    build: the report in the manifest of the generation that was built.
    """
    pairs = {
        "articles": (made.articles, build["articles"]),
        "passages": (made.passages, build["passages"]),
        "disk": (made.index_bytes, index_bytes),
        "time": (made.build_s, sum(build["seconds"].values())),
        "memory": (made.build_ram_bytes, build["peak_ram_bytes"]),
    }
    return {name: round(planned / came - 1, 3) for name, (planned, came) in pairs.items() if came}


def plan_text(made: Plan) -> str:
    """A few lines for a person."""
    reused = f", {made.in_journal:.0%} of them from the vectors journal" if made.in_journal else ""
    return "\n".join(
        [
            f"articles   {made.articles:,}"
            + (f"; {made.unchanged:,} more stand in the index as they are" if made.unchanged else ""),
            f"passages   {made.passages:,}{reused}",
            f"disk       {made.index_bytes / 1e6:,.0f} MB; as much again while a second generation is kept",
            f"memory     {made.build_ram_bytes / 1e6:,.0f} MB to build, "
            f"{made.serve_ram_bytes / 1e6:,.0f} MB to serve",
            f"time       {_duration(made.build_s)}, of which {_duration(made.encode_s)} encoding "
            f"({made.passages_per_s:,.0f} passages/s)"
            + (f"; {_duration(made.quiet_s)} if this machine were not busy" if made.busy else ""),
            f"latency    {made.query_ms:.0f} ms a question, one at a time",
            f"sample     {made.sampled_articles:,} articles, {made.sampled_passages:,} passages",
        ]
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
