"""A few hundred articles that stand for many: which, and for how many each group of them stands.

Lines of JSON are drawn from the whole file, single-article files evenly by size, other formats from
the file's first megabytes. Seeded, so that the same files give the same sample.
PATHs -> [Stratum], one a kind of file
"""

import itertools
import os
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from indexer.articles import READERS, Record, read_files
from indexer.readers.records import Unfit
from indexer.readers.streams import bounded_lines, open_regular, unpacked, utf8_stream
from indexer.readers.walk import Found, checked, walk
from passage_index.types import Article

T = TypeVar("T")

ARTICLES = 300  # sampled from each stratum, at most
FILES = 30  # many-article files read of a stratum, at most
COUNTING_S = 20.0  # for counting the lines of a stratum's files; the rest is taken by its bytes
HEAD_BYTES = 8 << 20  # read of a file that cannot be drawn from

_LINES = {kind + packing for kind in (".jsonl", ".ndjson") for packing in ("", ".gz", ".zst")}
_ALONE = {".txt", ".md", ".markdown", ".html", ".htm"}  # a file is an article


@dataclass(frozen=True, slots=True)
class Stratum:
    """Articles of one kind of file, and what they stand for."""

    articles: list[Article]
    stands_for: float  # articles
    seconds: float  # to read the sampled ones


def sample(paths: Sequence[Path]) -> list[Stratum]:
    """Draw from the files at `paths`. Raises InputError as `read_articles` does."""
    files = [one for one in walk(checked(list(paths), READERS), READERS) if isinstance(one, Found)]
    kinds: dict[str, list[Found]] = {}
    for file in sorted(files, key=lambda one: os.path.getsize(one.path)):
        kind = "lines" if file.suffix in _LINES else "alone" if file.suffix in _ALONE else file.suffix
        kinds.setdefault(kind, []).append(file)
    draw = {"lines": _from_lines, "alone": _from_files}
    return [draw.get(kind, _from_heads)(files) for kind, files in kinds.items()]


def _from_files(files: list[Found]) -> Stratum:
    chosen = _evenly(files, ARTICLES)
    articles, seconds = _read(chosen)
    return Stratum(articles, len(files) * len(articles) / len(chosen), seconds)


def _from_lines(files: list[Found]) -> Stratum:
    """Every line of the counted files is as likely to be in the sample as any other."""
    chosen = _evenly(files, FILES)
    drawn: list[bytes] = []
    dice = random.Random(len(files))
    deadline = time.monotonic() + COUNTING_S
    counted, seen_bytes = 0, 0
    for file in chosen:
        with open_regular(file.path) as stream:
            for line in _lines(stream, file.path.name):
                counted += 1
                if len(drawn) < ARTICLES:
                    drawn.append(line)
                elif (place := dice.randrange(counted)) < ARTICLES:
                    drawn[place] = line
                if time.monotonic() > deadline:
                    break
            seen_bytes += stream.tell()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.jsonl")
        path.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in drawn))
        articles, seconds = _read([Found(path, ".jsonl", "sample")])
    whole = _bytes(files) / max(seen_bytes, 1)
    return Stratum(articles, counted * whole * len(articles) / max(len(drawn), 1), seconds)


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        for _, line in bounded_lines(utf8_stream(unpacked(stream, name))):
            if line and line.strip():
                yield line
    except Unfit:
        return  # what is behind a damaged place cannot be counted


def _from_heads(files: list[Found]) -> Stratum:
    """What some files begin with, each as a share of its bytes."""
    chosen = _evenly(files, FILES)
    with tempfile.TemporaryDirectory() as folder:
        parts = [_head(file, Path(folder, f"{number}{file.suffix}")) for number, file in enumerate(chosen)]
    articles = [article for part in parts for article in part.articles]
    kept = _evenly(articles, ARTICLES)
    whole = _bytes(files) / max(_bytes(chosen), 1)
    seconds = sum(part.seconds for part in parts) * len(kept) / max(len(articles), 1)
    return Stratum(kept, sum(part.stands_for for part in parts) * whole, seconds)


def _head(file: Found, scratch: Path) -> Stratum:
    size, limit = os.path.getsize(file.path), None
    share, path = 1.0, file.path
    if file.suffix == ".parquet":  # cannot be cut, and says how many rows it has
        limit = 4 * ARTICLES
        share = min(limit / max(_parquet_rows(file.path), 1), 1.0)
    elif size > HEAD_BYTES:
        share, path = HEAD_BYTES / size, scratch
        with file.path.open("rb") as source:
            scratch.write_bytes(source.read(HEAD_BYTES))
    articles, seconds = _read([Found(path, file.suffix, "sample")], limit)
    return Stratum(articles, len(articles) / share, seconds)


def _parquet_rows(path: Path) -> int:
    import pyarrow.parquet

    try:
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    except (OSError, pyarrow.ArrowException):
        return 0


def _read(files: Iterable[Found], limit: int | None = None) -> tuple[list[Article], float]:
    """The articles of the first `limit` records, and the seconds it took to read them."""
    begun = time.perf_counter()
    records = itertools.islice(itertools.chain.from_iterable(read_files([file]) for file in files), limit)
    articles = [one.article for one in records if isinstance(one, Record)]
    return articles, time.perf_counter() - begun


def _bytes(files: Iterable[Found]) -> int:
    return sum(os.path.getsize(file.path) for file in files)


def _evenly(things: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, at equal distances, neither end preferred."""
    if len(things) <= count:
        return list(things)
    return [things[int((i + 0.5) * len(things) / count)] for i in range(count)]
