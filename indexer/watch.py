"""Keeps an index in step with a folder: new, changed and removed files, one commit a round at most.

    walk the folder            size and time, then the hash, against watched.json
    -> read what changed       ids, file by file
    -> growing.grow            add, replace, delete, and the new watched.json, in one generation
    or a first build           of all files, where there is no index yet

Never deletes on doubt: a file that cannot be reached or read, or some of whose records are rejected,
keeps the articles it had; a folder in which nothing is left is an error.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.ahead import Ahead
from indexer.articles import READERS, Record, Rejected, Skipped, read_files
from indexer.build import commit_staged
from indexer.growing import Wish, grow
from indexer.intake import Found as Item
from indexer.intake import nowhere, require_articles, take_in
from indexer.readers.records import shown
from indexer.readers.walk import Found, walk
from indexer.report import BuildReport, Progress, silent
from indexer.space import require_space_for
from indexer.staging import Staging
from indexer.watched import Files, FileState, Watched, owned, read_watched, watched_bytes
from indexer.write import BuildOptions, Encoding, Run, fitted
from passage_index import commits, directory
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.errors import IndexLocked, InputError, SearchEngineError
from passage_index.model_files import file_sha256

logger = logging.getLogger(__name__)

SETTLE_S = 2.0  # a file written to more recently may not be whole yet, and waits for the next round

Touched = dict[str, tuple[int, int, str]]  # name -> size, mtime_ns, sha256 of files whose bytes are as before


@dataclass(slots=True)
class Round:
    """What one look at the folder found; filled while the changed files are read."""

    folder: str
    generation: int | None  # None: there is no index yet
    before: Watched
    unchanged: Files
    changed: dict[str, tuple[Found, FileState]]  # its state has the ids it had before
    removed: Files
    after: dict[str, FileState] = field(default_factory=dict)
    owner: dict[str, Path] = field(default_factory=dict)  # article id -> the file that has it now

    def read(self) -> Iterator[Item]:
        """The records of all changed files; an id that another file has already is rejected."""
        changed = {(self.folder, name) for name in (*self.changed, *self.removed)}
        self.owner.update(owned(self.before, changed))
        for name, (file, state) in self.changed.items():
            ids: list[str] = []
            others: list[str] = []
            whole = True
            for one in read_files([file]):
                item = self._claimed(one, file.path)
                if isinstance(item, Record):
                    ids.append(item.article.id)
                elif isinstance(one, Record):
                    others.append(one.article.id)
                whole = whole and isinstance(item, Record | Skipped)
                yield item
            kept = () if whole else [one for one in state.ids if one not in self.owner]
            if kept:
                logger.warning(
                    "%s: %d articles it had are kept, for not all of it can be read", file.path, len(kept)
                )
                self.owner.update((one, file.path) for one in kept)
            self.after[name] = replace(state, ids=(*ids, *kept), others=tuple(others))

    def _claimed(self, one: Item, path: Path) -> Item:
        if not isinstance(one, Record):
            return one
        owner = self.owner.setdefault(one.article.id, path)
        if owner == path:
            return one
        return Rejected(one.path, one.line, f"the id {one.article.id!r} stands in {owner} already")

    def gone(self) -> list[str]:
        """Ids that no file has any longer. Ask after `read`."""
        had = [state for _, state in self.changed.values()] + list(self.removed.values())
        return [one for state in had for one in state.ids if one not in self.owner]

    def watched(self) -> bytes | None:
        """The new watched.json, or None when no file has other bytes or other articles. Ask after `read`."""
        files = {**self.unchanged, **self.after}
        if _essence(files) == _essence(self.before.get(self.folder, {})):
            return None
        return watched_bytes({**self.before, self.folder: files})


def _essence(files: Files) -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return {name: (state.sha256, state.ids, state.others) for name, state in files.items()}


def look(folder: Path, index: Path, touched: Touched, settle_s: float = SETTLE_S) -> Round:
    """What has changed in a folder since its last commit; reads no article.

    Raises InputError when the folder is gone or cannot be read, or nothing is left of what it held.
    """
    place = str(folder.resolve())
    current = directory.current(index) if directory.holds_index(index) else None
    before = read_watched(current) if current else {}
    number = current.manifest.generation if current else None
    known = before.get(place, {})
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; nothing was changed")
    files, unread = _walked(folder)
    if known and not files:
        raise InputError(
            f"{folder} held {len(known)} files and holds none now; is the disk there? Nothing was changed. "
            f"To empty the index, use `indexer delete`"
        )
    unchanged: dict[str, FileState] = {}
    changed: dict[str, tuple[Found, FileState]] = {}
    for name, file in files.items():
        state = known.get(name)
        try:
            now = _state(name, file.path, state, touched, settle_s)
        except OSError as error:
            logger.warning("%s cannot be read: %s; its articles stay as they are", file.path, error.strerror)
            now = state
        if now is not None and (state is None or now.sha256 != state.sha256):
            changed[name] = file, replace(now, ids=state.ids if state else ())
        elif state is not None:
            unchanged[name] = state
    unreached, removed = _missing(folder, known, files, unread)
    freed = {one for state in (*removed.values(), *(s for _, s in changed.values())) for one in state.ids}
    for name in files:
        if name in unchanged and freed.intersection(unchanged[name].others):
            changed[name] = files[name], unchanged.pop(name)  # the last: who still has an id keeps it
    return Round(place, number, before, unchanged | unreached, changed, removed)


def _walked(folder: Path) -> tuple[dict[str, Found], dict[str, str]]:
    """The files by their path below the folder; what could not be followed or listed, with the reason."""
    files, unread = {}, {}
    try:
        for one in walk([folder], READERS):
            if isinstance(one, Found):
                files[os.path.relpath(one.path, folder)] = one
            elif isinstance(one, Rejected):
                unread[one.path] = one.reason
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}; nothing was changed") from error
    return files, unread


def _missing(
    folder: Path, known: Files, files: Mapping[str, Found], unread: Mapping[str, str]
) -> tuple[dict[str, FileState], dict[str, FileState]]:
    """The known files that are not met: those that cannot be reached, which is said, and those removed."""
    unreached: dict[str, FileState] = {}
    removed: dict[str, FileState] = {}
    for name, state in known.items():
        if name not in files:
            reason = _why_unreached(folder / name, unread)
            (unreached if reason else removed)[name] = state
            if reason:
                logger.warning("%s: %s; its articles stay as they are", folder / name, reason)
    return unreached, removed


def _why_unreached(file: Path, unread: Mapping[str, str]) -> str | None:
    """Why a file that is not met may be there all the same: it, or a folder that it lies in, is unread."""
    return next((unread[shown(one)] for one in (file, *file.parents) if shown(one) in unread), None)


def _state(
    name: str, path: Path, known: FileState | None, touched: Touched, settle_s: float
) -> FileState | None:
    """The file as it is, hashed only if size or time say so; as it was while it is still being written."""
    status = os.stat(path)
    size, mtime_ns = status.st_size, status.st_mtime_ns
    if known and (known.size, known.mtime_ns) == (size, mtime_ns):
        return known
    if name in touched and touched[name][:2] == (size, mtime_ns):
        return FileState(size, mtime_ns, touched[name][2], ())
    if abs(time.time() - mtime_ns / 1e9) < settle_s:
        return known
    sha256 = file_sha256(path)
    touched[name] = size, mtime_ns, sha256
    return FileState(size, mtime_ns, sha256, ())


def step(
    folder: Path,
    index: Path,
    encoder: Callable[[], Encoder],
    options: BuildOptions,
    touched: Touched,
    settle_s: float = SETTLE_S,
    progress: Progress = silent,
) -> BuildReport | None:
    """One round: bring the index in step with the folder, or make it. None when nothing has changed.

    encoder: asked for only when a file has to be read.
    """
    found = look(folder, index, touched, settle_s)
    if not found.changed and not found.removed:
        return None
    loaded = encoder() if found.changed else None
    run = Run(options, BuildReport(), progress)
    if loaded is not None and found.generation is None:
        _build(folder, index, found, loaded, run)
        return run.report
    if loaded is not None:
        require_same_encoder(directory.current(index).manifest.encoder, loaded.identity)
    read = found.read() if found.changed else ()
    if not found.changed:
        found.owner.update(owned(found.before, {(found.folder, name) for name in found.removed}))
    grow(index, Wish("watch", read, found.gone, found.watched, found.generation), run, loaded)
    return run.report


def _build(folder: Path, index: Path, found: Round, encoder: Encoder, run: Run) -> None:
    """The first generation: every file of the folder, and which of them gave what. Raises InputError."""
    encoding = Encoding(encoder, fitted(run.options.chunking, encoder))
    require_space_for([folder], index, encoder.identity.dim)
    with directory.writer_lock(index), commits.new_generation(index) as scratch:
        if directory.holds_index(index):  # another writer was quicker: the next round goes on from there
            return
        staging = Staging(scratch / "staging.sqlite")
        with Ahead(staging, encoding, run) as staged:
            take_in(found.read(), staged, nowhere, encoding, run)
        require_articles(run.report)
        (scratch / directory.WATCHED).write_bytes(found.watched() or b"")
        commit_staged(index, scratch, staging, encoding, run, "watch")


def watch(
    folder: Path,
    index: Path,
    encoder: Callable[[], Encoder],
    options: BuildOptions,
    every_s: float,
    told: Callable[[BuildReport], None],
    progress: Progress = silent,
) -> None:
    """`step` for ever, `every_s` seconds apart; errors are logged and the next round tries again."""
    touched: Touched = {}
    while True:
        try:
            report = step(folder, index, encoder, options, touched, progress=progress)
            if report is not None:
                told(report)
        except IndexLocked as error:
            logger.info("waiting: %s", error)
        except SearchEngineError as error:
            logger.warning("%s; trying again in %.0f s", error, every_s)
        time.sleep(every_s)
