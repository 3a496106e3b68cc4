"""Where figures are written, and what they are figures of."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
DATA = Path("../shared/data")


def commit() -> str:
    """The short hash of the code that is measured, '' outside a repository."""
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip()
