"""Reader of .parquet: a row of the table -> a row, its values as Python has them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.readers.assembly import check_columns
from indexer.readers.records import Rejected, Row, shown
from indexer.readers.streams import open_regular, refuse_bomb

_BATCH_ROWS = 64  # articles of a batch stand in memory twice


def read_parquet(path: Path) -> Iterator[Row | Rejected]:
    """A row for each row of the table, numbered from 1. Raises Unfit, OSError."""
    import pyarrow as pa  # slow to import, for those who have none
    import pyarrow.parquet as pq

    name, number = shown(path), 0
    with open_regular(path) as file:
        try:
            table = pq.ParquetFile(file, page_checksum_verification=True)
            check_columns(table.schema_arrow.names)
            _refuse_bombs(table.metadata)
            size, unpacked = os.fstat(file.fileno()).st_size, 0
            for batch in table.iter_batches(_BATCH_ROWS, use_threads=False):
                for row in _values(batch):
                    number += 1
                    unpacked += sum(len(cell) for cell in (row or {}).values() if isinstance(cell, str))
                    refuse_bomb(unpacked, size)
                    yield Row(number, row) if row is not None else Rejected(name, number, "invalid UTF-8")
        except (pa.ArrowException, OSError) as error:
            first_line = str(error).partition("\n")[0][:200]
            line = number + 1 if number else None
            yield Rejected(name, line, f"the parquet file is damaged: {first_line}")


def _refuse_bombs(metadata: Any) -> None:
    """By what the file says of its columns, for a page is unpacked whole. Raises Unfit."""
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            said = metadata.row_group(group).column(column)
            refuse_bomb(said.total_uncompressed_size, said.total_compressed_size)


def _values(batch: Any) -> Iterator[dict[str, object] | None]:
    """The rows of a batch; None for one whose text is not UTF-8."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for position in range(batch.num_rows):
            try:
                yield from batch.slice(position, 1).to_pylist()
            except UnicodeDecodeError:
                yield None
