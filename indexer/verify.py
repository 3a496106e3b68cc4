"""Is an index what it says it is: hashes, counts, ids, tombstones, words, vectors that belong to their texts.

Only reads, and repairs nothing. INDEX -> a list of what is wrong, a line each
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer.chunking import Chunking
from indexer.write import embedded_passage
from passage_index import directory
from passage_index.directory import Generation
from passage_index.encoder import Encoder, require_same_encoder, unit
from passage_index.errors import CorruptIndex, FormatMismatch, NotFound
from passage_index.integrity import Seen, damage
from passage_index.lexical import ARTICLES, PASSAGES, LexicalReader
from passage_index.passages import id_bytes
from passage_index.rows import read_deleted
from passage_index.segment import Segment
from passage_index.snapshot import Snapshot
from passage_index.types import Article, Passage, PassageNos

SAMPLE_ARTICLES = 50
ALIGNED_COSINE = 0.999  # a vector stored in bf16 against the same text encoded now

_BELONGS = re.compile(
    rf"{directory.CURRENT}(\.new|\.back)?|{re.escape(directory.LOCK)}|gen-\d{{6,}}|{directory.INBOX}"
    rf"|{re.escape(directory.WRITING)}.*|{re.escape(directory.REMOVING)}.*"
)


def verify(
    index: Path, encoder: Encoder | None = None, deep: bool = False, every_generation: bool = False
) -> list[str]:
    """Everything that is wrong with the current generation; empty when nothing is.

    With an encoder the vectors of a sample of articles (all when `deep`) are made anew and compared.
    every_generation: also what is wrong with the older ones that are kept.
    Raises NotFound, CorruptIndex (CURRENT or manifest), FormatMismatch, EncoderMismatch.
    """
    current = directory.current(index)
    problems = [
        f"{child}: no part of an index; move it elsewhere"
        for child in sorted(index.iterdir())
        if not _BELONGS.fullmatch(child.name)
    ]
    seen: Seen = {}
    problems += _generation(index, current, seen)
    if encoder is not None and not problems:
        require_same_encoder(current.manifest.encoder, encoder.identity)
        snapshot = Snapshot(index, current)
        try:
            problems += _vectors(snapshot, encoder, deep)
        finally:
            snapshot.close()
    for number in directory.generations(index) if every_generation else ():
        if number != current.manifest.generation:
            problems += _kept(index, number, seen)
    return problems


def _kept(index: Path, number: int, seen: Seen) -> list[str]:
    """What is wrong with a generation that is not the current one."""
    try:
        return _generation(index, directory.generation(index, number), seen)
    except (NotFound, CorruptIndex, FormatMismatch) as error:
        return [str(error)]


def _generation(index: Path, generation: Generation, seen: Seen) -> list[str]:
    problems = damage(generation, seen=seen)
    if problems:
        return problems  # what lies in a damaged file is not worth reading
    folder, manifest = generation.folder, generation.manifest
    segments = [
        Segment(folder / directory.SEGMENTS / record.name, record, manifest.encoder.dim)
        for record in manifest.segments
    ]
    try:
        for segment in segments:
            problems += _counts(segment)
            problems += _rows(segment)
        deleted = read_deleted(folder / directory.DELETED)
        problems += _numbers(generation, segments, deleted)
        problems += _words(generation, segments, deleted)
        problems += _living_twice(generation, segments, deleted)
    finally:
        for segment in segments:
            segment.close()
    return [f"{folder.name}: {problem}" for problem in problems]


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


def _rows(segment: Segment) -> Iterator[str]:
    """Row by row: the id in the columns is the one its text's place gives, and rows are in their order."""
    columns, name = segment.columns, segment.record.name
    row, before = 0, (-(2**31), "")
    for article, passages in segment.texts.articles():
        place = (int(columns.first_day[row]), article.id)
        if place <= before:
            yield f"segment {name}: article {article.id} stands behind {before[1]}, which comes after it"
        before = place
        for passage in passages:
            if columns.id[row].tobytes() != id_bytes(passage.id):
                yield f"segment {name}: row {row} is not passage {passage.id}"
                return
            row += 1
    if (columns.rows_of(columns.passage_no) != np.arange(len(columns.passage_no))).any():
        yield f"segment {name}: its passage numbers do not lead back to their rows"


def _numbers(generation: Generation, segments: list[Segment], deleted: PassageNos) -> Iterator[str]:
    """Every passage number once, below the next one to be given; every tombstone on one of them."""
    numbers, manifest = _all_numbers(segments), generation.manifest
    if len(np.unique(numbers)) != len(numbers):
        yield "a passage number stands in two rows"
    if len(numbers) and int(numbers.max()) >= manifest.next_passage_no:
        yield f"passage number {numbers.max()} is used, the manifest's next one is {manifest.next_passage_no}"
    if len(deleted) != manifest.deleted:
        yield f"{len(deleted)} passages are deleted, the manifest says {manifest.deleted}"
    if (deleted[1:] <= deleted[:-1]).any():
        yield f"{directory.DELETED} is not sorted"
    missing = np.setdiff1d(deleted, numbers)
    if len(missing):
        yield f"{len(missing)} deleted passages are in no segment, number {missing[0]} first"


def _words(generation: Generation, segments: list[Segment], deleted: PassageNos) -> Iterator[str]:
    """Both word indexes hold exactly what lives."""
    living = {
        PASSAGES: np.setdiff1d(_all_numbers(segments), deleted),
        ARTICLES: np.setdiff1d(
            np.concatenate([segment.columns.article_key for segment in segments] or [deleted[:0]]), deleted
        ),
    }
    for name, expected in living.items():
        found = LexicalReader(generation.folder / directory.LEXICAL / name).all_numbers()
        for what, wrong in (
            ("lacks", np.setdiff1d(expected, found)),
            ("holds deleted or unknown", np.setdiff1d(found, expected)),
        ):
            if len(wrong):
                yield f"lexical/{name} {what} {len(wrong)} of {len(expected)}, number {wrong[0]} first"
        if len(np.unique(found)) != len(found):
            yield f"lexical/{name} holds a number twice"
    if len(living[ARTICLES]) != generation.manifest.articles:
        yield f"{len(living[ARTICLES])} articles live, the manifest says {generation.manifest.articles}"


def _living_twice(generation: Generation, segments: list[Segment], deleted: PassageNos) -> Iterator[str]:
    if len(segments) < 2:
        return  # inside a segment the database forbids it
    ids: Counter[str] = Counter()
    for segment in segments:
        dead = np.isin(segment.columns.passage_no, deleted)
        ids.update(id_ for id_, row, _ in segment.texts.places() if not dead[row])
    for article_id, count in ids.items():
        if count > 1:
            yield f"article {article_id} lives {count} times"


def _all_numbers(segments: list[Segment]) -> PassageNos:
    none = np.empty(0, dtype=np.uint64)
    return np.concatenate([none, *(segment.columns.passage_no for segment in segments)])


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
        cosine = float(new.vector @ unit(old))
        if cosine < ALIGNED_COSINE:
            yield f"passage {passage.id} of {article.id}: stored vector has cosine {cosine:.3f} to its text's"
