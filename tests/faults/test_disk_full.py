"""A disk that is really full: a tmpfs of a few megabytes, and a limit a few bytes short of each file's size."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Size, spread
from tests.faults.counts import Counts
from tests.faults.harness import Driver, Drivers, not_whole
from tests.faults.operations import OPERATIONS, Operation, States, started, states_of, wrong_after

pytestmark = pytest.mark.faults

COMMANDS = ("add", "build", "delete", "merge", "purge", "backup", "restore", "work")
DISK_BYTES = 12 << 20
PAGE = 4096
SHORT_BYTES = 3


@pytest.fixture(scope="module")
def small_disk(memory: Path) -> Iterator[tuple[Driver, Path]]:
    """A driver that has a small disk of its own, and where all can see it."""
    place = memory / "disk"
    place.mkdir()
    mount = f'mount -t tmpfs -o size={DISK_BYTES} none "$0" && exec "$@"'
    before = ("unshare", "-m", "sh", "-c", mount, str(place))
    if shutil.which("unshare") is None or subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount a tmpfs in a namespace of its own (unshare -m)")
    driver = Driver(memory, before)
    driver.always = {"unlimited_space": True}
    yield driver, Path(f"/proc/{driver.pid}/root") / place.relative_to("/")
    driver.close()


def filled(disk: Path, free: int) -> Path:
    """A file that leaves so many bytes of the disk."""
    ballast = disk / "ballast"
    room = shutil.disk_usage(disk).free - free
    with ballast.open("wb") as file:
        file.write(bytes(max(room, 0)))
    return ballast


def ended_badly(
    operation: Operation, states: States, driver: Driver, root: Path, how: dict[str, object]
) -> tuple[bool, list[str]]:
    """Run it where there is too little room -> whether it failed, what is wrong about how it did."""
    run = driver.run(operation.job, root, how, **operation.arguments)
    wrong = [run.untidy] if run.untidy else []
    if run.status == 0 and not operation.backup:
        found = driver.run("look", root, index=operation.index)
        wrong += [f"reported as done: {line}" for line in not_whole(found, states.allowed[-1:])]
    return run.status != 0, wrong


@pytest.mark.parametrize("name", COMMANDS)
def test_on_a_full_disk_the_old_generation_is_served(
    name: str, size: Size, counts: Counts, small_disk: tuple[Driver, Path], world: Path
) -> None:
    if size.name == "taste" and name != "add":
        pytest.skip("tried by `make test-faults`")
    operation, row = OPERATIONS[name], counts.row("a full tmpfs")
    driver, disk = small_disk
    states = states_of(operation, driver, world, disk / "whole")
    shutil.rmtree(disk / "whole")
    started(operation, driver, world, disk / "case")
    before = shutil.disk_usage(disk).used
    driver.run(operation.job, disk / "case", **operation.arguments)
    written = shutil.disk_usage(disk).used - before
    most = max(written, 100 * PAGE)
    with row.counted():
        for pages in spread(most // PAGE, 2 * size.calls):
            root = started(operation, driver, world, disk / "case")
            ballast = filled(disk, (pages - 1) * PAGE)
            hit, wrong = ended_badly(operation, states, driver, root, {})
            if operation.index == "index" or operation.backup:
                wrong += [
                    f"on the full disk: {line}"
                    for line in not_whole(driver.run("look", root), states.allowed)
                ]
            ballast.unlink()
            row.case(
                f"{name}, {pages - 1} pages free", wrong + wrong_after(operation, states, driver, root), hit
            )
            shutil.rmtree(root)


def test_a_disk_with_too_little_room_is_refused_before_any_work(
    small_disk: tuple[Driver, Path], world: Path
) -> None:
    driver, disk = small_disk
    root = started(OPERATIONS["add"], driver, world, disk / "case")
    run = driver.run("add", root, {"unlimited_space": False})
    assert run.status != 0 and "MB are needed" in run.message, run.stderr
    assert [path.name for path in (root / "index").glob(".*")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_cannot_be_written_to_its_end_is_an_error(
    name: str, size: Size, counts: Counts, drivers: Drivers, world: Path, memory: Path
) -> None:
    if size.name == "taste" and name != "add":
        pytest.skip("tried by `make test-faults`")
    operation, row = OPERATIONS[name], counts.row("a limit a few bytes short of a file")
    states = states_of(operation, drivers.first, world, memory / "whole")
    root = started(operation, drivers.first, world, memory / "whole")
    had = {path.stat().st_ino for path in root.rglob("*")}
    drivers.first.run(operation.job, root, **operation.arguments)
    new = (path for path in root.rglob("*") if path.is_file() and path.stat().st_ino not in had)
    sizes = sorted({path.stat().st_size for path in new if path.stat().st_size > SHORT_BYTES})

    def case(driver: Driver, place: int) -> tuple[bool, list[str]]:
        root = started(operation, driver, world, memory / f"case-{driver.pid}")
        hit, wrong = ended_badly(
            operation, states, driver, root, {"file_size": sizes[place - 1] - SHORT_BYTES}
        )
        return hit, wrong + wrong_after(operation, states, driver, root)

    with row.counted():
        for place, (hit, wrong) in drivers.over(spread(len(sizes), 2 * size.calls), case):
            row.case(f"{name}, {sizes[place - 1] - SHORT_BYTES} bytes", wrong, hit)
