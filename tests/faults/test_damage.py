"""Every file of an index damaged in every way: an error that names it and what mends it, never a wrong answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.backup import backup
from passage_index import directory
from tests.faults.conftest import Size, spread
from tests.faults.counts import Counts
from tests.faults.damages import KINDS, SEEDED, all_files, damaged, spoilt
from tests.faults.harness import Driver, Drivers, State, copied, not_whole

pytestmark = pytest.mark.faults

ALL_KINDS = (*KINDS, "swapped")


@pytest.fixture(scope="module")
def rich(driver: Driver, world: Path, memory: Path) -> Iterator[Path]:
    """A world whose index has all kinds of files: merged and fresh segments, tombstones, a watched folder."""
    root = copied(world, memory / "rich")
    for job, arguments in (("merge", {}), ("delete", {}), ("watch", {}), ("add", {})):
        run = driver.run(job, root, **arguments)
        assert run.status == 0, run.stderr
    backup(root / "index", root / "whole")
    yield root


@pytest.fixture(scope="module")
def intact(driver: Driver, rich: Path, memory: Path) -> dict[str, State]:
    """What a reader finds in either of the two generations, by number."""
    root = copied(rich, memory / "intact")
    states = [driver.run("look", root).result]
    assert driver.run("rollback", root).status == 0
    states.append(driver.run("look", root).result)
    assert states[0]["ranking"] != states[1]["ranking"]
    return {str(state["generation"]): state for state in states}


def test_the_index_has_every_kind_of_file(rich: Path) -> None:
    names = {Path(name).name for name in all_files(rich / "index")}
    assert names >= {"CURRENT", "manifest.json", "deleted.npy", "watched.json", "names.json", "meta.json",
                     "passages.sqlite", "vectors.bf16", "sentences.i8", "sentences.scale", "id.npy"}  # fmt: skip


def test_damage_to_any_file_is_seen_by_who_reads(
    size: Size, counts: Counts, drivers: Drivers, rich: Path, intact: dict[str, State], memory: Path
) -> None:
    row = counts.row("damage, then a reader")
    cases = [(kind, seed) for kind in ALL_KINDS for seed in range(size.seeds if kind in SEEDED else 1)]
    names = all_files(rich / "index")
    if size.name == "taste":
        names = names[::6]
    roots = {driver.pid: copied(rich, memory / f"rich-{driver.pid}") for driver in drivers.every}

    def all_of(driver: Driver, name: str) -> list[tuple[str, str]]:
        run = driver.run("damages", roots[driver.pid], name=name, cases=cases, intact=intact)
        told = {(kind, seed): what for kind, seed, what in run.lines}
        if run.status:
            died = [case for case, what in told.items() if what == "began"]
            told |= {case: f"ended by {run.status}: {run.untidy}" for case in died or [cases[0]]}
        return [(f"{name} {kind} {seed}", what) for (kind, seed), what in told.items()]

    with row.counted():
        for _, found in drivers.over(names, all_of):
            for case, what in found:
                if what != "harmless":  # the same bytes as before
                    row.case(case, [] if what == "seen" else [what])
        assert row.tried > len(names) * 5


def test_damage_is_seen_by_who_writes_and_can_be_mended(
    size: Size, counts: Counts, drivers: Drivers, rich: Path, intact: dict[str, State], memory: Path
) -> None:
    row = counts.row("damage, then writers and what mends")
    every = [(name, kind) for name in all_files(rich / "index") for kind in ALL_KINDS]
    cases = [
        every[place - 1] for place in spread(len(every), {"taste": 2, "quick": 30}.get(size.name, len(every)))
    ]

    def case(driver: Driver, asked: tuple[str, str]) -> list[str]:
        name, kind = asked
        root = copied(rich, memory / f"mended-{driver.pid}")
        content = spoilt(root / "index", name, kind, 0)
        if content is None:
            (root / "index" / name).unlink()
        else:
            (root / "index" / name).write_bytes(content)
        return mended(driver, root, name, kind, intact)

    with row.counted():
        for (name, kind), wrong in drivers.over(cases, case):
            row.case(f"{name} {kind}", wrong)


def mended(driver: Driver, root: Path, name: str, kind: str, intact: dict[str, State]) -> list[str]:
    """What is wrong with how the commands take a damaged file, one after another."""
    wrong = []
    harmless = name == directory.CURRENT and kind == "swapped"  # that is a rollback
    for job in (
        () if harmless else ("add", "delete", "merge", "purge", "backup", "reembed", "watch", "info", "look")
    ):
        run = driver.run(job, root)
        if run.untidy or (run.status == 0 and job != "info"):
            wrong.append(f"{job} did not stop at it: {run.untidy or run.status}")
        elif run.status and name not in run.message:
            wrong.append(f"{job} does not name the file: {run.message}")
    verified = driver.run("verified", root)
    if not harmless and name not in "".join([verified.message, *(verified.result or ())]):
        wrong.append(f"verify does not name the file: {verified.result}")
    back = driver.run("rollback", root)
    if back.status == 0:
        wrong += not_whole(driver.run("look", root), intact.values())
    elif back.untidy or "build" not in back.message:
        wrong.append(f"rollback: {back.untidy or back.message}")
    forced = driver.run("restore", root, of="whole", index="index", force=True)
    wrong += [forced.message] if forced.status else not_whole(driver.run("look", root), intact.values())
    built = driver.run("build", root)
    found = driver.run("look", root)
    return wrong + [built.message] * bool(built.status) + [found.message] * bool(found.status)


@pytest.mark.parametrize("kind", ["one bit flipped"])
def test_a_flip_that_keeps_inode_size_and_time_is_seen_by_verify(
    kind: str, driver: Driver, rich: Path, memory: Path
) -> None:
    """The one thing that stamps do not see, as docs/reliability.md says."""
    root = copied(rich, memory / "flip")
    assert driver.run("look", root, stamped=True).status == 0
    vectors = next(name for name in all_files(root / "index") if name.endswith("vectors.bf16"))
    with damaged(root / "index" / vectors, spoilt(root / "index", vectors, kind, 1), keep_time=True):
        assert driver.run("seen", root, stamped=True).status == 0
        assert vectors in driver.run("seen", root).message
        assert any(vectors in line for line in driver.run("verified", root).result)
