"""The examples in deploy/ name settings that are there."""

import re
from pathlib import Path

from search_api.settings import Settings

DEPLOY = Path(__file__).parent.parent / "deploy"


def test_every_setting_that_is_named_is_there() -> None:
    named = [
        name
        for file in sorted(DEPLOY.rglob("*"))
        if file.is_file() and file.suffix != ".json"
        for name in re.findall(r"\bSEARCH_([A-Z_]+)\b", file.read_text(encoding="utf-8"))
    ]
    assert len(named) > 5
    assert [name for name in named if name.lower() not in Settings.model_fields] == []


def test_the_unit_waits_as_long_as_the_server_takes_to_end() -> None:
    unit = (DEPLOY / "article-search.service").read_text(encoding="utf-8")
    told = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1])  # type: ignore[index]
    fields = Settings.model_fields
    assert told == fields["drain_s"].default + fields["grace_s"].default + 10


def test_every_file_is_told_of() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    files = [file.relative_to(DEPLOY).as_posix() for file in DEPLOY.rglob("*") if file.is_file()]
    assert [name for name in files if name != "README.md" and f"`{name}`" not in text] == []
