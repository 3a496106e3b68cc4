"""Reader of .csv: a record below the header -> a row. Streams; quoted cells may hold line ends.

In UTF-8, else in the encoding that its bytes beyond ASCII fit best.
The delimiter is the comma, or the semicolon or tab where the header has more of those.
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from indexer.readers.assembly import check_columns
from indexer.readers.charset import CP1252_WHERE_WRONG, SAMPLE_BYTES, legacy_codec, mostly_utf8
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
        encoding = _encoding(file)
        wrong: list[str] = []  # what is wrong with the lines of the record being read
        lines = _text_lines(bounded_lines(utf8_stream(unpacked(file, path.name))), wrong, encoding)
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


def _encoding(file: BinaryIO) -> tuple[str, str]:
    """(codec, what to do with bytes that do not fit) of a file, which is read once and left at its beginning.

    Spreadsheets save in the encoding of their country; where it cannot be told, lines that are not
    UTF-8 are refused one by one.
    """
    decoder, data = codecs.getincrementaldecoder("utf-8")(), b""
    try:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-8", "strict"  # as the stream of lines will have it
        file.seek(0)
        while data := file.read(SAMPLE_BYTES):
            decoder.decode(data)
    except UnicodeDecodeError:
        if mostly_utf8(data):
            return "utf-8", CP1252_WHERE_WRONG
        return legacy_codec(data) or "utf-8", "strict"
    finally:
        file.seek(0)
    return "utf-8", "strict"


def _text_lines(
    lines: Iterator[tuple[int, bytes | None]], wrong: list[str], encoding: tuple[str, str]
) -> Iterator[str]:
    for number, line in lines:
        if line is None:
            raise Unfit(f"line {number} is longer than {MAX_RECORD_BYTES >> 20} MiB")
        try:
            yield line.decode(*encoding)
        except UnicodeDecodeError as error:
            wrong.append(
                f"invalid {encoding[0].upper()} at byte {error.start} of line {number}; expected UTF-8"
            )
            yield line.decode("utf-8", "replace")
