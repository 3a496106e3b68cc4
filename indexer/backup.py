"""A copy of one committed generation, taken while writers and readers go on, and the way back.

A backup folder is an index of its own: CURRENT and one generation. A backup that ends in .tar holds
the same two, in the order in which they are needed. Knows files and hashes, not what is in them.
"""

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.report import Progress, silent
from indexer.space import require_space
from passage_index import directory
from passage_index.commits import commit, link_or_copy, new_generation, pointer_to, sync
from passage_index.directory import CURRENT, MANIFEST, POINTER, Generation, Hold
from passage_index.errors import CorruptIndex, InputError, NotFound, WriteFailed
from passage_index.failpoints import failpoint
from passage_index.integrity import damage, remember, require_whole
from passage_index.manifest import Manifest, parse_manifest
from passage_index.outputs import require_apart

_BLOCK = 1 << 20


def backup(index: Path, to: Path, progress: Progress = silent) -> Generation:
    """Copy the current generation to a folder, or to an archive when `to` ends in .tar.

    The folder gets hard links where it lies on the same disk (no space, no protection from that disk's
    faults) and copies elsewhere. Every file is hashed on the way. Raises InputError when `to` is there
    already, CorruptIndex when the generation is damaged, WriteFailed.
    """
    require_apart("the backup", to, [index])
    if to.exists() and (to.is_file() or any(to.iterdir())):
        raise InputError(
            f"{to} is there already; give a new folder or archive, a backup never overwrites one"
        )
    with _held(index) as generation:
        require_whole(generation, index, None)
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            if to.suffix == ".tar":
                _to_archive(index, generation, to, progress)
            else:
                _to_folder(index, generation, to, progress)
        except OSError as error:
            raise WriteFailed(f"the backup to {to} failed: {error}; nothing is there") from error
    return generation


@contextmanager
def _held(index: Path) -> Iterator[Generation]:
    """The current generation, kept from being removed meanwhile."""
    while True:
        raw = directory.pointer(index)
        try:
            generation = directory.current(index)
            hold = Hold(generation)
        except NotFound:
            if directory.pointer(index) == raw:  # else it was replaced between the two
                raise
            continue
        with closing(hold):
            yield generation
        return


def _to_folder(index: Path, generation: Generation, to: Path, progress: Progress) -> None:
    scratch = to.with_name(f"{to.name}.writing")
    shutil.rmtree(scratch, ignore_errors=True)
    target = scratch / generation.folder.name
    same_disk = os.stat(index).st_dev == os.stat(to.parent).st_dev
    if not same_disk:
        require_space(to.parent, _size(generation.manifest))
    for done, name in enumerate(generation.manifest.files, start=1):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(generation.folder / name, target / name)
        failpoint("backup.file")
        progress("back up", done, len(generation.manifest.files))
    # Not linked: readers lock the manifest, and the backup's are not the index's.
    shutil.copyfile(generation.folder / MANIFEST, target / MANIFEST)
    copied = Generation(target, generation.manifest)
    if not same_disk and (problems := damage(copied)):
        raise CorruptIndex(f"the copy is not the original: {problems[0]}; is the disk of {to} sound?")
    (scratch / CURRENT).write_bytes(pointer_to(generation))
    for path in scratch.rglob("*"):
        sync(path)
    sync(scratch)
    failpoint("backup.before_rename")
    if to.exists():
        to.rmdir()
    os.rename(scratch, to)
    sync(to.parent)


def _size(manifest: Manifest) -> int:
    return sum(record.size for record in manifest.files.values())


def _to_archive(index: Path, generation: Generation, to: Path, progress: Progress) -> None:
    require_space(to.parent, _size(generation.manifest))
    scratch = to.with_name(f"{to.name}.writing")
    names = [MANIFEST, *generation.manifest.files]
    try:
        with tarfile.open(scratch, "w", format=tarfile.PAX_FORMAT) as archive:
            raw = pointer_to(generation)
            pointer = tarfile.TarInfo(CURRENT)
            pointer.size = len(raw)
            archive.addfile(pointer, io.BytesIO(raw))
            for done, name in enumerate(names):
                archive.add(generation.folder / name, f"{generation.folder.name}/{name}", recursive=False)
                failpoint("backup.file")
                progress("back up", done, len(generation.manifest.files))
        sync(scratch)
        failpoint("backup.before_rename")
        os.rename(scratch, to)
        sync(to.parent)
    finally:
        scratch.unlink(missing_ok=True)


