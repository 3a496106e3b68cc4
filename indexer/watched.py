"""Which file of a watched folder gave which articles: watched.json, part of every generation.

Standing in the index, it is right after a crash, a restart or a rollback: what it says is what was
committed. Folders and files are paths as the user's system has them. watched.json <-> Watched
"""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from passage_index.directory import WATCHED, Generation
from passage_index.integrity import whole_file


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when its articles were taken in."""

    size: int
    mtime_ns: int
    sha256: str
    ids: tuple[str, ...]
    others: tuple[str, ...] = ()  # ids in it that another file had already


Files = Mapping[str, FileState]  # path below the folder -> state
Watched = Mapping[str, Files]  # absolute folder -> its files


def read_watched(generation: Generation) -> Watched:
    """What a generation knows of watched folders; nothing where none was ever watched. Or CorruptIndex."""
    if WATCHED not in generation.manifest.files:
        return {}
    raw = json.loads(whole_file(generation, WATCHED).read_bytes())
    return {
        folder: {name: _file_state(state) for name, state in files.items()} for folder, files in raw.items()
    }


def _file_state(state: Mapping[str, Any]) -> FileState:
    lists = {name: tuple(state.get(name, ())) for name in ("ids", "others")}
    return FileState(state["size"], state["mtime_ns"], state["sha256"], **lists)


def watched_bytes(watched: Watched) -> bytes:
    """The file's bytes; names that are no UTF-8 survive as escapes."""
    data = {
        folder: {name: asdict(state) for name, state in files.items()} for folder, files in watched.items()
    }
    return (json.dumps(data, sort_keys=True) + "\n").encode()


def owned(watched: Watched, but: Set[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    """(article id, file) of every article, leaving out the (folder, name) pairs of `but`."""
    for folder, files in watched.items():
        for name, state in files.items():
            if (folder, name) not in but:
                for article_id in state.ids:
                    yield article_id, Path(folder, name)


def without(watched: Watched, article_ids: Set[str]) -> Watched:
    """The same, with no mention of those articles."""
    return {
        folder: {
            name: replace(state, ids=tuple(i for i in state.ids if i not in article_ids))
            for name, state in files.items()
        }
        for folder, files in watched.items()
    }
