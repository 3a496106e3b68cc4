"""The fault suite in three sizes: a taste in every run of the tests, minutes with `-m faults`, all with FAULTS=full."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.corpus import make_world
from tests.faults.counts import Counts
from tests.faults.harness import Driver, Drivers, State, copied
from tests.growing import folder_in_memory

RESULTS = Path(__file__).parent.parent.parent / "bench" / "results" / "faults.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    name: str
    hits: int  # times a failpoint is met at which the process is killed, for each command
    random_kills: int  # of all commands together
    calls: int  # to the disk, of a kind, that fail, for each command
    seeds: int  # of damage to each file
    commits: int  # under a reader


SIZES = {
    "taste": Size("taste", 1, 4, 1, 1, 5),
    "quick": Size("quick", 1, 40, 2, 3, 20),
    "full": Size("full", 6, 200, 30, 50, 50),
}


def spread(count: int, most: int) -> list[int]:
    """At most so many of 1..count, the first and the last among them."""
    if min(most, count) < 2:
        return [count] if count else []
    wanted = min(count, most)
    return sorted({1 + round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "faults: real processes, killed; real files, damaged; -m faults runs more"
    )
    asked = config.getoption("markexpr")
    size = os.environ.get("FAULTS") or ("quick" if "faults" in str(asked).split() else "taste")
    config.stash[COUNTS] = Counts(size)


COUNTS = pytest.StashKey[Counts]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash[COUNTS]
    if counts.rows and counts.size != "taste":
        terminalreporter.write_sep("-", f"faults: {counts.size}")
        terminalreporter.write_line(counts.table())
        in_part = config.option.keyword or any(".py" in argument for argument in config.args)
        if not in_part:
            counts.write(RESULTS)


@pytest.fixture(scope="session")
def counts(pytestconfig: pytest.Config) -> Counts:
    return pytestconfig.stash[COUNTS]


@pytest.fixture(scope="session")
def size(counts: Counts) -> Size:
    return SIZES[counts.size]


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(scope="session")
def world(memory: Path) -> Path:
    return make_world(memory / "world")


@pytest.fixture(scope="session")
def drivers(memory: Path) -> Iterator[Drivers]:
    with Drivers.opened(memory, 2) as started:
        yield started


@pytest.fixture(scope="session")
def driver(drivers: Drivers) -> Driver:
    return drivers.first


@pytest.fixture(scope="session")
def old(driver: Driver, world: Path, memory: Path) -> State:
    """What a reader finds before anything is done."""
    outcome = driver.run("look", copied(world, memory / "old"))
    assert (outcome.status, outcome.stderr, outcome.result["problems"]) == (0, "", [])
    return outcome.result
