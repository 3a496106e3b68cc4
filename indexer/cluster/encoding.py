"""A staged shard -> the shard with vectors: what an encoding process does, again and again.

Knows nothing of Ray; whoever starts such a process gives it threads or a GPU.
"""

import hashlib
import time
from dataclasses import dataclass
from itertools import islice

from indexer.cluster.recipe import Recipe
from indexer.cluster.shards import ShardArticle, read_shard, shard_file, texts_file, write_shard
from indexer.write import embedded_passage
from passage_index.dense import encode_stored
from passage_index.encoder import Encoder


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What the manifest says of a shard. encoder_s: of this run, 0 where the shard was there already."""

    name: str
    articles: int
    passages: int
    bytes: int
    sha256: str
    encoder_s: float = 0.0


def encode_shard(name: str, recipe: Recipe, encoder: Encoder) -> ShardRecord:
    """Encode a staged shard and write it, or find that this was done. Tried twice, it is there once.

    Raises CorruptIndex where neither the shard nor what was staged can be read, WriteFailed.
    """
    file = shard_file(recipe.folder, name)
    encoder_s = 0.0
    if not file.exists():
        articles = read_shard(texts_file(recipe.folder, name))
        begun_s = time.perf_counter()
        encoded = encode(articles, recipe, encoder)
        encoder_s = time.perf_counter() - begun_s
        write_shard(file, encoded)
    content = file.read_bytes()  # what stands there, whoever wrote it
    articles = read_shard(file, content)
    return ShardRecord(
        name,
        len(articles),
        sum(len(one.passages) for one in articles),
        len(content),
        hashlib.sha256(content).hexdigest(),
        encoder_s,
    )


def encode(articles: list[ShardArticle], recipe: Recipe, encoder: Encoder) -> list[ShardArticle]:
    """The same articles with the stored vectors of all passages, encoded as one batch."""
    embedded = [
        embedded_passage(one.article, passage, recipe.chunking)
        for one in articles
        for passage in one.passages
    ]
    stored = iter([encode_stored(vectors) for vectors in encoder.encode_passages(embedded)])
    return [
        ShardArticle(one.article, one.passages, list(islice(stored, len(one.passages)))) for one in articles
    ]
