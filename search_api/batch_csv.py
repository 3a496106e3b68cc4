"""Questions in a table, answers in a table: CSV as spreadsheets write and read it.

Every column of the questions is kept. A cell that a spreadsheet would take for a formula gets an apostrophe
in front. Knows nothing of ranking. QUESTIONS.csv -> rows -> ANSWERS.csv
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from passage_index.errors import InputError
from search_api.answers.several import CitedSentence, Sentences

QUESTION_NAMES = ("question", "q", "query", "text")  # of the column that asks, the first that is there
COLUMNS = (
    "rank", "answered", "answer", "confidence", "title", "source", "date", "url",
    "article_id", "start", "end", "sha256", "verified",
)  # fmt: skip
KEPT = "found_"  # in front of one of ours whose name the questions have already
DELIMITERS = ",;\t"
LONGEST_CELL = 1_000_000

# One apostrophe more is put before what begins so, so that taking one away gives the cell back.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d+)?%?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A file of questions. delimiter and has_bom are kept for the answers."""

    header: tuple[str, ...]
    asks: int  # which column holds the question
    delimiter: str
    has_bom: bool
    rows: tuple[tuple[str, ...], ...]
    rejected: tuple[str, ...]  # what is wrong with which line


def read_table(file: Path, column: str | None = None) -> Table:
    """All questions of a file. column: which one asks, if it has none of the usual names.

    A row without a question or with other columns than the header is told in `rejected`. Raises InputError
    where the file as a whole cannot be read.
    """
    text, has_bom = _decoded(file)
    delimiter = _delimiter(text)
    csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: tuple[str, ...] | None = None
    rows: list[tuple[str, ...]] = []
    rejected: list[str] = []
    asks = 0
    for line, cells in _numbered(lines, file):
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = tuple(cell.strip() for cell in cells)
            asks = _question_column(header, column, file)
        elif len(cells) != len(header):
            rejected.append(f"{file}:{line}: {len(cells)} cells, the header has {len(header)}")
        elif not cells[asks].strip():
            rejected.append(f"{file}:{line}: no question in column {header[asks]!r}")
        else:
            rows.append(tuple(cells))
    if header is None:
        raise InputError(f"{file} is empty; the first line names the columns, one of them `question`")
    return Table(header, asks, delimiter, has_bom, tuple(rows), tuple(rejected))


def _decoded(file: Path) -> tuple[str, bool]:
    try:
        raw = file.read_bytes()
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16"), True
        return raw.decode("utf-8-sig"), raw.startswith(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{file}:{line} is not UTF-8; save the table as `CSV UTF-8`") from error


def _delimiter(text: str) -> str:
    """What the header is parted by, outside of quotation marks; a comma where nothing parts it."""
    header = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    return max(DELIMITERS, key=header.count)


def _numbered(lines: Any, file: Path) -> Iterator[tuple[int, list[str]]]:
    """(the line it begins on, cells) of every record."""
    before = 0
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{file}:{before + 1}: the record that begins here is no CSV: {error}; is a quotation mark "
                f"left open?"
            ) from error
        yield before + 1, cells
        before = lines.line_num


def _question_column(header: Sequence[str], wanted: str | None, file: Path) -> int:
    names = [name.casefold() for name in header]
    for name in (wanted.casefold(),) if wanted else QUESTION_NAMES:
        if name in names:
            return names.index(name)
    if wanted is None and len(header) == 1:
        return 0
    raise InputError(
        f"{file} has no column {' or '.join([wanted] if wanted else QUESTION_NAMES)}; it has "
        f"{', '.join(header)}; name the one that asks with --column"
    )


def write_answers(table: Table, answers: Callable[[str], tuple[Sentences, bool]], out: TextIO) -> int:
    """Answer every question; returns how many there were. answers: the sentences, and whether they answer.

    A question for which nothing is found has one row, with a rank of 0.
    """
    if table.has_bom:
        out.write("\ufeff")  # a spreadsheet that wrote one needs one to read letters beyond ASCII
    ours = [KEPT + name if name in table.header else name for name in COLUMNS]
    writer = csv.writer(out, delimiter=table.delimiter)
    writer.writerow([safe(name) for name in (*table.header, *ours)])
    for row in table.rows:
        found, is_answered = answers(row[table.asks])
        for cells in _answer_rows(found, is_answered):
            writer.writerow([safe(str(cell)) for cell in (*row, *(cells[name] for name in COLUMNS))])
    return len(table.rows)


def _answer_rows(found: Sentences, is_answered: bool) -> Iterator[Mapping[str, Any]]:
    said = {"answered": "yes" if is_answered else "no"}
    blank = dict.fromkeys(COLUMNS, "") | said
    if not found.best:
        yield blank | {"rank": 0, "confidence": found.confidence}
    for rank, one in enumerate(found.best, start=1):
        first = {"confidence": found.confidence} if rank == 1 else {}  # it is the first sentence's only
        yield blank | first | {"rank": rank} | _cells(one)


def _cells(one: CitedSentence) -> dict[str, Any]:
    cited, article = one.citation, one.stored.article
    return {
        "answer": " ".join(cited.quote.split()),
        "title": article.title,
        "source": article.source or "",
        "date": str(article.published or ""),
        "url": article.url or "",
        "article_id": article.id,
        "start": cited.start,
        "end": cited.end,
        "sha256": cited.sha256,
        "verified": "yes" if cited.verified else "no",
    }


def safe(cell: str) -> str:
    """The cell, with an apostrophe in front where a spreadsheet would take it for a formula.

    Example: `=1+1` -> `'=1+1`, `-3.5` as it is.
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
