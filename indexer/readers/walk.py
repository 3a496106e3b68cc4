"""Which files to read, in which order: the PATHs of a command -> files, each with the id of its article.

Knows suffixes and kinds of files, not what is in them. A folder is walked in the order of its names;
hidden files and README.md are passed over; nothing outside it is touched.
"""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from indexer.readers.records import Rejected, Skipped, shown
from passage_index.errors import InputError


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be read."""

    path: Path
    suffix: str  # one of the known ones, in lower case
    id: str  # of the one article in it, or what the ids of its rows begin with


def known_suffix(name: str, known: Collection[str]) -> str | None:
    """`news.JSONL.gz` -> `.jsonl.gz`, if that is one of the known suffixes."""
    parts = name.lower().rsplit(".", 2)
    candidates = ("." + ".".join(parts[-count:]) for count in (2, 1) if len(parts) > count)
    return next((suffix for suffix in candidates if suffix in known), None)


def checked(paths: Sequence[Path], known: Collection[str]) -> list[Path]:
    """The PATHs, once each is known to be a file that can be read or a folder that holds one.

    Raises InputError.
    """
    if not paths:
        raise InputError("no PATH given: expected files or folders with articles")
    for path in paths:
        _check(path, known)
    return list(paths)


def _check(path: Path, known: Collection[str]) -> None:
    formats = ", ".join(sorted(known))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode) and not any(isinstance(item, Found) for item in walk([path], known)):
            raise InputError(f"{shown(path)}: no file in this folder can be read; expected one of {formats}")
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file or folder") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: {error}") from error
    if stat.S_ISDIR(mode):
        return
    if known_suffix(path.name, known) is None:
        raise InputError(f"{shown(path)}: not a format that is read here; expected one of {formats}")
    if not stat.S_ISREG(mode):
        raise InputError(f"{shown(path)}: neither a regular file nor a folder")


def walk(paths: Sequence[Path], known: Collection[str]) -> Iterator[Found | Rejected | Skipped]:
    """The files below each PATH in a stable order, each file once, and what is not read of them."""
    seen: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            yield Skipped(shown(path), "read already, by another PATH or name")
        elif os.path.isdir(real):
            yield from _walk_folder(path, real, known, seen)
        else:
            seen.add(real)
            yield Found(path, known_suffix(path.name, known) or "", normalize("NFC", path.name))


def _walk_folder(
    root: Path, real_root: str, known: Collection[str], seen: set[str]
) -> Iterator[Found | Rejected | Skipped]:
    name = os.path.basename(os.path.abspath(root))
    seen.add(real_root)
    # A stack of our own, for folders may be nested deeper than calls: entries, where they are, id so far.
    waiting = [(_entries(os.fspath(root)), real_root, f"{name}/" if name else "")]
    while waiting:
        entries, real_folder, prefix = waiting[-1]
        entry = next(entries, None)
        if entry is None:
            waiting.pop()
            continue
        real = os.path.join(real_folder, entry.name)  # realpath() would ask the disk for every part
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
        suffix = known_suffix(entry.name, known)
        if reason := _why_not_followed(entry, real, real_root):
            yield Rejected(shown(entry), None, reason)
        elif entry.is_file() and suffix is None:
            yield Skipped(shown(entry), "not a format that is read here")
        elif real in seen:
            yield Skipped(shown(entry), "read already, by another PATH or name")
        elif entry.is_file() and suffix:
            seen.add(real)
            yield Found(Path(entry.path), suffix, normalize("NFC", prefix + entry.name))
        else:
            seen.add(real)
            try:
                waiting.append((_entries(entry.path), real, f"{prefix}{entry.name}/"))
            except OSError as error:
                yield Rejected(shown(entry), None, f"the folder cannot be read: {error.strerror}")


def _entries(folder: str) -> "Iterator[os.DirEntry[str]]":
    with os.scandir(folder) as entries:
        shown_ones = [e for e in entries if not e.name.startswith(".") and e.name != "README.md"]
    return iter(sorted(shown_ones, key=lambda entry: entry.name))


def _why_not_followed(entry: "os.DirEntry[str]", real: str, real_root: str) -> str | None:
    if entry.is_symlink():
        if not real.startswith(os.path.join(real_root, "")) and real != real_root:
            return "a link that leads out of the folder given; not followed"
        if not os.path.exists(real):
            return "a link to nothing"
    if not entry.is_file() and not entry.is_dir():
        return "not a regular file but a FIFO, a socket or a device; not opened"
    return None
