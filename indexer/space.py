"""Is there room on the disk, asked before any work.

PATHs or bytes -> NoSpace, or nothing
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from indexer.articles import READERS
from indexer.readers.walk import Found, walk
from passage_index.errors import NoSpace

# Text bytes in a byte of a file, where packing or markup makes it other than one; cautious guesses.
_TEXT_SHARE = {
    ".gz": 3.0, ".zst": 3.0, ".parquet": 2.0, ".html": 0.3, ".htm": 0.3, ".warc": 0.2, ".xml": 0.6,
}  # fmt: skip
# Index bytes for a byte of text: texts and words, and a share a dimension; measured on news.
_WORDS_AND_TEXTS = 2.2
_A_DIMENSION = 0.012
_SPARE_BYTES = 64 << 20  # for SQLite, tantivy and the file system


def text_bytes(paths: Sequence[Path]) -> int:
    """About how many bytes of text the files hold, by their names and sizes; nothing is read."""
    total = 0.0
    for found in walk(paths, READERS):
        if isinstance(found, Found):
            ending = "." + found.suffix.rsplit(".", 1)[-1]
            packed = _TEXT_SHARE.get(ending, 1.0)
            markup = (
                _TEXT_SHARE.get(found.suffix.removesuffix(ending), 1.0) if found.suffix != ending else 1.0
            )
            total += os.path.getsize(found.path) * packed * markup
    return int(total)


def require_space_for(paths: Sequence[Path], index: Path, dim: int) -> None:
    """Raises NoSpace when the articles at `paths` will hardly fit on the disk of `index`."""
    require_space_for_text(text_bytes(paths), index, dim)


def require_space_for_text(size: int, index: Path, dim: int) -> None:
    """Raises NoSpace when the index of `size` bytes of text will hardly fit on the disk of `index`."""
    require_space(index, int(size * (_WORDS_AND_TEXTS + _A_DIMENSION * dim)))


def require_space(index: Path, needed: int) -> None:
    """Raises NoSpace, with both figures, unless the disk of `index` has `needed` bytes to spare."""
    place = next(folder for folder in (index, *index.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < needed + _SPARE_BYTES:
        raise NoSpace(
            f"about {(needed + _SPARE_BYTES) / 1e6:,.0f} MB are needed for {index}, {free / 1e6:,.0f} MB "
            f"are free on that disk; free space there, or give --index on another disk"
        )
