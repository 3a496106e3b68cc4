"""Calls to the disk that fail: a clear error, the old generation still there, no failed flush ever trusted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from passage_index.directory import CURRENT
from tests.faults.conftest import Size, spread
from tests.faults.counts import Counts
from tests.faults.disk import FAULTS, Fault, calls, compiled, failed_flush, trusted_after_failure
from tests.faults.harness import Driver, Drivers, State, copied, not_whole, same
from tests.faults.operations import OPERATIONS, Operation, States, started, states_of, wrong_after

pytestmark = pytest.mark.faults

COMMANDS = ("add", "build", "delete", "merge", "purge", "backup", "backup to an archive", "restore", "work")
ABSORBED = ("a short write", "a short read", "no hard links")  # legal, or there is another way


@pytest.fixture(scope="module")
def shimmed(memory: Path) -> Iterator[Drivers]:
    library = compiled(memory)
    if library is None:
        pytest.skip("no gcc to compile the shim with")
    with Drivers.opened(memory, 2, {"LD_PRELOAD": str(library)}) as drivers:
        yield drivers


@pytest.fixture(scope="module")
def states(driver: Driver, world: Path, memory: Path) -> dict[str, States]:
    """Filled as they are asked for."""
    return {}


def failed(
    fault: Fault, nth: int, operation: Operation, states: States, world: Path, root: Path, driver: Driver
) -> tuple[bool, list[str]]:
    """Run it on a failing disk -> whether a call failed, what was wrong then and afterwards."""
    started(operation, driver, world, root)
    log = root.with_suffix(".log")
    how = {"env": fault.env(root, nth, log)}
    run = driver.run(operation.job, root, how, **operation.arguments)
    seen = calls(log)
    wrong = [run.untidy] if run.untidy else []
    if fault.lasting:
        wrong += _still_served(operation, states, driver, root, how)
        calls(log)
    wrong += trusted_after_failure(seen, CURRENT)
    if run.status == 0 and any(map(failed_flush, seen)):
        wrong.append("a flush failed, and the command says all is well")
    found = driver.run("look", root, index=operation.index)
    if run.status == 0 and not operation.backup:
        wrong += [f"reported as done: {line}" for line in not_whole(found, states.allowed[-1:])]
    elif run.status and found.status == 0 and not operation.backup and not operation.finish:
        silent = "is in place" not in run.message and not same(*states.allowed)
        if silent and same(found.result, states.allowed[-1]):
            wrong.append(f"it is done, but the error says: {run.message}")
    return any(call.failed for call in seen), wrong + wrong_after(operation, states, driver, root)


def _still_served(
    operation: Operation, states: States, driver: Driver, root: Path, how: dict[str, object]
) -> list[str]:
    """A disk that stays full must not keep a fresh reader from the index."""
    first = {**how, "env": {**how["env"], "FAULT_NTH": "1"}}  # type: ignore[dict-item]
    found = driver.run("look", root, first, index="index")
    return (
        [f"on the full disk: {line}" for line in not_whole(found, states.allowed)]
        if operation.index == "index"
        else []
    )


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_fails_costs_nothing_that_was_committed(
    name: str, kind: str, size: Size, counts: Counts, shimmed: Drivers, world: Path, memory: Path,
    states: dict[str, States],
) -> None:  # fmt: skip
    if size.name == "taste" and (name, kind) not in (("add", "EIO of an fsync"), ("add", "a full disk")):
        pytest.skip("tried by `make test-faults`")
    operation, fault, row = OPERATIONS[name], FAULTS[kind], counts.row(kind)
    if name not in states:
        states[name] = states_of(operation, shimmed.first, world, memory / "whole")
    root = started(operation, shimmed.first, world, memory / "counted")
    log = memory / "counted.log"
    shimmed.first.run(operation.job, root, {"env": fault.env(root, 0, log)}, **operation.arguments)
    total = sum(call.name == fault.call for call in calls(log))

    def case(driver: Driver, nth: int) -> tuple[bool, list[str]]:
        return failed(fault, nth, operation, states[name], world, memory / f"case-{id(driver)}", driver)

    with row.counted():
        for nth, (hit, wrong) in shimmed.over(spread(total, size.calls), case):
            row.case(f"{name}, call {nth} of {total}", wrong, hit)


@pytest.mark.parametrize("kind", ["EIO of a read", "a short read"])
def test_a_reader_on_a_failing_disk_is_right_or_says_so(
    kind: str, size: Size, counts: Counts, shimmed: Drivers, world: Path, memory: Path, old: State
) -> None:
    fault, row = FAULTS[kind], counts.row(f"{kind}, searching")
    own_worlds = {driver.pid: copied(world, memory / f"read-{driver.pid}") for driver in shimmed.every}
    log = memory / "reader.log"
    shimmed.first.run("look", world, {"env": fault.env(world, 0, log)})
    total = sum(call.name == fault.call for call in calls(log))

    def case(driver: Driver, nth: int) -> tuple[bool, list[str]]:
        own_world = own_worlds[driver.pid]  # a look takes the writer's lock to show that it is free
        own = own_world.with_suffix(".log")
        found = driver.run("look", own_world, {"env": fault.env(own_world, nth, own)})
        hit = any(call.failed for call in calls(own))
        told = found.status in (1, 6) and not found.untidy
        wrong = [] if told else not_whole(found, [old])
        return hit, [line for line in wrong if "cannot be read" not in line]  # what verify is for

    with row.counted():
        for nth, (hit, wrong) in shimmed.over(spread(total, 4 * size.calls), case):
            row.case(f"call {nth} of {total}", wrong, hit)
