"""SIGKILL at every failpoint and at random moments: afterwards the index is the old one or the new one, whole."""

import itertools
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from passage_index.failpoints import NAMES
from tests.faults.conftest import Size, spread
from tests.faults.counts import Counts
from tests.faults.harness import Driver, Drivers
from tests.faults.operations import OPERATIONS, Operation, States, started, states_of, wrong_after

pytestmark = pytest.mark.faults

TASTE = ("commit.file_synced", "commit.renamed", "pointer.synced", "pointer.swapped", "prune.renamed")
ISSUE = ("build", "add", "delete", "merge", "purge", "backup", "restore")
RANDOMLY = ("build", "add", "delete", "merge")
SIGKILLED = -9


@pytest.fixture(scope="module")
def met() -> set[str]:
    """Failpoints at which a process was killed in this module."""
    return set()


def killed(
    operation: Operation, states: States, world: Path, root: Path, how: Mapping[str, Any], driver: Driver
) -> tuple[bool, list[str]]:
    """Run it until it is killed -> whether it was, what was wrong afterwards."""
    started(operation, driver, world, root)
    run = driver.run(operation.job, root, how, **operation.arguments)
    if run.status == SIGKILLED:
        return True, wrong_after(operation, states, driver, root)
    wrong = (
        [f"not killed but ended with {run.status}: {run.stderr.strip()}"] if run.status or run.untidy else []
    )
    return False, wrong + wrong_after(operation, states, driver, root)


@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_any_failpoint_the_index_is_the_old_or_the_new_one(
    name: str, size: Size, counts: Counts, drivers: Drivers, world: Path, memory: Path, met: set[str]
) -> None:
    if size.name == "taste" and name != "add":
        pytest.skip("tried by `make test-faults`")
    operation, row = OPERATIONS[name], counts.row("SIGKILL at a failpoint")
    states = states_of(operation, drivers.first, world, memory / "whole")
    names = [place for place in NAMES if place in states.met]
    if size.name == "taste":
        names = list(TASTE)
    elif size.name == "quick" and name not in ISSUE:  # the others commit the same way
        names = [place for i, place in enumerate(names) if i % 3 == 0 or place not in met]
    places = [f"{place}@{hit}:kill" for place in names for hit in spread(states.met[place], size.hits)]
    met.update(states.met)

    def case(driver: Driver, place: str) -> tuple[bool, list[str]]:
        root = memory / f"case-{id(driver)}"
        return killed(operation, states, world, root, {"failpoint": place}, driver)

    with row.counted():
        for place, (hit, wrong) in drivers.over(places, case):
            row.case(f"{name} {place}", wrong if hit else [*wrong, "was not killed"], hit)


def test_every_failpoint_was_met_by_some_command(size: Size, met: set[str]) -> None:
    if size.name == "taste":
        pytest.skip("tried by `make test-faults`")
    assert set(NAMES) - met == set()


@pytest.mark.parametrize("name", RANDOMLY)
def test_killed_at_a_random_moment_the_index_is_the_old_or_the_new_one(
    name: str, size: Size, counts: Counts, drivers: Drivers, world: Path, memory: Path
) -> None:
    if size.name == "taste" and name != "add":
        pytest.skip("tried by `make test-faults`")
    operation, row = OPERATIONS[name], counts.row("SIGKILL at a random moment")
    states = states_of(operation, drivers.first, world, memory / "whole")
    dice = random.Random(f"{name} 1")
    moments = [dice.uniform(0, 1.05 * states.seconds) for _ in range(size.random_kills // len(RANDOMLY) or 1)]

    def case(driver: Driver, moment: float) -> tuple[bool, list[str]]:
        root = memory / f"case-{id(driver)}"
        return killed(operation, states, world, root, {"kill_after_s": moment}, driver)

    with row.counted():
        for moment, (hit, wrong) in drivers.over(moments, case):
            row.case(f"{name} after {moment:.4f} s", wrong, hit)


def test_spread_takes_the_ends() -> None:
    assert [spread(9, most) for most in (1, 2, 3)] == [[9], [1, 9], [1, 5, 9]]
    assert all(len(spread(*pair)) == min(pair) for pair in itertools.product(range(1, 12), repeat=2))
