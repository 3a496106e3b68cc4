"""The index folder: every file name once, the generation that CURRENT names, and the writer's lock.

    INDEX/CURRENT            generation name and the manifest's sha256; replaced in one step
    INDEX/writer.lock        kernel lock, freed when its owner dies
    INDEX/gen-000007/        manifest.json, segments/, lexical/, deleted.npy, watched.json
    INDEX/CURRENT.new        what CURRENT will be; written before the generation it names is put in place
    INDEX/CURRENT.back       the same for a rollback, whose generation has long been in place
    INDEX/.writing-*         a generation that is not committed; the next writer removes it
    INDEX/.removing-*        an old generation on its way out; the next writer removes it
    INDEX/inbox/             writes asked for over HTTP, no part of any generation; see inbox.py

Only reads, but for the lock. How a generation comes to be is in commits.py, whether its files are
whole in integrity.py, what they mean elsewhere.
"""

import errno
import fcntl
import hashlib
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from passage_index.errors import CorruptIndex, FormatMismatch, IndexLocked, InputError, NotFound
from passage_index.manifest import Manifest, parse_manifest

logger = logging.getLogger(__name__)

CURRENT = "CURRENT"
CURRENT_NEW = "CURRENT.new"
CURRENT_BACK = "CURRENT.back"
LOCK = "writer.lock"
POINTER_BYTES = 4096
MANIFEST_BYTES = 32 << 20
OWNER_LOOKS = 20  # a hundredth of a second apart
MANIFEST = "manifest.json"
SEGMENTS = "segments"
LEXICAL = "lexical"
DELETED = "deleted.npy"
WATCHED = "watched.json"
WRITING = ".writing-"
REMOVING = ".removing-"
INBOX = "inbox"

POINTER = re.compile(rb"(gen-(\d{6,})) ([0-9a-f]{64})\n")
_GENERATION = re.compile(r"gen-(\d{6,})")
TANTIVY_WRITER_LOCK = ".tantivy-writer.lock"
TANTIVY_LOCKS = frozenset({".tantivy-meta.lock", TANTIVY_WRITER_LOCK})


@dataclass(frozen=True, slots=True)
class Generation:
    """A committed generation: where it lies and what its manifest says."""

    folder: Path
    manifest: Manifest


class Hold:
    """Keeps a generation from being removed: a shared kernel lock on its manifest, until `close`."""

    def __init__(self, generation: Generation) -> None:
        file = generation.folder / MANIFEST
        try:
            self._descriptor = os.open(file, os.O_RDONLY)
        except OSError as error:
            raise NotFound(f"{generation.folder} is gone; a newer generation has replaced it") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            gone = not file.exists()
        except BlockingIOError:
            gone = True  # being removed at this moment
        except OSError:
            gone = False  # a file system without locks: nothing can be held, and nothing is worse for it
        if gone:
            self.close()
            raise NotFound(f"{generation.folder} is being removed; a newer generation has replaced it")

    def close(self) -> None:
        """Let go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def generation_name(number: int) -> str:
    """7 -> `gen-000007`."""
    return f"gen-{number:06d}"


def segment_name(number: int) -> str:
    """7 -> `000007`."""
    return f"{number:06d}"


def read_small(file: Path, most_bytes: int) -> bytes:
    """A regular file's bytes. Never waits on a FIFO; raises OSError where it is none or holds more."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"no regular file of at most {most_bytes:,} bytes", str(file))
        return stream.read(most_bytes)


