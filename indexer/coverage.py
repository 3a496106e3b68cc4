"""What became of every file and record that a run met: a row each, and counts by reason.

Knows nothing of how they were read. outcomes -> FILE.csv or FILE.json, and a few lines for a person
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO

from passage_index.errors import InputError

COLUMNS = ("path", "line", "outcome", "reason", "id", "title", "passages", "characters", "same_text_as")

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBERS = re.compile(r"\d[\d,.]*")
_MAX_KIND = 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file or record.

    outcome: `added`, `replaced`, `unchanged`, `rejected`, `empty` (rejected, for it holds no text) or
    `skipped` (a file that no reader knows, or read already). same_text_as: the id of an earlier article
    of this run with the same text to the letter; both are kept.
    """

    path: str
    line: int | None
    outcome: str
    reason: str = ""
    id: str = ""
    title: str = ""
    passages: int = 0
    characters: int = 0
    same_text_as: str = ""


def kind_of_reason(reason: str) -> str:
    """What reasons of one kind have in common: `bad JSON at column 7: ...` -> `bad JSON at column N`."""
    kind = _NUMBERS.sub("N", _QUOTED.sub("…", reason).partition(": ")[0].partition(";")[0])
    return kind[:_MAX_KIND].strip()


def is_empty(reason: str) -> bool:
    """Whether a record was rejected because it holds no text."""
    return reason.startswith(("no text", "no sentence"))


@dataclass(slots=True)
class Coverage:
    """Writes the outcomes of a run as they come. Holds 16 bytes and an id a text, to tell repeats."""

    _file: IO[str]
    _as_json: bool
    _rows: int = 0
    _counts: Counter[str] = field(default_factory=Counter)
    _kinds: Counter[str] = field(default_factory=Counter)
    _texts: dict[bytes, str] = field(default_factory=dict)

    def note(self, one: Outcome, text: str = "") -> None:
        """Write an outcome; `text` of an article that was read."""
        if text:
            key = blake2b(text.encode(), digest_size=16).digest()
            first = self._texts.setdefault(key, one.id)
            if first != one.id:
                one = Outcome(**{**asdict(one), "same_text_as": first})
        self._counts[one.outcome] += 1
        if one.reason:
            self._kinds[kind_of_reason(one.reason)] += 1
        if self._as_json:
            self._file.write(",\n" if self._rows else "")
            self._file.write(json.dumps(asdict(one), ensure_ascii=False))
        else:
            csv.writer(self._file).writerow([_cell(asdict(one)[column]) for column in COLUMNS])
        self._rows += 1

    def begin(self) -> None:
        """What stands before the rows."""
        if self._as_json:
            self._file.write('{"records": [\n')
        else:
            csv.writer(self._file).writerow(COLUMNS)

    def end(self) -> None:
        """What stands after them: in JSON the counts by outcome, and by kind of reason."""
        if self._as_json:
            counts = {
                "outcomes": dict(self._counts.most_common()),
                "reasons": dict(self._kinds.most_common()),
            }
            self._file.write("\n],\n" + json.dumps(counts, ensure_ascii=False)[1:] + "\n")


@contextmanager
def written(path: Path | None) -> Iterator[Coverage | None]:
    """The coverage report at `path`, which ends in .csv or .json; None where there is to be none.

    Raises InputError for another ending or a place that cannot be written, before any work.
    """
    if path is None:
        yield None
        return
    if path.suffix.lower() not in (".csv", ".json"):
        raise InputError(f"--report {path}: expected a name that ends in .csv or .json")
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"--report {path} cannot be written: {error.strerror or error}") from error
    with file:
        report = Coverage(file, path.suffix.lower() == ".json")
        report.begin()
        yield report
        report.end()


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return "" if value is None else value
