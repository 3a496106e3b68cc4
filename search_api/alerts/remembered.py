"""What the alerts of earlier runs have told: a file that is replaced as a whole, and never half written.

A lock on a file beside it keeps two runs apart. State <-> STATE.json
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passage_index import directory
from passage_index.errors import IndexLocked, InputError, SearchEngineError, WriteFailed
from passage_index.manifest import Manifest

VERSION = 1
MOST_SEEN = 5_000  # articles a search, the newest
MOST_RECENT = 100  # alerts, for a feed


@dataclass(slots=True)
class Followed:
    """One search: what it asked, and the articles that it has told, by id with the hash of their text."""

    fingerprint: str
    seen: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """mark: passages from this number on were not there at the last run, which read `generation`."""

    index: str = ""
    encoder: str = ""
    generation: int = 0
    manifest: str = ""  # which generation that was, by a hash; empty where an older program wrote this
    mark: int = 0
    searches: dict[str, Followed] = field(default_factory=dict)
    recent: list[dict[str, Any]] = field(default_factory=list)  # alerts, the newest first

    def begins_at(self, index: Path, manifest: Manifest) -> int:
        """The number from which passages are new; 0, all of them, in another index or one that went back."""
        is_same = self._is_of(index) and self.encoder == manifest.encoder.weights_sha256
        went_back = manifest.generation < self.generation or self.mark > manifest.next_passage_no
        return self.mark if is_same and not went_back else 0

    def _is_of(self, index: Path) -> bool:
        """Whether it is the index that was read: by that generation, if it is kept, or by its place.

        An index may be moved, and another one made where it was.
        """
        try:
            read = directory.generation(index, self.generation).manifest
        except SearchEngineError:  # not kept any more
            return self.index == str(index.resolve())
        return self.manifest == _hash(read) if self.manifest else self.index == str(index.resolve())

    def went_to(self, index: Path, manifest: Manifest) -> None:
        """Note the generation that was read."""
        self.index, self.encoder = str(index.resolve()), manifest.encoder.weights_sha256
        self.generation, self.manifest = manifest.generation, _hash(manifest)
        self.mark = manifest.next_passage_no


def _hash(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.to_bytes()).hexdigest()[:32]


@contextmanager
def only_run(file: Path) -> Iterator[None]:
    """While it lasts no other run has this state. Raises IndexLocked, with exit code 4, if one has."""
    try:
        with file.with_name(f"{file.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IndexLocked(
                    f"another run of `search-api alerts` has {file}; wait for its end"
                ) from error
            yield
    except OSError as error:
        raise InputError(
            f"{file} cannot be used: {error.strerror}; name another file with --state"
        ) from error


def read_state(file: Path) -> State:
    """What is remembered; nothing where there is no file. Raises InputError on what is no state."""
    try:
        data = json.loads(file.read_bytes())
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        raise InputError(f"{file} is not a state of alerts: {error}; move it away to begin anew") from error
    try:
        if data["version"] != VERSION:
            raise InputError(f"{file} has version {data['version']!r}, this program knows {VERSION}")
        searches = {
            name: Followed(str(one["fingerprint"]), {str(k): str(v) for k, v in one["seen"].items()})
            for name, one in data["searches"].items()
        }
        return State(
            str(data["index"]),
            str(data["encoder"]),
            int(data["generation"]),
            str(data.get("manifest", "")),
            int(data["mark"]),
            searches,
            list(data["recent"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file} is not a state of alerts; move it away to begin anew") from error


def write_state(file: Path, state: State) -> None:
    """Replace the file in one step. Raises WriteFailed, and leaves the old one, when the disk refuses."""
    data = {
        "version": VERSION,
        "index": state.index,
        "encoder": state.encoder,
        "generation": state.generation,
        "manifest": state.manifest,
        "mark": state.mark,
        "searches": {
            name: {"fingerprint": one.fingerprint, "seen": dict([*one.seen.items()][-MOST_SEEN:])}
            for name, one in state.searches.items()
        },
        "recent": state.recent[:MOST_RECENT],
    }
    replace_file(file, json.dumps(data, ensure_ascii=False, indent=1).encode())


def replace_file(file: Path, content: bytes) -> None:
    """Put content in the place of a file in one step, on the disk when this returns. Raises WriteFailed."""
    scratch = file.with_name(f".{file.name}.part")
    try:
        with scratch.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise WriteFailed(f"{file} cannot be written: {error.strerror}; it is as it was") from error
