"""Files and folders -> articles, in a stable order, with all that was refused and why.

Knows which reader a suffix has; nothing of passages, models or the index. No file of many records is
loaded whole: memory is bounded by one record of at most 32 MiB, and about 120 bytes an id.

    PATHs -> walk -> the format's reader -> rows -> assembly -> Record | Rejected | Skipped
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from indexer.readers.assembly import article_from_row
from indexer.readers.csv_rows import read_csv
from indexer.readers.feed import read_feed
from indexer.readers.html import read_html
from indexer.readers.identity import SeenIds
from indexer.readers.jsonl import read_jsonl
from indexer.readers.markdown import read_markdown
from indexer.readers.normal_form import normalise_text
from indexer.readers.parquet import read_parquet
from indexer.readers.pdf import read_pdf
from indexer.readers.plain import read_plain
from indexer.readers.records import Elsewhere, Reader, Record, Rejected, Row, Skipped, Unfit, shown
from indexer.readers.walk import Found, checked, walk
from indexer.readers.warc import read_warc
from passage_index.errors import DuplicateArticle

__all__ = ["READERS", "Record", "Rejected", "Skipped", "normalise_text", "read_articles", "read_files"]

_log = logging.getLogger(__name__)

READERS: dict[str, Reader] = {
    ".txt": read_plain,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    **{kind + packing: read_jsonl for kind in (".jsonl", ".ndjson") for packing in ("", ".gz", ".zst")},
    ".csv": read_csv,
    ".pdf": read_pdf,
    ".parquet": read_parquet,
    ".warc": read_warc,
    ".warc.gz": read_warc,
    ".rss": read_feed,
    ".atom": read_feed,
    ".xml": read_feed,
}


def read_articles(
    paths: Sequence[Path], elsewhere: Sequence[Elsewhere] = ()
) -> Iterator[Record | Rejected | Skipped]:
    """The articles of files and folders, PATH by PATH, a folder in the order of its names; then the others.

    A record that cannot be read is Rejected and the reading goes on; a file in a folder that no
    reader knows is Skipped and logged. Raises InputError at once if a PATH does not exist or holds
    nothing to read, and DuplicateArticle where the second of two files with one id is met.
    """
    files = walk(checked([Path(path) for path in paths], READERS), READERS) if paths or not elsewhere else ()
    return read_files(chain(files, elsewhere))


def read_files(
    items: Iterable[Found | Elsewhere | Rejected | Skipped],
) -> Iterator[Record | Rejected | Skipped]:
    """As `read_articles`, for files that were found already."""
    seen = SeenIds()
    for item in items:
        if isinstance(item, Found):
            yield from _read(shown(item.path), item.id, _rows(item), seen, of_file=True)
        elif isinstance(item, Elsewhere):
            yield from _read(item.name, item.name, _rows_elsewhere(item), seen, of_file=False)
        else:
            if isinstance(item, Skipped):
                _log.info("skipped %s: %s", item.path, item.reason)
            yield item


def _read(
    name: str, fallback_id: str, rows: Iterator[Row | Rejected], seen: SeenIds, of_file: bool
) -> Iterator[Record | Rejected]:
    seen.start_file(name)
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            article = article_from_row(row, fallback_id if row.line is None else f"{fallback_id}#{row.line}")
        except Unfit as fault:
            yield Rejected(name, row.line, str(fault))
            continue
        try:
            first_line = seen.note(article.id, row.line)
        except DuplicateArticle:
            if of_file:
                raise
            yield Rejected(name, row.line, f"the id {article.id!r} was read already, from another address")
            continue
        if first_line is None:
            yield Record(article, name, row.line)
        else:
            yield Rejected(name, row.line, f"the id {article.id!r} stands already on line {first_line}")


def _rows(file: Found) -> Iterator[Row | Rejected]:
    try:
        yield from READERS[file.suffix](file.path)
    except Unfit as fault:
        yield Rejected(shown(file.path), None, str(fault))
    except OSError as error:
        yield Rejected(shown(file.path), None, f"cannot be read: {error.strerror or error}")


def _rows_elsewhere(item: Elsewhere) -> Iterator[Row | Rejected]:
    try:
        yield from item.rows()
    except Unfit as fault:
        yield Rejected(item.name, None, str(fault))
