"""Opens a tantivy index also where its lock file cannot be made: a full disk, a read-only mount, no rights.

tantivy locks `.tantivy-meta.lock` even to read. What is opened here never changes, so there is nothing
to guard. folder -> tantivy.Index
"""

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import tantivy

from passage_index.directory import TANTIVY_LOCKS
from passage_index.errors import MEND, CorruptIndex


def open_sealed(folder: Path) -> Any:
    """A tantivy index that no writer touches any more. Raises CorruptIndex when it cannot be opened."""
    try:
        return tantivy.Index.open(str(folder))
    except ValueError as error:
        if "Lockfile" not in str(error):
            raise CorruptIndex(f"{folder} cannot be opened: {error}; {MEND}") from error
    links = Path(tempfile.mkdtemp(prefix="unlocked-"))
    try:
        for file in folder.resolve().iterdir():
            if file.name not in TANTIVY_LOCKS:
                os.symlink(file, links / file.name)
        return tantivy.Index.open(str(links))  # has mapped every file when it returns
    finally:
        _removed(links)


def _removed(links: Path) -> None:
    """Remove the links; tantivy's own thread may make its lock file once more meanwhile."""
    deadline = time.monotonic() + 1
    while links.exists() and time.monotonic() < deadline:
        shutil.rmtree(links, ignore_errors=True)
