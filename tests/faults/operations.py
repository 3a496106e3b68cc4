"""Every command that writes, what may be seen after it was cut short, and how it is gone on from there.

An operation's states come from runs that nothing disturbs; `wrong_after` then says what is wrong after
a run that was cut short, by whatever. Operation, world -> States -> lines that say what is wrong
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.corpus import own_word
from tests.faults.corpus import PURGED
from tests.faults.harness import Driver, State, copied, left_over, not_whole, same


@dataclass(frozen=True, slots=True)
class Operation:
    """A job and the index it writes to."""

    job: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    index: str = "index"
    halfway: Mapping[str, Any] | None = None  # what a `delete` is given to make a third state that may be seen
    backup: str = ""  # what it makes, if that is no index


OPERATIONS = {
    "build": Operation("build"),
    "first build": Operation("build", {"index": "new"}, index="new"),
    "add": Operation("add"),
    "delete": Operation("delete"),
    "merge": Operation("merge"),
    "purge": Operation("purge", halfway={"article": PURGED, "merge": False}),
    "backup": Operation("backup", {"to": "saved"}, backup="saved"),
    "backup to an archive": Operation("backup", {"to": "saved.tar"}, backup="saved.tar"),
    "restore": Operation("restore", index="restored"),
    "restore of an archive": Operation("restore", {"of": "backup.tar"}, index="restored"),
    "restore over an index": Operation("restore", {"index": "index", "force": True}),
    "reembed": Operation("reembed", index="reembedded"),
    "watch": Operation("watch"),
    "rollback": Operation("rollback"),
}


@dataclass(frozen=True, slots=True)
class States:
    """What a reader may find, the old state first and the new one last, and what each becomes by the next add."""

    allowed: tuple[State, ...]
    grown: tuple[State, ...]
    met: Mapping[str, int]  # how often a whole run meets each failpoint
    seconds: float  # of a whole run


def states_of(operation: Operation, driver: Driver, world: Path, scratch: Path) -> States:
    """Run it whole, and not at all."""
    allowed, grown = [], []
    steps: list[tuple[str, Mapping[str, Any]]] = [("", {}), (operation.job, operation.arguments)]
    if operation.halfway:
        steps.insert(1, ("delete", operation.halfway))
    for job, arguments in steps:
        root = copied(world, scratch)
        if job:
            run = driver.run(job, root, {"count": True}, **arguments)
            assert run.status == 0, run.stderr
        state = _seen(driver, root, operation.index)
        assert state["problems"] == []
        allowed.append(state)
        grown.append(_seen_after_next_add(driver, root, operation.index) if state["articles"] else state)
    return States(tuple(allowed), tuple(grown), run.met, run.seconds)


def _seen(driver: Driver, root: Path, index: str) -> State:
    found = driver.run("look", root, index=index)
    assert found.status == 0, found.stderr
    return found.result


def _seen_after_next_add(driver: Driver, root: Path, index: str) -> State:
    added = driver.run("add", root, file="next.jsonl", index=index)
    assert added.status == 0, added.stderr
    return _seen(driver, root, index)


def wrong_after(operation: Operation, states: States, driver: Driver, root: Path) -> list[str]:
    """What is wrong after a run that was cut short, and after the next writer went on from there."""
    found = driver.run("look", root, index=operation.index)
    wrong = not_whole(found, states.allowed)
    if wrong:
        return wrong
    if operation.backup:
        return list(_backup_wrong(operation, states.allowed[0], driver, root))
    if operation.job == "purge":
        again = driver.run(operation.job, root, **operation.arguments)
        found = driver.run("look", root, index=operation.index)
        wrong += _ended(again) + not_whole(found, states.allowed[-1:]) + _words_left(root)
    if not found.result["articles"]:
        again = driver.run(operation.job, root, **operation.arguments)
        found = driver.run("look", root, index=operation.index)
        wrong += _ended(again) + not_whole(found, states.allowed[-1:])
    if wrong:
        return wrong
    position = [same(found.result, state) for state in states.allowed].index(True)
    added = driver.run("add", root, file="next.jsonl", index=operation.index)
    found = driver.run("look", root, index=operation.index)
    return _ended(added) + not_whole(found, states.grown[position : position + 1]) + left_over(found)


def _ended(run: Any) -> list[str]:
    return [f"the next writer failed: {run.untidy or run.stderr.strip()}"] if run.status else []


def _backup_wrong(operation: Operation, old: State, driver: Driver, root: Path) -> Iterator[str]:
    """A backup that is there is whole; one that is not can be made now; nothing else is left."""
    if not (root / operation.backup).exists():
        yield from _ended(driver.run(operation.job, root, **operation.arguments))
    yield from _ended(driver.run("restore", root, of=operation.backup, index="of-backup"))
    yield from not_whole(driver.run("look", root, index="of-backup"), [old])
    yield from (f"left over: {path.name}" for path in root.glob(f"{operation.backup}.*"))


def _words_left(root: Path) -> list[str]:
    """Files that still hold the purged article's own word."""
    word = own_word(PURGED).encode()
    places = [path for part in ("index", "cache") for path in (root / part).rglob("*") if path.is_file()]
    return [f"purged, but still in {path}" for path in places if word in path.read_bytes()]
