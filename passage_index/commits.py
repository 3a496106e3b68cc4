"""How a generation comes to be and is gone back from: scratch folder, commit, rollback.

Everything is on disk before CURRENT names it, and CURRENT is replaced in one step: a crash at any
moment leaves the old generation or the new one. Call everything here under the writer's lock.
scratch folder + Manifest -> gen-N, CURRENT
"""

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from passage_index.directory import (
    CURRENT,
    CURRENT_BACK,
    CURRENT_NEW,
    LEXICAL,
    MANIFEST,
    REMOVING,
    TANTIVY_WRITER_LOCK,
    WRITING,
    Generation,
    files_below,
    generation,
    generation_name,
    generations,
    holds_index,
    next_generation,
    pointed,
)
from passage_index.errors import CorruptIndex, FormatMismatch, NotFound, WriteFailed
from passage_index.failpoints import failpoint
from passage_index.integrity import damage
from passage_index.lineage import lineage, prune
from passage_index.manifest import FileRecord, Manifest
from passage_index.model_files import file_sha256

logger = logging.getLogger(__name__)

_REWRITTEN = {"meta.json", ".managed.json"}  # the files of a tantivy index that its writer replaces


@contextmanager
def new_generation(index: Path) -> Iterator[Path]:
    """A scratch folder for a generation to be; gone afterwards unless it was committed.

    What earlier writers left behind is removed first. Raises WriteFailed where the disk refuses.
    """
    try:
        remove_leftovers(index)
        folder = Path(tempfile.mkdtemp(prefix=WRITING, dir=index))
        try:
            folder.chmod(0o755)
            failpoint("scratch.made")
            yield folder
        finally:
            failpoint("scratch.before_removal")
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise WriteFailed(
            f"writing a new generation of {index} failed: {error}; the index is as it was. Free space or "
            f"mend the disk and run it again: what was encoded is kept in the vectors journal"
        ) from error


def remove_leftovers(index: Path) -> None:
    """Remove what earlier writers left behind when they were cut short. Call under the writer's lock."""
    unnamed = [] if holds_index(index) else [index / generation_name(one) for one in generations(index)]
    for leftover in (*index.glob(f"{WRITING}*"), *index.glob(f"{REMOVING}*"), *unnamed):
        logger.info("removing %s, left by a writer that did not finish", leftover)
        shutil.rmtree(leftover, ignore_errors=True)
    for scratch in (CURRENT_NEW, CURRENT_BACK):
        (index / scratch).unlink(missing_ok=True)


def link_files(base: Generation, written: Path, wanted: Callable[[str], bool]) -> None:
    """Give a scratch folder those files of a generation whose name is `wanted`, by hard link.

    What tantivy rewrites is copied, and so is everything where the file system knows no hard links.
    """
    for name in base.manifest.files:
        if not wanted(name):
            continue
        source, target = base.folder / name, written / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith(f"{LEXICAL}/") and source.name in _REWRITTEN:
            shutil.copyfile(source, target)
        else:
            link_or_copy(source, target)
        failpoint("link.file")
    failpoint("link.done")


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file; a copy where that cannot be."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        logger.debug("copying %s, for it cannot be linked: %s", source, error)
        shutil.copyfile(source, target)


