"""What the suite tried and what came of it: counted while it runs, printed at its end, kept as JSON."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Row:
    """One kind of fault. tried: cases run; hit: those in which the fault took place."""

    what: str
    tried: int = 0
    hit: int = 0
    losses: int = 0  # an article, or the old and the new state both, gone
    failures: list[str] = field(default_factory=list)  # any other promise broken, losses included

    def case(self, name: str, wrong: list[str], hit: bool = True) -> None:
        """Count one case; `wrong` says which promises it broke."""
        self.tried += 1
        self.hit += hit
        self.losses += any("lost" in line for line in wrong)
        self.failures += [f"{name}: {line}" for line in wrong]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """At the end of the block, fail the test with every promise that was broken in it."""
        before = len(self.failures)
        yield
        new = self.failures[before:]
        shown = "\n".join(new[:40])
        assert not new, f"{len(new)} broken promises ({self.what}):\n{shown}"


class Counts:
    """All rows of one run of the suite."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.rows: dict[str, Row] = {}
        self._begun = time.monotonic()

    def row(self, what: str) -> Row:
        """The row of this name, made when first asked for."""
        return self.rows.setdefault(what, Row(what))

    def table(self) -> str:
        """The rows as text, and their sums."""
        lines = [f"{'fault':44} {'tried':>7} {'hit':>7} {'losses':>7} {'failures':>9}"]
        lines += [
            f"{row.what:44} {row.tried:7,} {row.hit:7,} {row.losses:7,} {len(row.failures):9,}"
            for row in self.rows.values()
        ]
        rows = list(self.rows.values())
        lines.append(
            f"{'all':44} {sum(row.tried for row in rows):7,} {sum(row.hit for row in rows):7,} "
            f"{sum(row.losses for row in rows):7,} {sum(len(row.failures) for row in rows):9,}"
        )
        return "\n".join(lines)

    def write(self, file: Path) -> None:
        """Keep the counts, with what they were counted on."""
        git = ["git", "-C", str(file.parent), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        result = {
            "size": self.size,
            "commit": commit,
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - self._begun),
            "losses": sum(row.losses for row in self.rows.values()),
            "rows": [asdict(row) for row in self.rows.values()],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
