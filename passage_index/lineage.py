"""Which generations descend from which, and which of them are let go.

Knows folders and manifests, nothing of what is in a generation. INDEX -> numbers, newest first
"""

import fcntl
import logging
import os
import shutil
from pathlib import Path

from passage_index.directory import MANIFEST, REMOVING, generation, generation_name, generations, pointed
from passage_index.errors import CorruptIndex, FormatMismatch, NotFound
from passage_index.failpoints import failpoint

logger = logging.getLogger(__name__)


def lineage(index: Path) -> list[int]:
    """The current generation, the one it was made from, and so on, as far as they are kept.

    Where a manifest cannot be read, the next older folder stands for its parent.
    """
    kept, chain = generations(index), []
    number = pointed(index)
    while number is not None:
        older = [one for one in kept if one < number]
        if number in kept:
            chain.append(number)
        try:
            parent = generation(index, number).manifest.parent
        except (NotFound, CorruptIndex, FormatMismatch):
            parent = older[-1] if older else None
        number = parent if parent is not None and parent < number else None
    return chain


def prune(index: Path, keep: int, held: bool = False) -> list[int]:
    """Remove all generations but the `keep` newest of the current one's lineage.

    One that a reader holds (directory.Hold) stays for the next time, unless `held`. Returns the numbers
    that stayed although they should have gone.
    """
    failpoint("prune.before")
    kept = set(lineage(index)[: max(keep, 1)])
    if not kept:
        return []
    stayed = []
    for number in generations(index):
        if number not in kept and not _removed(index / generation_name(number), held):
            stayed.append(number)
    return stayed


def _removed(folder: Path, held: bool) -> bool:
    """Take a generation out of sight in one step, then remove its files."""
    descriptor = -1
    try:
        if (folder / MANIFEST).exists():
            descriptor = os.open(folder / MANIFEST, os.O_RDONLY)
            if not held:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden = folder.with_name(f"{REMOVING}{folder.name}")
        os.rename(folder, hidden)
        failpoint("prune.renamed")
        shutil.rmtree(hidden, ignore_errors=True)
        failpoint("prune.removed")
    except BlockingIOError:
        return False
    except OSError as error:
        logger.warning("%s could not be removed: %s", folder, error)
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True
