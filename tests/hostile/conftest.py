"""The suite of `make test-hostile`: a taste in every run of the tests, all of it with `-m hostile`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What carries the mark is left out unless it is asked for."""
    if "hostile" in str(config.getoption("markexpr")).split():
        return
    mine = [item for item in items if item.get_closest_marker("hostile")]
    if mine:
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if not item.get_closest_marker("hostile")]


@pytest.fixture(scope="session")
def take() -> Iterator[Callable[[Path, Path], dict[str, Any]]]:
    """Builds an index of a hostile PATH in a process that may take only so much; see taking.py."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-m", "tests.hostile.taking"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        told, said = process.stdin, process.stdout

        def taken(path: Path, index: Path) -> dict[str, Any]:
            told.write(json.dumps({"path": str(path), "index": str(index)}) + "\n")
            told.flush()
            found: dict[str, Any] = json.loads(said.readline())
            return found

        yield taken
        told.close()