def commit(
    index: Path, written: Path, manifest: Manifest, keep: int = 2, base: Generation | None = None
) -> Generation:
    """Make `written` the current generation, in one step, and remove all but the `keep` newest states.

    Numbers the generation and lists its files. Files that are `base`'s own by hard link are neither
    flushed nor hashed again. Raises OSError before anything is visible, WriteFailed after.
    """
    failpoint("commit.begin")
    files = {}
    for file in files_below(written):
        name = file.relative_to(written).as_posix()
        files[name] = _unchanged(file, name, base) or _flushed(file)
    # A restored generation keeps its number where it can: replies that named it still mean it.
    number = max(next_generation(index), manifest.generation)
    manifest = replace(manifest, generation=number, parent=pointed(index), files=files)
    manifest_file = written / MANIFEST
    manifest_file.write_bytes(manifest.to_bytes())
    failpoint("commit.manifest_written")
    sync(manifest_file)
    failpoint("commit.manifest_synced")
    for lock in written.rglob(TANTIVY_WRITER_LOCK):  # the other lock is for readers
        lock.unlink()
    for folder in (*(path for path in written.rglob("*") if path.is_dir()), written):
        sync(folder)
        failpoint("commit.folder_synced")
    committed = Generation(index / generation_name(manifest.generation), manifest)
    # Before the rename: a first commit that is cut short in between is then known for one.
    announced = _announced(index / CURRENT_NEW, _pointer(committed.folder.name, manifest_file))
    failpoint("commit.before_rename")
    os.rename(written, committed.folder)
    failpoint("commit.renamed")
    sync(index)
    failpoint("commit.rename_synced")
    _swap(announced, index, committed)
    prune(index, keep)
    return committed


def _unchanged(file: Path, name: str, base: Generation | None) -> FileRecord | None:
    record = base.manifest.files.get(name) if base else None
    if base is None or record is None or not os.path.samefile(file, base.folder / name):
        return None
    return record


def _flushed(file: Path) -> FileRecord:
    failpoint("commit.before_file_sync")
    sync(file)
    record = FileRecord(file.stat().st_size, file_sha256(file))
    failpoint("commit.file_synced")
    return record


def sync(path: Path) -> None:
    """Flush a file or folder to disk; an error here must reach the caller, never be retried."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} when flushed to disk", str(path)) from error
    finally:
        os.close(descriptor)


def pointer_to(to: Generation) -> bytes:
    """The bytes of a CURRENT that names a generation."""
    return _pointer(to.folder.name, to.folder / MANIFEST)


def _pointer(name: str, manifest: Path) -> bytes:
    return f"{name} {file_sha256(manifest)}\n".encode()


def point(index: Path, to: Generation) -> None:
    """Make CURRENT name a generation that was committed before, in one step."""
    _swap(_announced(index / CURRENT_BACK, pointer_to(to)), index, to)


def _announced(scratch: Path, pointer: bytes) -> Path:
    scratch.write_bytes(pointer)
    failpoint("pointer.written")
    sync(scratch)
    failpoint("pointer.synced")
    return scratch


def _swap(announced: Path, index: Path, to: Generation) -> None:
    os.replace(announced, index / CURRENT)
    try:
        failpoint("pointer.swapped")
        sync(index)
        failpoint("pointer.swap_synced")
    except OSError as error:
        raise WriteFailed(
            f"generation {to.manifest.generation} of {index} is in place, but the disk did not confirm it: "
            f"{error}; after a power cut the index may be at the generation before. Mend the disk, then "
            f"run `indexer verify --index {index}`"
        ) from error


def rollback(index: Path, to: int | None = None) -> Generation:
    """Point CURRENT at generation `to`, or at the newest whole one that the current one was made from.

    Where CURRENT names nothing, the newest whole generation is taken. Nothing is removed. Raises
    NotFound when there is no such whole generation, CorruptIndex when `to` is damaged.
    """
    if to is not None:
        wanted = generation(index, to)
        problems = damage(wanted)
        if problems:
            raise CorruptIndex(f"generation {to} is damaged: {problems[0]}; roll back to another")
        point(index, wanted)
        return wanted
    now = pointed(index)
    ancestors = [number for number in lineage(index) if number != now]
    others = [number for number in reversed(generations(index)) if now is None or number < now]
    for number in [*ancestors, *(number for number in others if number not in ancestors)]:
        try:
            found = generation(index, number)
        except (NotFound, CorruptIndex, FormatMismatch) as error:
            logger.warning("passing over generation %d: %s", number, error)
            continue
        if not damage(found):
            point(index, found)
            return found
    raise NotFound(
        f"no whole generation older than {now or 'the missing one'} is kept in {index}; build the index anew"
    )