def pointer(index: Path) -> bytes | None:
    """The bytes of CURRENT, none where it cannot be read, or None where it is missing."""
    try:
        return read_small(index / CURRENT, POINTER_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        logger.warning("%s cannot be read: %s", index / CURRENT, error.strerror)
        return b""


def pointed(index: Path) -> int | None:
    """The number of the generation that CURRENT names, or None where it names none."""
    match = POINTER.fullmatch(pointer(index) or b"")
    return int(match[2]) if match else None


def current(index: Path) -> Generation:
    """The generation that CURRENT names, its manifest checked against the hash in CURRENT.

    Raises NotFound when there is no index, CorruptIndex when CURRENT or the manifest is damaged.
    """
    while True:
        raw = pointer(index)
        try:
            return _named(index, raw)
        except CorruptIndex:
            if pointer(index) == raw:  # else a newer generation was committed and this one removed meanwhile
                raise


def _named(index: Path, raw: bytes | None) -> Generation:
    mend = (
        f"`indexer rollback --index {index}` goes back to the newest whole generation, a new build mends it"
    )
    if raw is None:
        if holds_index(index):
            raise CorruptIndex(f"{index / CURRENT} is missing although generations are there; {mend}")
        raise NotFound(f"no index at {index}; `indexer build PATH --index {index}` makes one")
    match = POINTER.fullmatch(raw)
    if match is None:
        raise CorruptIndex(f"{index / CURRENT} cannot be read, or names no generation and hash; {mend}")
    folder = index / match[1].decode()
    file = folder / MANIFEST
    try:
        manifest = read_small(file, MANIFEST_BYTES)
        found = hashlib.sha256(manifest).hexdigest()
    except OSError as error:
        raise CorruptIndex(
            f"{file}, which {index / CURRENT} names, cannot be read: {error.strerror}; {mend}"
        ) from error
    stated = match[3].decode()
    if found != stated:
        raise CorruptIndex(f"{file} has sha256 {found[:12]}, {CURRENT} says {stated[:12]}; {mend}")
    return Generation(folder, parse_manifest(manifest, str(file)))


def holds_index(index: Path) -> bool:
    """True where there is an index, damaged or not. A first commit that was cut short has made none."""
    kept = generations(index)
    return pointer(index) is not None or bool(kept and kept != [_begun(index)])


def _begun(index: Path) -> int | None:
    """The generation that a writer was about to put in place, or None."""
    try:
        match = POINTER.fullmatch((index / CURRENT_NEW).read_bytes())
    except OSError:
        return None
    return int(match[2]) if match else None


def generation(index: Path, number: int) -> Generation:
    """A generation by its number. Raises NotFound, CorruptIndex or FormatMismatch."""
    folder = index / generation_name(number)
    try:
        raw = read_small(folder / MANIFEST, MANIFEST_BYTES)
    except OSError as error:
        kept = ", ".join(map(str, generations(index))) or "none"
        raise NotFound(f"no generation {number} in {index}; kept are: {kept}") from error
    return Generation(folder, parse_manifest(raw, str(folder / MANIFEST)))


def generations(index: Path) -> list[int]:
    """Numbers of the generations whose folder is there, rising."""
    children = index.iterdir() if index.is_dir() else ()
    found = (_GENERATION.fullmatch(child.name) for child in children if child.is_dir())
    return sorted(int(match[1]) for match in found if match)


def next_generation(index: Path) -> int:
    """One more than any generation that stands here, committed or not, or that CURRENT names."""
    return max([*generations(index), pointed(index) or 0], default=0) + 1


def free_numbers(index: Path) -> tuple[int, int]:
    """The first passage and segment number that no generation standing here has used.

    After a rollback newer ones than the current stand here, and readers may have told of what is in them.
    """
    passage_no, segment = 0, 1
    for number in generations(index):
        with suppress(NotFound, CorruptIndex, FormatMismatch):
            manifest = generation(index, number).manifest
            passage_no = max(passage_no, manifest.next_passage_no)
            segment = max(segment, manifest.next_segment)
    return passage_no, segment


def files_below(folder: Path) -> list[Path]:
    """All files of a generation, in a stable order; tantivy's lock files are none of them."""
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in TANTIVY_LOCKS
    ]  # fmt: skip


def _owner(descriptor: int) -> str:
    """Who holds the lock. It takes the owner a moment to write that down, over the name of the one before."""
    owner = ""
    for _ in range(OWNER_LOOKS):
        owner = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
        if owner.isdecimal() and Path("/proc", owner).exists():
            break
        time.sleep(0.01)
    return owner or "unknown"


@contextmanager
def writer_lock(index: Path) -> Iterator[None]:
    """Hold the index for writing. Raises IndexLocked at once, naming the process that holds it."""
    try:
        index.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(index / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"{index} cannot be written: {error.strerror}; give another --index") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise IndexLocked(
                f"{index} is being written by process {_owner(descriptor)}; wait for it or stop it"
            ) from error
        with suppress(OSError):  # who holds it is only said in an error
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            with suppress(OSError):  # or the next writer would be taken for this one for a moment
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
