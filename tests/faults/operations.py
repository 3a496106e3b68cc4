"""Every command that writes, what may be seen after it was cut short, and how it is gone on from there.

An operation's states come from runs that nothing disturbs; `wrong_after` then says what is wrong after
a run that was cut short, by whatever. Operation, world -> States -> lines that say what is wrong
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.corpus import PURGED, own_word
from tests.faults.harness import Driver, Outcome, State, copied, left_over, not_whole, same

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """A job and the index it writes to.

    before: jobs that are done first. halfway: jobs that make a third state that may be seen. finish:
    jobs by which an operation in several steps is gone on with, and which always end in one state.
    """

    job: str
    arguments: Arguments = field(default_factory=dict)
    index: str = "index"
    before: tuple[str, ...] = ()
    halfway: tuple[tuple[str, Arguments], ...] = ()
    finish: tuple[str, ...] = ()
    backup: str = ""  # what it makes, if that is no index


OPERATIONS = {
    "build": Operation("build"),
    "first build": Operation("build", {"index": "new"}, index="new"),
    "add": Operation("add"),
    "delete": Operation("delete"),
    "merge": Operation("merge"),
    "purge": Operation(
        "purge", halfway=(("delete", {"article": PURGED, "merge": False}),), finish=("purge",)
    ),
    "backup": Operation("backup", {"to": "saved"}, backup="saved"),
    "backup to an archive": Operation("backup", {"to": "saved.tar"}, backup="saved.tar"),
    "restore": Operation("restore", index="restored"),
    "restore of an archive": Operation("restore", {"of": "backup.tar"}, index="restored"),
    "restore over an index": Operation("restore", {"index": "index", "force": True}),
    "reembed": Operation("reembed", index="reembedded"),
    "watch": Operation("watch"),
    "rollback": Operation("rollback"),
    "a write over HTTP": Operation("accept", finish=("accept", "work")),
    "work": Operation("work", before=("accept",), finish=("work",)),
}


@dataclass(frozen=True, slots=True)
class States:
    """What a reader may find, the old state first and the new one last, and what each becomes by the next add."""

    allowed: tuple[State, ...]
    grown: tuple[State, ...]
    met: Mapping[str, int]  # how often a whole run meets each failpoint
    seconds: float  # of a whole run


def states_of(operation: Operation, driver: Driver, world: Path, scratch: Path) -> States:
    """Run it whole, and not at all. With `finish` the new state is what it ends in."""
    whole = [(operation.job, operation.arguments), *((job, {}) for job in operation.finish)]
    allowed, grown, runs = [], [], []
    for steps in ([], operation.halfway, whole) if operation.halfway else ([], whole):
        root = started(operation, driver, world, scratch)
        runs = [_whole(driver, root, job, arguments) for job, arguments in steps]
        state = _seen(driver, root, operation.index)
        assert state["problems"] == []
        allowed.append(state)
        grown.append(_seen_after_next_add(driver, root, operation.index) if state["articles"] else state)
    return States(tuple(allowed), tuple(grown), runs[0].met, runs[0].seconds)


def started(operation: Operation, driver: Driver, world: Path, root: Path) -> Path:
    """A world in which the operation can begin."""
    copied(world, root)
    for job in operation.before:
        _whole(driver, root, job, {})
    return root


def _whole(driver: Driver, root: Path, job: str, arguments: Arguments) -> Outcome:
    run = driver.run(job, root, {"count": True}, **arguments)
    assert run.status == 0, run.stderr
    return run


def _seen(driver: Driver, root: Path, index: str) -> State:
    found = driver.run("look", root, index=index)
    assert found.status == 0, found.stderr
    return found.result


def _seen_after_next_add(driver: Driver, root: Path, index: str) -> State:
    _whole(driver, root, "add", {"file": "next.jsonl", "index": index})
    return _seen(driver, root, index)


def wrong_after(operation: Operation, states: States, driver: Driver, root: Path) -> list[str]:
    """What is wrong after a run that was cut short, and after the next writer went on from there."""
    found = driver.run("look", root, index=operation.index)
    wrong = not_whole(found, states.allowed)
    if wrong:
        return wrong
    if operation.backup:
        return list(_backup_wrong(operation, states.allowed[0], driver, root))
    unborn = not found.result["articles"]
    finish = [(operation.job, operation.arguments)] if unborn else [(job, {}) for job in operation.finish]
    for job, arguments in finish:
        wrong += _ended(driver.run(job, root, **arguments))
    if finish:
        found = driver.run("look", root, index=operation.index)
        wrong += not_whole(found, states.allowed[-1:])
    if operation.job == "purge":
        wrong += _words_left(root)
    if wrong:
        return wrong
    position = [same(found.result, state) for state in states.allowed].index(True)
    added = driver.run("add", root, file="next.jsonl", index=operation.index)
    found = driver.run("look", root, index=operation.index)
    return _ended(added) + not_whole(found, states.grown[position : position + 1]) + left_over(found)


def _ended(run: Outcome) -> list[str]:
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
