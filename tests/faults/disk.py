"""A disk that fails: the shim compiled and preloaded, the ways in which it fails, what it logged.

Declared: the shim stands in front of libc. It sees what Python, SQLite and tantivy write and flush; not
the renames that tantivy makes by system call, nor pages of a memory map. Those are met by the full file
system and the file-size limit of test_disk_full.py.
"""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which calls of one kind fail. error 0: half of what was asked is done, which is legal."""

    call: str
    error: int
    lasting: bool = False  # every such call from then on

    def env(self, root: Path, nth: int, log: Path) -> Mapping[str, str]:
        """What a job must be given: fail the nth call below root; 0 only logs."""
        given = {
            "FAULT_BELOW": f"{root}/",
            "FAULT_OP": self.call,
            "FAULT_NTH": str(nth),
            "FAULT_ERRNO": str(self.error),
            "FAULT_LOG": str(log),
        }
        return given | ({"FAULT_STICKY": "1"} if self.lasting else {})


FAULTS = {
    "EIO of a write": Fault("write", errno.EIO),
    "a short write": Fault("write", 0),
    "a full disk": Fault("write", errno.ENOSPC, lasting=True),
    "EIO of an fsync": Fault("fsync", errno.EIO),
    "EIO of a rename": Fault("rename", errno.EIO),
    "no file can be made": Fault("create", errno.ENOSPC, lasting=True),
    "EIO of a truncate": Fault("truncate", errno.EIO),
    "EIO of a removal": Fault("remove", errno.EIO),
    "EIO of a read": Fault("read", errno.EIO),
    "a short read": Fault("read", 0),
    "no hard links": Fault("link", errno.EPERM, lasting=True),
}


def compiled(folder: Path) -> Path | None:
    """The shim, or None where there is no C compiler."""
    if shutil.which("gcc") is None:
        return None
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wno-nonnull-compare", "-o"]
    subprocess.run([*command, str(library), str(source), "-ldl"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the shim saw."""

    name: str
    path: str
    failed: bool


def calls(log: Path) -> list[Call]:
    """What the shim saw, in order; the log is taken away."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    parts = [line.rsplit(" ", 1) for line in lines]
    return [Call(*head.split(" ", 1), fault != "0") for head, fault in parts]


# Its folder and its list of files: it tells nobody when their flush fails. They are not what is committed.
_TANTIVYS_OWN = re.compile(r"/lexical/\.(passages|articles)(/\.tmp\w+)?$")


def failed_flush(call: Call) -> bool:
    """Whether what a commit rests on may not have reached the disk."""
    return call.name == "fsync" and call.failed and not _TANTIVYS_OWN.search(call.path)


def trusted_after_failure(seen: list[Call], pointer: str) -> list[str]:
    """Files that were flushed again after a flush of them failed, and a CURRENT that was replaced all the same."""
    failed = next((i for i, call in enumerate(seen) if failed_flush(call)), None)
    if failed is None:
        return []
    later = seen[failed + 1 :]
    wrong = [
        f"{call.path} was flushed again after its flush had failed"
        for call in later
        if call.name == "fsync" and call.path == seen[failed].path
    ]
    wrong += [
        "CURRENT was replaced after a flush had failed"
        for call in later
        if call.name == "rename" and os.path.basename(call.path) == pointer
    ]
    return wrong
