"""Are the files of a generation the ones its manifest lists: names, sizes, hashes.

A file is hashed in full the first time this host sees it; later a stamp outside the index is trusted,
so that a large index opens in seconds and a swap reads only what is new. Knows nothing of contents.
Generation -> lines that say what is wrong
"""

import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from passage_index.directory import MANIFEST, Generation, files_below
from passage_index.errors import MEND, CorruptIndex
from passage_index.model_files import file_sha256

logger = logging.getLogger(__name__)

NO_FILE = "no regular file but a link, a FIFO or a device; an index holds none"
Seen = dict[str, str]  # "device inode size mtime_ns" -> sha256; a hard link to a file is the same file


def stamps_file(cache: Path, index: Path) -> Path:
    """Where this host remembers which files of an index it has checked."""
    return cache / "checked" / f"{hashlib.sha256(str(index.resolve()).encode()).hexdigest()[:32]}.json"


def damage(generation: Generation, stamps: Path | None = None, seen: Seen | None = None) -> list[str]:
    """What is wrong with a generation's files, a line each; empty when all is well.

    stamps: a file outside the index in which this host remembers what it has hashed in full; that is
    not read again. None hashes everything. seen: takes part in that memory for several calls in a row.
    """
    strange = [f"{entry}: {NO_FILE}" for entry in _strange(generation.folder)]
    if strange:
        return strange  # a folder that is a link would lead every name below it elsewhere
    trusted = _read_stamps(stamps) | (seen or {})
    found: Seen = {}
    problems = []
    for name, record in generation.manifest.files.items():
        file = generation.folder / name
        try:
            status = file.stat()
            stamp = _stamp(status)
            if status.st_size != record.size:
                problems.append(f"{file}: {status.st_size} bytes, the manifest says {record.size}")
            elif trusted.get(stamp) != record.sha256 and file_sha256(file) != record.sha256:
                problems.append(f"{file}: its sha256 is not the manifest's")
            else:
                found[stamp] = record.sha256
        except FileNotFoundError:
            problems.append(f"{file}: missing")
        except OSError as error:
            problems.append(f"{file}: cannot be read: {error.strerror}")
    problems += _unlisted(generation)
    if seen is not None:
        seen |= found
    if stamps is not None and not problems and found.items() - trusted.items():
        _write_stamps(stamps, found)
    return problems


def _unlisted(generation: Generation) -> Iterator[str]:
    listed = {*generation.manifest.files, MANIFEST}
    for file in files_below(generation.folder):
        if file.relative_to(generation.folder).as_posix() not in listed:
            yield f"{file}: not listed in the manifest"


def _strange(folder: Path) -> Iterator[Path]:
    """What stands in a generation and is neither a folder nor a regular file."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            entry = Path(parent, name)
            mode = entry.lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                yield entry


def require_whole(generation: Generation, index: Path, stamps: Path | None) -> None:
    """Raises CorruptIndex with the first problems that `damage` finds."""
    problems = damage(generation, stamps)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CorruptIndex(
            "; ".join(problems[:3]) + more + f". `indexer verify --index {index}` lists all, "
            f"`indexer rollback --index {index}` goes back to an older generation, a new build mends it"
        )


def whole_file(generation: Generation, name: str) -> Path:
    """One file of a generation, its hash checked now, for who reads no other. Raises CorruptIndex."""
    file = generation.folder / name
    try:
        record = generation.manifest.files[name]
        is_inside = file.resolve() == generation.folder.resolve() / name
        if is_inside and file.stat().st_size == record.size and file_sha256(file) == record.sha256:
            return file
        problem = "its sha256 is not the manifest's"
    except KeyError:
        problem = "not listed in the manifest"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise CorruptIndex(f"{file}: {problem}; {MEND}")


def remember(generation: Generation, index: Path, cache: Path | None) -> None:
    """Note that the files just committed are whole, for their writer has hashed them; no cache, no note."""
    if cache is None:
        return
    found = {}
    for name, record in generation.manifest.files.items():
        found[_stamp((generation.folder / name).stat())] = record.sha256
    _write_stamps(stamps_file(cache, index), found)


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"


def _read_stamps(stamps: Path | None) -> Seen:
    try:
        return (
            {str(key): str(value) for key, value in json.loads(stamps.read_text()).items()} if stamps else {}
        )
    except (OSError, ValueError, AttributeError):
        return {}


def _write_stamps(stamps: Path, found: Seen) -> None:
    """Best effort: without stamps the next start only hashes again."""
    scratch = stamps.with_name(f"{stamps.name}.{os.getpid()}")
    try:
        stamps.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps(found))
        os.replace(scratch, stamps)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        logger.info("cannot remember checked files in %s: %s", stamps, error)
