"""Shards: Parquet files of some articles with their passages and vectors, a row an article.

What is staged has the same form without vectors. A file gets its name when it is whole, is never
replaced, and is named after what is in it: written twice it is the same file. Knows nothing of Ray.

    FOLDER/recipe.json, manifest.json     what made the shards, and which there are
    FOLDER/read/                          what each part of the input gave (reading.py)
    FOLDER/texts/ab/NAME.parquet          split, not encoded yet
    FOLDER/shards/ab/NAME.parquet         encoded
"""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from indexer.readers.records import PARSER_FAULTS
from passage_index.commits import sync
from passage_index.errors import CorruptIndex, WriteFailed
from passage_index.journal import Stored
from passage_index.passages import article_hash, article_row, pack_spans, row_article, unpack_spans
from passage_index.types import Article, Passage

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_DIGEST = b"content"  # in the metadata of the schema
MEND = "remove it and run the same command again"
_COLUMNS = ("id", "title", "text", "published", "source", "url", "language", "metadata")


@dataclass(frozen=True, slots=True)
class ShardArticle:
    """An article, its passages, and the stored vectors of each, or None before they are encoded."""

    article: Article
    passages: Sequence[Passage]
    vectors: Sequence[Stored] | None = None


def texts_file(folder: Path, name: str) -> Path:
    """Where a shard waits to be encoded."""
    return folder / "texts" / name[:2] / f"{name}.parquet"


def shard_file(folder: Path, name: str) -> Path:
    """Where an encoded shard lies."""
    return folder / "shards" / name[:2] / f"{name}.parquet"


def shard_name(recipe: str, articles: Sequence[ShardArticle]) -> str:
    """32 hex digits that stand for how shards are made, the articles and where they were cut."""
    texts = [ShardArticle(one.article, one.passages) for one in articles]
    return blake2b((recipe + _digest(texts)).encode(), digest_size=16).hexdigest()


def _digest(articles: Sequence[ShardArticle]) -> str:
    """Over all that is in a shard: Parquet's own checksums leave out what stands between its pages."""
    digest = blake2b(digest_size=32)
    for one in articles:
        digest.update(article_hash(one.article))
        for passage in one.passages:
            digest.update(pack_spans([(passage.start, passage.end), *passage.sentences]))
        for stored in one.vectors or ():
            for part in stored:
                digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def write_shard(file: Path, articles: Sequence[ShardArticle]) -> None:
    """Write a file, flushed, unless it is there already. Raises WriteFailed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    schema = _schema().with_metadata({_DIGEST: _digest(articles)})
    table = pa.Table.from_pylist([_row(one) for one in articles], schema=schema)
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False)
    publish(file, buffer.getvalue())


def publish(file: Path, content: bytes, replace: bool = False) -> None:
    """A file under its name once it is whole and flushed; one that is there stays, unless replaced.

    Any number of processes may write the same file at once. Raises WriteFailed.
    """
    scratch = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            _name(scratch, file, replace)
            sync(file.parent)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise WriteFailed(
            f"{file} could not be written: {error}; mend the disk and run the same command again: "
            f"what is finished is kept"
        ) from error


def _name(scratch: Path, file: Path, replace: bool) -> None:
    if not replace:
        try:
            os.link(scratch, file)  # the first one wins, whatever another process is about to do
            return
        except FileExistsError:
            return
        except OSError:
            if file.exists():  # a file system without links
                return
    os.replace(scratch, file)


def read_shard(file: Path, content: bytes | None = None) -> list[ShardArticle]:
    """The articles of a file, or of its bytes where they were read already. Raises CorruptIndex."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = file if content is None else pa.BufferReader(content)
        table = pq.ParquetFile(source).read(use_threads=False)
        articles = [_article(row) for row in table.to_pylist()]
        if table.schema.metadata[_DIGEST] != _digest(articles).encode():
            raise ValueError("its content is not what was written")
    except (pa.ArrowException, *PARSER_FAULTS, OSError) as error:
        first_line = str(error).partition("\n")[0][:200]
        raise CorruptIndex(f"the shard {file} cannot be read: {first_line}; {MEND}") from error
    return articles


def _schema() -> "pa.Schema":
    import pyarrow as pa

    passage = [("id", pa.string()), ("start", pa.uint32()), ("end", pa.uint32()), ("sentences", pa.binary())]
    vectors = [("vector", pa.binary()), ("sentence_codes", pa.binary()), ("sentence_scales", pa.binary())]
    texts = [(name, pa.string()) for name in _COLUMNS]
    return pa.schema([*texts, ("passages", pa.list_(pa.struct([*passage, *vectors])))])


def _row(one: ShardArticle) -> dict[str, Any]:
    passages = [
        {"id": p.id, "start": p.start, "end": p.end, "sentences": pack_spans(p.sentences)}
        for p in one.passages
    ]
    for passage, (vector, codes, scales) in zip(passages, one.vectors or (), strict=False):
        passage |= {
            "vector": vector.astype("<u2").tobytes(),
            "sentence_codes": codes.tobytes(),
            "sentence_scales": scales.astype("<f4").tobytes(),
        }
    return {**dict(zip(_COLUMNS, article_row(one.article), strict=True)), "passages": passages}


def _article(row: dict[str, Any]) -> ShardArticle:
    article, found = row_article([row[name] for name in _COLUMNS]), row["passages"]
    passages = [Passage(article.id, p["start"], p["end"], unpack_spans(p["sentences"])) for p in found]
    if any(p["vector"] is None for p in found):
        return ShardArticle(article, passages)
    return ShardArticle(article, passages, [_stored(p) for p in found])


def _stored(passage: dict[str, Any]) -> Stored:
    scales = np.frombuffer(passage["sentence_scales"], dtype="<f4")
    codes = np.frombuffer(passage["sentence_codes"], dtype=np.int8).reshape(len(scales), -1)
    return np.frombuffer(passage["vector"], dtype="<u2"), codes, scales
