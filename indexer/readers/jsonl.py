"""Reader of .jsonl and .ndjson, plain, .gz or .zst: a line -> a row.

Streams, and a bad line costs only itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from indexer.readers.records import MAX_RECORD_BYTES, Rejected, Row, Unfit, kind_of, shown
from indexer.readers.streams import bounded_lines, decoded, open_regular, unpacked, utf8_stream


def read_jsonl(path: Path) -> Iterator[Row | Rejected]:
    """A row for each line that is a JSON object; blank lines are passed over. Raises Unfit, OSError."""
    with open_regular(path) as file:
        yield from json_lines(unpacked(file, path.name), shown(path))


def json_lines(chunks: Iterator[bytes], name: str) -> Iterator[Row | Rejected]:
    """As `read_jsonl`, of bytes from anywhere; `name` says from where."""
    number = 0
    try:
        for number, line in bounded_lines(utf8_stream(chunks)):
            if line is None:
                yield Rejected(name, number, f"a line longer than {MAX_RECORD_BYTES >> 20} MiB")
            elif line.strip():
                yield _row(name, number, line)
    except Unfit as fault:  # of the packing: what follows cannot be found
        yield Rejected(name, number + 1, str(fault))


def _row(name: str, number: int, line: bytes) -> Row | Rejected:
    try:
        return Row(number, json_object(decoded(line)))
    except Unfit as fault:
        return Rejected(name, number, str(fault))


def json_object(text: str) -> dict[str, object]:
    """The keys and values of one JSON object. Raises Unfit."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unfit(f"bad JSON at column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise Unfit("bad JSON: nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise Unfit("bad JSON: a number with too many digits") from error
    if not isinstance(value, dict):
        raise Unfit(f"not a JSON object but {kind_of(value)}")
    return value
