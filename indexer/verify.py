"""Is an index what it says it is: hashes, counts, ids, and vectors that still belong to their texts.

Only reads. INDEX -> a list of what is wrong, a line each
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer.chunking import Chunking
from indexer.write import embedded_passage
from passage_index import directory
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.integrity import damage
from passage_index.passages import id_bytes
from passage_index.segment import Segment
from passage_index.snapshot import Snapshot
from passage_index.types import Article, Passage

SAMPLE_ARTICLES = 50
ALIGNED_COSINE = 0.999  # a vector stored in bf16 against the same text encoded now


def verify(index: Path, encoder: Encoder | None = None, deep: bool = False) -> list[str]:
    """Everything that is wrong with the current generation; empty when nothing is.

    With an encoder the vectors of a sample of articles (all when `deep`) are made anew and compared.
    Raises NotFound, CorruptIndex (CURRENT or manifest), FormatMismatch, EncoderMismatch.
    """
    generation = directory.current(index)
    problems = damage(generation)
    if problems:
        return problems  # what lies in a damaged file is not worth reading
    snapshot = Snapshot(index, generation)
    try:
        for segment in snapshot.segments:
            problems += _counts(segment)
            problems += _ids(segment)
        problems += _lexical_counts(snapshot)
        if encoder is not None and not problems:
            require_same_encoder(snapshot.manifest.encoder, encoder.identity)
            problems += _vectors(snapshot, encoder, deep)
    finally:
        snapshot.close()
    return problems


def _counts(segment: Segment) -> Iterator[str]:
    record = segment.record
    articles, passages = segment.texts.count()
    found = {
        "articles in passages.sqlite": (articles, record.articles),
        "passages in passages.sqlite": (passages, record.passages),
        "passage numbers": (len(segment.columns.passage_no), record.passages),
        "sentence vectors": (int(segment.columns.sentence_start[-1]), record.sentences),
    }
    for what, (have, stated) in found.items():
        if have != stated:
            yield f"segment {record.name}: {have} {what}, the manifest says {stated}"


def _ids(segment: Segment) -> Iterator[str]:
    """Row by row: the passage's id in the columns is the one its text's place gives."""
    row = 0
    for _, passages in segment.texts.articles():
        for passage in passages:
            if segment.columns.id[row].tobytes() != id_bytes(passage.id):
                yield f"segment {segment.record.name}: row {row} is not passage {passage.id}"
                return
            row += 1


def _lexical_counts(snapshot: Snapshot) -> Iterator[str]:
    found = snapshot.lexical.count()
    if found != snapshot.manifest.passages:
        yield f"lexical/passages holds {found} passages, the manifest says {snapshot.manifest.passages}"


def _vectors(snapshot: Snapshot, encoder: Encoder, deep: bool) -> Iterator[str]:
    chunking = Chunking(**snapshot.manifest.chunking)
    for segment in snapshot.segments:
        every = 1 if deep else max(1, segment.record.articles // SAMPLE_ARTICLES)
        row = 0
        for number, (article, passages) in enumerate(segment.texts.articles()):
            if number % every == 0:
                yield from _misaligned(segment, row, article, passages, encoder, chunking)
            row += len(passages)


def _misaligned(
    segment: Segment,
    row: int,
    article: Article,
    passages: list[Passage],
    encoder: Encoder,
    chunking: Chunking,
) -> Iterator[str]:
    fresh = encoder.encode_passages([embedded_passage(article, passage, chunking) for passage in passages])
    stored = segment.dense.vectors(np.arange(row, row + len(passages)))
    for passage, new, old in zip(passages, fresh, stored, strict=True):
        cosine = float(new.vector @ old)
        if cosine < ALIGNED_COSINE:
            yield f"passage {passage.id} of {article.id}: stored vector has cosine {cosine:.3f} to its text's"
