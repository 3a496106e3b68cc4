"""Reader of .csv: a record below the header -> a row. Streams; quoted cells may hold line ends.

The delimiter is the comma, or the semicolon or tab where the header has more of those.
"""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.readers.assembly import check_columns
from indexer.readers.records import MAX_RECORD_BYTES, Rejected, Row, Unfit, shown
from indexer.readers.streams import bounded_lines, open_regular, unpacked, utf8_stream

if TYPE_CHECKING:
    from _csv import Reader

_DELIMITERS = ",;\t"


def read_csv(path: Path) -> Iterator[Row | Rejected]:
    """A row for each record below the header, named by the line it begins on.

    Raises Unfit if there is no header with a text column, or a line is too long; OSError.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)  # of the process; the default of 128 KiB is less than an article
    with open_regular(path) as file:
        wrong: list[str] = []  # what is wrong with the lines of the record being read
        lines = _text_lines(bounded_lines(utf8_stream(unpacked(file, path.name))), wrong)
        first = next(lines, "")
        delimiter = max(_DELIMITERS, key=first.count)
        records = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        columns = _columns(records, wrong)
        yield from _rows(shown(path), records, columns, wrong)


def _columns(records: "Reader", wrong: list[str]) -> list[str]:
    try:
        columns = [cell.strip() for cell in next(records, [])]
    except csv.Error as error:
        raise Unfit(f"bad CSV in the header: {error}") from error
    if wrong:
        raise Unfit(wrong[0])
    check_columns(columns)
    return columns


def _rows(name: str, records: "Reader", columns: list[str], wrong: list[str]) -> Iterator[Row | Rejected]:
    while True:
        line = records.line_num + 1
        wrong.clear()
        try:
            cells = next(records, None)
        except csv.Error as error:
            yield Rejected(name, line, f"bad CSV: {error}")
            if "field larger" in str(error):  # a quote that is never closed: no telling where a record begins
                return
            continue
        except Unfit as fault:
            yield Rejected(name, line, str(fault))
            return
        if cells is None:
            return
        if wrong:
            yield Rejected(name, line, wrong[0])
        elif cells and len(cells) != len(columns):
            yield Rejected(name, line, f"{len(cells)} cells in the row, {len(columns)} in the header")
        elif cells:
            yield Row(line, {column: cell for column, cell in zip(columns, cells, strict=True) if cell})


def _text_lines(lines: Iterator[tuple[int, bytes | None]], wrong: list[str]) -> Iterator[str]:
    for number, line in lines:
        if line is None:
            raise Unfit(f"line {number} is longer than {MAX_RECORD_BYTES >> 20} MiB")
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            wrong.append(f"invalid UTF-8 at byte {error.start} of line {number}; expected UTF-8")
            yield line.decode("utf-8", "replace")
