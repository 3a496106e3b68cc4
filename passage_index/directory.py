"""The index folder: every file name once, the atomic commit, the writer's lock, and the checking of files.

    INDEX/CURRENT            generation name and the manifest's sha256; replaced in one step
    INDEX/writer.lock        kernel lock, freed when its owner dies
    INDEX/gen-000007/        manifest.json, segments/, lexical/, deleted.npy
    INDEX/.writing-*         a generation that is not committed; the next writer removes it

Knows which files must be there and that they are whole, not what they mean.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from passage_index.errors import CorruptIndex, IndexLocked, InputError, NotFound
from passage_index.manifest import FileRecord, Manifest, parse_manifest
from passage_index.model_files import file_sha256

logger = logging.getLogger(__name__)

CURRENT = "CURRENT"
LOCK = "writer.lock"
MANIFEST = "manifest.json"
SEGMENTS = "segments"
LEXICAL = "lexical"
DELETED = "deleted.npy"
WRITING = ".writing-"

_POINTER = re.compile(rb"(gen-(\d{6})) ([0-9a-f]{64})\n")
_GENERATION = re.compile(r"gen-(\d{6})")
_TANTIVY_LOCKS = {".tantivy-meta.lock", ".tantivy-writer.lock"}


@dataclass(frozen=True, slots=True)
class Generation:
    """A committed generation: where it lies and what its manifest says."""

    folder: Path
    manifest: Manifest


def current(index: Path) -> Generation:
    """The generation that CURRENT names, its manifest checked against the hash in CURRENT.

    Raises NotFound when there is no index, CorruptIndex when CURRENT or the manifest is damaged.
    """
    pointer = index / CURRENT
    try:
        raw = pointer.read_bytes()
    except FileNotFoundError as error:
        if index.is_dir() and any(_GENERATION.fullmatch(child.name) for child in index.iterdir()):
            raise CorruptIndex(
                f"{pointer} is missing although generations are there; `indexer rollback --index {index}` "
                f"points it at the newest whole one"
            ) from error
        raise NotFound(f"no index at {index}; `indexer build PATH --index {index}` makes one") from error
    match = _POINTER.fullmatch(raw)
    if match is None:
        raise CorruptIndex(f"{pointer} does not name a generation and a hash; restore it or build anew")
    folder = index / match[1].decode()
    return Generation(folder, _checked_manifest(folder, match[3].decode()))


def _checked_manifest(folder: Path, sha256: str) -> Manifest:
    file = folder / MANIFEST
    try:
        raw = file.read_bytes()
        found = file_sha256(file)
    except OSError as error:
        raise CorruptIndex(f"{file} cannot be read: {error.strerror}; build the index anew") from error
    if found != sha256:
        raise CorruptIndex(
            f"{file} has sha256 {found[:12]}, {CURRENT} says {sha256[:12]}; build the index anew"
        )
    return parse_manifest(raw, str(file))


@contextmanager
def writer_lock(index: Path) -> Iterator[None]:
    """Hold the index for writing. Raises IndexLocked at once, naming the process that holds it."""
    try:
        index.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{index} cannot be made a folder: {error.strerror}; give another --index"
        ) from error
    with (index / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read(100).strip() or "unknown"
            raise IndexLocked(
                f"{index} is being written by process {owner}; wait for it or stop it"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def new_generation(index: Path) -> Iterator[Path]:
    """A scratch folder for a generation to be; gone afterwards unless it was committed.

    Call under the writer's lock: what earlier writers left behind is removed first.
    """
    for leftover in index.glob(f"{WRITING}*"):
        logger.info("removing %s, left by a writer that did not finish", leftover)
        shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=WRITING, dir=index))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(index: Path, written: Path, manifest: Manifest, keep: int = 2) -> Generation:
    """Make `written` the current generation, in one step, and remove all but the `keep` newest.

    Everything is on disk before CURRENT names it; a crash at any moment leaves the old or the new one.
    """
    files = {}
    for file in _files_below(written):
        _sync(file)
        files[file.relative_to(written).as_posix()] = FileRecord(file.stat().st_size, file_sha256(file))
    manifest = replace(manifest, files=files)
    manifest_file = written / MANIFEST
    manifest_file.write_bytes(manifest.to_bytes())
    _sync(manifest_file)
    for folder in sorted({file.parent for file in _files_below(written)} | {written}):
        _sync(folder)
    name = f"gen-{manifest.generation:06d}"
    os.rename(written, index / name)
    _sync(index)
    _point(index, index / name)
    _remove_old(index, manifest.generation, keep)
    return Generation(index / name, manifest)


def rollback(index: Path) -> Generation:
    """Point CURRENT at the newest whole generation older than the one it names, or newest if it names none.

    Call under the writer's lock. Raises NotFound when no older whole generation is kept.
    """
    try:
        before = current(index).manifest.generation
    except (NotFound, CorruptIndex):
        pointer = index / CURRENT
        match = _POINTER.fullmatch(pointer.read_bytes()) if pointer.exists() else None
        before = int(match[2]) if match else next_generation(index)
    for number in reversed([number for number in generations(index) if number < before]):
        folder = index / f"gen-{number:06d}"
        try:
            generation = Generation(folder, parse_manifest((folder / MANIFEST).read_bytes(), str(folder)))
        except (OSError, CorruptIndex) as error:
            logger.warning("passing over %s: %s", folder, error)
            continue
        if not damage(generation):
            _point(index, folder)
            return generation
    raise NotFound(f"no whole generation older than {before} is kept in {index}; build the index anew")


def _point(index: Path, folder: Path) -> None:
    """Make CURRENT name a generation, in one step."""
    pointer = index / f"{CURRENT}.new"
    pointer.write_bytes(f"{folder.name} {file_sha256(folder / MANIFEST)}\n".encode())
    _sync(pointer)
    os.replace(pointer, index / CURRENT)
    _sync(index)


def generations(index: Path) -> list[int]:
    """Numbers of the generations whose folder is there, rising."""
    found = (_GENERATION.fullmatch(child.name) for child in index.iterdir() if child.is_dir())
    return sorted(int(match[1]) for match in found if match)


def next_generation(index: Path) -> int:
    """One more than any generation that stands here, committed or not."""
    return max(generations(index), default=0) + 1


def _remove_old(index: Path, newest: int, keep: int) -> None:
    for number in [number for number in generations(index) if number <= newest][:-keep]:
        shutil.rmtree(index / f"gen-{number:06d}", ignore_errors=True)


def _files_below(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _TANTIVY_LOCKS
    ]  # fmt: skip


def _sync(path: Path) -> None:
    """Flush a file or folder to disk; an error here must reach the caller, never be retried."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def damage(generation: Generation, stamps: Path | None = None) -> list[str]:
    """What is wrong with a generation's files, a line each; empty when all is well.

    stamps: a file outside the index in which this host remembers (inode, size, mtime) of files it has
    hashed in full; those are not read again. None hashes everything.
    """
    trusted = _read_stamps(stamps)
    seen: dict[str, list[int]] = {}
    problems = []
    for name, record in generation.manifest.files.items():
        file = generation.folder / name
        try:
            status = file.stat()
        except OSError:
            problems.append(f"{file}: missing")
            continue
        stamp = [status.st_ino, status.st_size, status.st_mtime_ns]
        key = f"{file.resolve()} {record.sha256}"
        if status.st_size != record.size:
            problems.append(f"{file}: {status.st_size} bytes, the manifest says {record.size}")
        elif trusted.get(key) != stamp and file_sha256(file) != record.sha256:
            problems.append(f"{file}: its sha256 is not the manifest's")
        else:
            seen[key] = stamp
    listed = {*generation.manifest.files, MANIFEST}
    for file in _files_below(generation.folder):
        if file.relative_to(generation.folder).as_posix() not in listed:
            problems.append(f"{file}: not listed in the manifest")
    if stamps is not None and not problems:
        _write_stamps(stamps, seen)
    return problems


def require_whole(generation: Generation, index: Path, stamps: Path | None) -> None:
    """Raises CorruptIndex with the first problems that `damage` finds."""
    problems = damage(generation, stamps)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CorruptIndex(
            "; ".join(problems[:3]) + more + f". `indexer verify --index {index}` lists all, "
            f"`indexer rollback --index {index}` goes back to an older generation, a new build mends it"
        )


def _read_stamps(stamps: Path | None) -> dict[str, list[int]]:
    try:
        return dict(json.loads(stamps.read_text())) if stamps else {}
    except (OSError, ValueError, TypeError):
        return {}


def _write_stamps(stamps: Path, seen: dict[str, list[int]]) -> None:
    """Best effort: without stamps the next start only hashes again."""
    try:
        stamps.parent.mkdir(parents=True, exist_ok=True)
        scratch = stamps.with_name(f"{stamps.name}.{os.getpid()}")
        scratch.write_text(json.dumps(seen))
        os.replace(scratch, stamps)
    except OSError as error:
        logger.info("cannot remember checked files in %s: %s", stamps, error)
