"""A file that a command reads is never the one that it writes: nothing that a user holds is lost to a slip."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from indexer.__main__ import app as indexer
from passage_index.errors import InputError
from passage_index.outputs import require_apart
from search_api.__main__ import app as search_api

TABLE = "id,text\nrow1,The otter of Vejle swam.\n"


@pytest.mark.parametrize(
    ("out", "inputs", "told"),
    [
        ("a.csv", ["b.csv", None], None),
        ("in-two/a.csv", ["in"], None),
        (None, ["a.csv"], None),
        ("a.csv", ["b.csv", "a.csv"], "--out .*a.csv is .*a.csv, which this command reads or writes too"),
        ("in/deep/a.csv", ["in"], "--out .*a.csv lies in .*in, which"),
        ("in/../b.csv", ["b.csv"], "name another place"),
        ("link.csv", ["a.csv"], "name another place"),
    ],
)
def test_a_place_of_its_own_is_wanted(
    tmp_path: Path, out: str | None, inputs: list[str | None], told: str | None
) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    place = None if out is None else tmp_path / out
    others = [None if one is None else tmp_path / one for one in inputs]
    if told is None:
        require_apart("--out", place, others)
    else:
        with pytest.raises(InputError, match=told):
            require_apart("--out", place, others)


@pytest.mark.parametrize(
    ("program", "command"),
    [
        (indexer, ["build", "{file}", "--index", "{other}", "--report", "{file}"]),
        (indexer, ["build", "{folder}", "--index", "{other}", "--report", "{file}"]),
        (indexer, ["add", "{folder}", "--index", "{index}", "--report", "{file}"]),
        (indexer, ["backup", "--index", "{index}", "--to", "{index}/copy"]),
        (search_api, ["batch", "{file}", "--index", "{index}", "--out", "{file}"]),
        (search_api, ["batch", "{queries}", "--index", "{index}", "--out", "{queries}"]),
        (search_api, ["batch", "{queries}", "--index", "{index}", "--out", "{other}", "--passages", "{other}"]),
        (search_api, ["alerts", "{searches}", "--index", "{index}", "--out", "{searches}"]),
        (search_api, ["alerts", "{searches}", "--index", "{index}", "--state", "{searches}"]),
        (search_api, ["alerts", "{searches}", "--index", "{index}", "--out", "{searches}.state.json"]),
    ],
)  # fmt: skip
def test_what_a_command_reads_is_as_it_was(
    tmp_path: Path, index: Path, program: Any, command: list[str]
) -> None:
    places = {"folder": tmp_path / "in", "file": tmp_path / "in" / "t.csv", "other": tmp_path / "other"}
    places |= {"queries": tmp_path / "q.jsonl", "searches": tmp_path / "s.toml"}
    places["folder"].mkdir()
    places["file"].write_text(TABLE.replace("text", "question") if "batch" in command else TABLE)
    places["queries"].write_text('{"_id": "1", "text": "otter"}\n')
    places["searches"].write_text('[[search]]\nname = "Otters"\nquestion = "otters"\n')
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    line = [part.format(index=index, **places) for part in command]
    with pytest.raises(InputError, match="which this command reads or writes too; name another place"):
        CliRunner().invoke(program, line, catch_exceptions=False)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