def restore(
    backup: Path, index: Path, force: bool = False, cache: Path | None = None, keep: int = 2,
    progress: Progress = silent,
) -> Generation:  # fmt: skip
    """Make the generation in a backup the current one of `index`; its files are copied, hashed, then shown.

    An index that is there is left alone unless forced; then the backup becomes its next generation, and
    `rollback` goes back. Raises InputError, CorruptIndex (the backup is damaged), IndexLocked, WriteFailed.
    """
    if directory.holds_index(index) and not force:
        raise InputError(
            f"{index} holds an index already; restore to a new folder, or give --force to make the backup "
            f"its next generation"
        )
    with _opened(backup) as stored:
        require_space(index, _size(stored.manifest))
        with directory.writer_lock(index), new_generation(index) as folder:
            stored.copy_to(folder, progress)
            failpoint("restore.copied")
            problems = damage(Generation(folder, stored.manifest))
            if problems:
                raise CorruptIndex(f"the backup {backup} is damaged, nothing was restored: {problems[0]}")
            committed = commit(index, folder, _continued(stored.manifest, index), keep)
            remember(committed, index, cache)
    return committed


def _continued(manifest: Manifest, index: Path) -> Manifest:
    """The backup's manifest, giving out no number that the index has used."""
    passage_no, segment = directory.free_numbers(index)
    return replace(
        manifest,
        build={**manifest.build, "command": "restore", "restored_generation": manifest.generation},
        next_passage_no=max(manifest.next_passage_no, passage_no),
        next_segment=max(manifest.next_segment, segment),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """An open backup: what it says it holds, and how to get it out."""

    manifest: Manifest
    copy_to: Callable[[Path, Progress], None]


@contextmanager
def _opened(backup: Path) -> Iterator[Stored]:
    """A backup, folder or archive, its manifest checked. Raises InputError or CorruptIndex."""
    if backup.is_dir():
        generation = directory.current(backup)
        yield Stored(generation.manifest, lambda folder, progress: _copy(generation, folder, progress))
        return
    try:
        with tarfile.open(backup, "r:") as archive:
            yield _read_head(archive, backup)
    except FileNotFoundError as error:
        raise InputError(f"{backup}: no such backup") from error
    except tarfile.TarError as error:
        raise CorruptIndex(f"{backup} is no whole archive of `indexer backup`: {error}") from error


def _copy(generation: Generation, folder: Path, progress: Progress) -> None:
    names = generation.manifest.files
    for done, (name, record) in enumerate(names.items(), start=1):
        file = generation.folder / name
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != record.size:
            raise CorruptIndex(
                f"the backup {generation.folder.parent} is damaged, nothing was restored: {file}: "
                f"{status.st_size} bytes, the manifest says {record.size}"
            )
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name)
        progress("restore", done, len(names))


def _read_head(archive: tarfile.TarFile, backup: Path) -> Stored:
    """CURRENT and the manifest, which stand first."""
    match = POINTER.fullmatch(_read(archive, archive.next()))
    raw = _read(archive, archive.next())
    if match is None or hashlib.sha256(raw).hexdigest() != match[3].decode():
        raise CorruptIndex(f"{backup} is no whole archive of `indexer backup`: it does not begin with one")
    manifest = parse_manifest(raw, f"{backup}: {MANIFEST}")
    prefix = f"{match[1].decode()}/"
    return Stored(manifest, lambda folder, progress: _extract(archive, prefix, manifest, folder, progress))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    stream = archive.extractfile(member) if member else None
    return stream.read(directory.MANIFEST_BYTES + 1)[: directory.MANIFEST_BYTES] if stream else b""


def _extract(
    archive: tarfile.TarFile, prefix: str, manifest: Manifest, folder: Path, progress: Progress
) -> None:
    """Only what the manifest lists, under the names it lists: an archive cannot write anywhere else."""
    done = 0
    for member in archive:
        name = member.name.removeprefix(prefix)
        record = manifest.files.get(name)
        if record is None or not member.isreg() or member.size > record.size:
            continue  # what is missing then is told by the check of all files
        stream = archive.extractfile(member)
        assert stream is not None  # of a regular file
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as target:
            shutil.copyfileobj(stream, target, _BLOCK)
        done += 1
        progress("restore", done, len(manifest.files))
