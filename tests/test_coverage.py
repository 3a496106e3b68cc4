"""The coverage report: a row for every file and record, whatever became of it, and counts by reason."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from indexer.build import BuildOptions, build
from indexer.coverage import COLUMNS, kind_of_reason, written
from indexer.growing import add
from indexer.report import BuildReport
from passage_index.errors import InputError
from tests.fakes import FakeEncoder
from tests.reading import BODY, jsonl
from tests.reading import written as put

ROWS = (
    {"_id": "one", "title": "Bridge closed", "text": BODY},
    {"_id": "two", "title": "=HYPERLINK(1)", "text": BODY},
    {"_id": "one", "text": "The id stands already."},
    {"_id": "three", "text": " "},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "in" / "a.jsonl", jsonl(*ROWS) + b"{broken\n{broken too\n")
    put(tmp_path / "in" / "b.xlsx", b"PK")
    put(tmp_path / "in" / "c.XLSX", b"PK")
    put(tmp_path / "in" / "d", b"no suffix")
    put(tmp_path / "in" / "e.txt", "Another article, about the ferry.")
    (tmp_path / "in" / "f.txt").symlink_to(tmp_path / "in" / "e.txt")
    return tmp_path / "in"


def covered(folder: Path, report: Path, index: Path) -> BuildReport:
    grow = add if index.exists() else build
    with written(report) as coverage:
        return grow([folder], index, FakeEncoder(), BuildOptions(coverage=coverage))


def test_every_file_and_record_has_a_row_with_what_became_of_it(folder: Path, tmp_path: Path) -> None:
    report = covered(folder, tmp_path / "report.json", tmp_path / "index")
    told: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    rows = [
        (Path(row["path"]).name, row["line"], row["outcome"], row["id"], row["same_text_as"])
        for row in told["records"]
    ]
    assert rows == [
        ("a.jsonl", 1, "added", "one", ""),
        ("a.jsonl", 2, "added", "two", "one"),
        ("a.jsonl", 3, "rejected", "", ""),
        ("a.jsonl", 4, "empty", "", ""),
        ("a.jsonl", 5, "rejected", "", ""),
        ("a.jsonl", 6, "rejected", "", ""),
        ("b.xlsx", None, "skipped", "", ""),
        ("c.XLSX", None, "skipped", "", ""),
        ("d", None, "skipped", "", ""),
        ("e.txt", None, "added", "in/e.txt", ""),
        ("f.txt", None, "skipped", "", ""),
    ]
    first = told["records"][0]
    assert (first["title"], first["passages"], first["characters"]) == ("Bridge closed", 1, len(BODY))
    assert told["outcomes"] == {"skipped": 4, "added": 3, "rejected": 3, "empty": 1}
    assert told["reasons"]["bad JSON at column N"] == 2
    assert told["reasons"]["the id … stands already on line N"] == 1
    assert sum(told["reasons"].values()) == 8
    assert dict(report.skipped_by) == {".xlsx": 2, "no suffix": 1, "read already": 1}
    told_at_the_end = str(report)
    assert "           2 bad JSON at column N" in told_at_the_end
    assert "           passed over: 2 .xlsx, 1 no suffix, 1 read already" in told_at_the_end
    assert report.to_json()["rejected_by_reason"] == dict(report.reasons)


def test_a_table_has_the_same_rows_and_no_formulas(folder: Path, tmp_path: Path) -> None:
    covered(folder, tmp_path / "report.csv", tmp_path / "index")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS and len(rows) == 11
    assert rows[1][COLUMNS.index("title")] == "'=HYPERLINK(1)"


def test_what_is_added_again_is_unchanged_or_replaced(folder: Path, tmp_path: Path) -> None:
    covered(folder, tmp_path / "first.json", tmp_path / "index")
    put(folder / "e.txt", "Another article, about the new ferry.")
    covered(folder, tmp_path / "second.json", tmp_path / "index")
    told = json.loads((tmp_path / "second.json").read_text())
    assert told["outcomes"] == {"skipped": 4, "rejected": 3, "unchanged": 2, "replaced": 1, "empty": 1}


def test_reports_elsewhere_are_refused_before_any_work(tmp_path: Path) -> None:
    for name, why in (("report.xls", "ends in .csv or .json"), ("missing/report.csv", "cannot be written")):
        with pytest.raises(InputError, match=why), written(tmp_path / name):
            raise AssertionError


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("bad JSON at column 7: Expecting value", "bad JSON at column N"),
        ("12 cells in the row, 3 in the header", "N cells in the row, N in the header"),
        ("no text: none of text, body, content holds any", "no text"),
        ("the id 'a: b' stands already on line 4", "the id … stands already on line N"),
        (
            "larger than 64 MiB, the most one record may have",
            "larger than N MiB, the most one record may have",
        ),
    ],
)
def test_reasons_of_one_kind(reason: str, kind: str) -> None:
    assert kind_of_reason(reason) == kind
