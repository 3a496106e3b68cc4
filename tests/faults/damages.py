"""Damage done to one file of an index, and what a reader makes of it; runs in a child of the driver.

Every case is undone before the next. A line a case goes to stdout at once, so that a child that dies
leaves behind which case it died of. (file, kind, seed) -> "" or what is wrong
"""

import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from passage_index import directory
from passage_index.errors import CorruptIndex, FormatMismatch, NotFound
from passage_index.integrity import stamps_file
from tests.faults.jobs import seen

PAGE = 4096


def _half(content: bytes, _dice: random.Random) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes, dice: random.Random) -> bytes:
    if not content:
        return content
    place = dice.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :]


def _zeroed(content: bytes, dice: random.Random) -> bytes:
    """4 KiB from a page's beginning on, as a disk loses them."""
    place = PAGE * dice.randrange(max(1, -(-len(content) // PAGE)))
    return content[:place] + bytes(min(PAGE, len(content) - place)) + content[place + PAGE :]


KINDS: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "deleted": lambda _content, _dice: None,
    "emptied": lambda _content, _dice: b"",
    "cut to half": _half,
    "one bit flipped": _flipped,
    "4 KiB zeroed": _zeroed,
}
SEEDED = ("one bit flipped", "4 KiB zeroed", "swapped")


def all_files(index: Path) -> list[str]:
    """Every file that makes up the current generation, CURRENT and manifest included."""
    folder = directory.current(index).folder
    return [
        directory.CURRENT,
        *(path.relative_to(index).as_posix() for path in directory.files_below(folder)),
    ]


def spoilt(index: Path, name: str, kind: str, seed: int) -> bytes | None:
    """What stands in the file after the damage; None: it is gone."""
    content, dice = (index / name).read_bytes(), random.Random(f"{name} {kind} {seed}")
    if kind != "swapped":
        return KINDS[kind](content, dice)
    if name == directory.CURRENT:
        older = directory.generation(index, directory.generations(index)[-2])
        return older_pointer(older)
    current, *others = (directory.generation_name(n) for n in reversed(directory.generations(index)))
    twin = index / name.replace(current, others[0], 1)
    others = [
        path for path in sorted(index.glob("gen-*/**/*")) if path.is_file() and path.suffix == twin.suffix
    ]
    choice = [twin] * (seed == 0 and twin.exists()) + dice.sample(others, len(others))
    return next((found for path in choice if (found := path.read_bytes()) != content), content)


def older_pointer(generation: directory.Generation) -> bytes:
    """CURRENT as it was when this generation was the newest."""
    from passage_index.commits import pointer_to

    return pointer_to(generation)


@contextmanager
def damaged(file: Path, content: bytes | None, keep_time: bool = False) -> Iterator[None]:
    """The file with another content, in place, until the end of the block; times as before afterwards."""
    before, status = file.read_bytes(), file.stat()
    if content is None:
        file.unlink()
    else:
        _write(file, content)
        if keep_time:
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    try:
        yield
    finally:
        _write(file, before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _write(file: Path, content: bytes) -> None:
    with file.open("r+b" if file.exists() else "wb") as stream:
        stream.write(content)
        stream.truncate()


def try_damages(root: Path, name: str, cases: list[tuple[str, int]], intact: Mapping[str, Any]) -> int:
    """Damage one file in each of these ways and read, with and without stamps. intact: states by generation."""
    index = root / "index"
    stamps = stamps_file(root / "cache", index)
    seen(index, stamps)
    for kind, seed in cases:
        content = spoilt(index, name, kind, seed)
        _tell(kind, seed, "began")
        if content == (index / name).read_bytes():
            _tell(kind, seed, "harmless")
            continue
        with damaged(index / name, content):
            wrong = [judged(index, name, one, intact) for one in (None, stamps)]
        _tell(kind, seed, "; ".join(filter(None, wrong)) or "seen")
    return len(cases)


def judged(index: Path, name: str, stamps: Path | None, intact: Mapping[str, Any]) -> str:
    """What is wrong with how a reader took the damage; empty when nothing is."""
    try:
        found = seen(index, stamps)
    except (CorruptIndex, FormatMismatch, NotFound) as error:
        named = str(index / name) in str(error) or (name == directory.CURRENT and name in str(error))
        if not named:
            return f"the error does not name the file: {error}"
        return "" if "`indexer " in str(error) else f"the error names no command: {error}"
    except BaseException as error:
        return f"a stack trace: {type(error).__name__}: {error}"
    right = intact.get(str(found["generation"]))
    same = right and (right["articles"], right["ranking"]) == (found["articles"], found["ranking"])
    return "" if same and name == directory.CURRENT else "a right answer" if same else "a wrong answer"


def _tell(kind: str, seed: int, what: str) -> None:
    sys.stdout.write(json.dumps([kind, seed, what]) + "\n")
    sys.stdout.flush()
