"""Every hostile file ends in a clear error, in ten seconds of the processor and bounded memory."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.hostile_files import CASES, Case

MOST_MIB = 1024  # of memory in use at the most; more addresses than that may be reserved
TASTE = ("laughs.rss", "deep.jsonl", "deep.html", "names", "device", "bomb.jsonl.zst", "cell.parquet")

MARKED = [
    pytest.param(one, id=one.name, marks=() if one.name.endswith(TASTE) else pytest.mark.hostile)
    for one in CASES
]


@pytest.mark.parametrize("case", MARKED)
def test_a_hostile_file_ends_in_a_clear_error(
    case: Case, take: Callable[[Path, Path], dict[str, Any]], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    path = case.make(given)
    found = take(path, tmp_path / "index")
    shutil.rmtree(given, ignore_errors=True)
    assert "killed" not in found, f"by {found['killed']}: time or memory ran out"
    assert "crash" not in found, found["crash"]
    told = " ".join(found["said"]) + (found["error"] or "")
    assert case.says in told
    assert case.articles in (-1, found["articles"])
    assert found["articles"] or told, "refused in silence"
    assert told.isprintable(), "what is told can steer a terminal"
    assert found["rss_mib"] < MOST_MIB
