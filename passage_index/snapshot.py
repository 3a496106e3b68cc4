"""One open generation, the only way to read an index: candidates with their evidence, texts, counts.

Public ids stand at its boundary; rows and passage numbers stay inside. Holds what it opened until
`close`, whatever is committed meanwhile. Does not encode, fuse or rank.
INDEX -> Snapshot; (question vector, words, where) -> Pool
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index import directory
from passage_index.columns import Where
from passage_index.dense import Mask
from passage_index.errors import CorruptIndex, NotFound
from passage_index.integrity import require_whole
from passage_index.lexical import ARTICLES, PASSAGES, LexicalReader, Words, require_same_analyzer
from passage_index.manifest import Manifest
from passage_index.passages import id_text
from passage_index.rows import SnapshotRows
from passage_index.segment import Segment
from passage_index.types import Article, Rows, Scores, StoredPassage, Vectors

AMONG_LIMIT = 20_000  # allowed passages up to which tantivy is given their numbers as a filter


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates for one question, in no order, and what each leg says of every one of them.

    All arrays are (n,), except signature (n, 64). Scores rise with relevance.
    """

    rows: Rows  # handles inside this snapshot
    ids: list[str]
    dense: Scores  # cosine of question and passage
    sentence: Scores  # cosine of question and the passage's best sentence
    lexical: Scores  # BM25 of the passage, 0 without a match
    title: Scores  # BM25 of the article's title
    article_lexical: Scores  # BM25 of the whole article
    article: npt.NDArray[np.uint64]  # equal for passages of one article
    first_day: npt.NDArray[np.int32]
    last_day: npt.NDArray[np.int32]
    signature: npt.NDArray[np.uint16]
    terms: int  # different words of the question that the lexical scores are sums over
    rarest_idf: float  # what BM25 takes a word for that stands in no passage; grows with the index

    def __len__(self) -> int:
        return len(self.rows)


class Snapshot:
    """An open generation. Safe to share between threads; not removed from the disk while it is open."""

    def __init__(
        self, index: Path, generation: directory.Generation, before: "Snapshot | None" = None
    ) -> None:
        """before: an open snapshot of the same index; what did not change is searched by its FAISS index."""
        require_same_analyzer(generation.manifest.analyzer, index)
        self.index = index
        self.manifest: Manifest = generation.manifest
        self._hold = directory.Hold(generation)
        try:
            self._open(generation, before)
        except BaseException:
            self._hold.close()
            raise

    def _open(self, generation: directory.Generation, before: "Snapshot | None") -> None:
        folder, dim = generation.folder, generation.manifest.encoder.dim
        self.segments = [
            Segment(folder / directory.SEGMENTS / record.name, record, dim)
            for record in generation.manifest.segments
        ]
        lexical = folder / directory.LEXICAL
        self.lexical = LexicalReader(lexical / PASSAGES)
        self._articles = LexicalReader(lexical / ARTICLES)
        self._rows = SnapshotRows(self.segments, folder / directory.DELETED)
        twins = {segment.record.name: segment for segment in before.segments} if before else {}
        for segment in self.segments:
            name = segment.record.name
            if before and name in twins and self.manifest.has_same_segment(before.manifest, name):
                segment.share_search(twins[name])
            else:
                segment.dense  # noqa: B018 - the first question should not wait for it

    @property
    def generation(self) -> int:
        """The number that stands in every reply."""
        return self.manifest.generation

    def close(self) -> None:
        """Let go of the files; the snapshot must not be used afterwards."""
        for segment in self.segments:
            segment.close()
        self._hold.close()

    # -- candidates ---------------------------------------------------------------------------

    def pool(self, vector: Vectors | None, words: Words, where: Where, depth: int) -> Pool:
        """The `depth` best passages by vector and by words, each scored by both.

        vector: (dim,) float32 of unit length, or None for words alone; empty words leave that leg out.
        """
        wanted = self._wanted(where, words)
        rows = [self._dense_rows(vector, wanted, depth), self._lexical_rows(words, wanted, depth)]
        return self._evidence(np.unique(np.concatenate(rows)), vector, words)

    def similar(self, passage_id: str, where: Where, depth: int) -> Pool:
        """Passages near a stored one by vector, itself among them. Raises KeyError when it is unknown."""
        segment, row = self._find(passage_id)
        vector = segment.dense.vectors(np.array([row]))[0]
        return self.pool(vector, Words(()), where, depth)

    def _wanted(self, where: Where, words: Words) -> Mask | None:
        """Rows that pass the filters, deleted ones among them; None when all do."""
        masks = [segment.columns.mask(where) for segment in self.segments]
        mask = None
        if any(part is not None for part in masks):
            mask = np.concatenate(
                [
                    np.ones(segment.record.passages, dtype=bool) if part is None else part
                    for segment, part in zip(self.segments, masks, strict=True)
                ]
            )
        if words.required:
            mask = self._and(mask, self._rows.mask_of(self.lexical.holding(words.required)))
        for phrase in words.excluded:
            mask = self._and(mask, ~self._rows.mask_of(self.lexical.holding([phrase])))
        return mask

    @staticmethod
    def _and(mask: Mask | None, other: Mask) -> Mask:
        return other if mask is None else mask & other

    def _dense_rows(self, vector: Vectors | None, wanted: Mask | None, depth: int) -> Rows:
        if vector is None:
            return np.empty(0, dtype=np.int64)
        mask = self._rows.living(wanted)
        rows, scores = [], []
        for segment, base in zip(self.segments, self._rows.bases, strict=False):
            own = None if mask is None else mask[base : base + segment.record.passages]
            found, cosines = segment.dense.search(vector, depth, own)
            rows.append(found + base)
            scores.append(cosines)
        return self._rows.best(np.concatenate(rows), np.concatenate(scores), depth)

    def _lexical_rows(self, words: Words, wanted: Mask | None, depth: int) -> Rows:
        """Tantivy knows itself what is deleted, so only filters matter here."""
        if not words:
            return np.empty(0, dtype=np.int64)
        query = self.lexical.any_of(words)
        if wanted is None:
            numbers, scores = self.lexical.best(query, depth)
            return self._rows.best(self._rows.rows_of(numbers), scores, depth)
        mask = wanted if self._rows.alive is None else wanted & self._rows.alive
        if int(mask.sum()) <= AMONG_LIMIT:
            allowed = self._rows.take(np.flatnonzero(mask), "passage_no")
            numbers, scores = self.lexical.search_among(query, allowed, len(allowed))
            return self._rows.best(self._rows.rows_of(numbers), scores, depth)
        asked = depth
        while True:
            numbers, scores = self.lexical.best(query, asked)
            found = self._rows.rows_of(numbers)
            kept = mask[found]
            if kept.sum() >= depth or len(found) < asked:
                return self._rows.best(found[kept], scores[kept], depth)
            asked *= 4

    def _evidence(self, rows: Rows, vector: Vectors | None, words: Words) -> Pool:
        numbers = self._rows.take(rows, "passage_no")
        article = self._rows.take(rows, "article_key")
        none = np.zeros(len(rows))
        dense = sentence = lexical = title = article_lexical = none
        if vector is not None:
            dense = self._rows.scored(rows, lambda segment, own: segment.dense.scores(vector, own))
            sentence = self._rows.scored(rows, lambda segment, own: segment.dense.best_sentences(vector, own))
        if words:
            lexical = self.lexical.scores(self.lexical.any_of(words), numbers)
            title = self._articles.scores(self._articles.any_of(words, "title"), article)
            article_lexical = self._articles.scores(self._articles.any_of(words), article)
        return Pool(
            rows=rows,
            ids=[id_text(raw.tobytes()) for raw in self._rows.take(rows, "id")],
            dense=dense,
            sentence=sentence,
            lexical=lexical,
            title=title,
            article_lexical=article_lexical,
            article=article,
            first_day=self._rows.take(rows, "first_day"),
            last_day=self._rows.take(rows, "last_day"),
            signature=self._rows.take(rows, "signature"),
            terms=len(words.terms),
            rarest_idf=math.log(2 * self.manifest.passages + 2),
        )

    def vectors(self, rows: Rows) -> Vectors:
        """The stored vectors of a pool's rows: (n, dim) float32, unit length but for rounding to bf16."""
        out = np.empty((len(rows), self.manifest.encoder.dim), dtype=np.float32)
        for segment, positions, own in self._rows.split(rows):
            out[positions] = segment.dense.vectors(own)
        return out

    def cosines(self, vector: Vectors, rows: Rows) -> Scores:
        """Cosine of a (dim,) unit vector to each of a pool's rows: (n,)."""
        return self._rows.scored(rows, lambda segment, own: segment.dense.scores(vector, own))

    # -- texts --------------------------------------------------------------------------------

    def fetch(self, rows: Rows) -> list[StoredPassage]:
        """The passages of a pool's rows, (n,), in that order."""
        out: list[StoredPassage | None] = [None] * len(rows)
        for segment, positions, own in self._rows.split(rows):
            for position, stored in zip(positions, segment.texts.fetch(own), strict=True):
                out[int(position)] = stored
        return [stored for stored in out if stored is not None]

    def best_sentence(self, vector: Vectors, row: int) -> tuple[int, float]:
        """Which sentence of a pool's row is nearest to the question, (dim,), and its cosine."""
        ((segment, _, own),) = self._rows.split(np.array([row]))
        scores = segment.dense.sentence_scores(vector, int(own[0]))
        best = int(np.argmax(scores))
        return best, float(scores[best])

    def passage(self, passage_id: str) -> StoredPassage | None:
        """A passage by its public id, or None."""
        try:
            segment, row = self._find(passage_id)
        except KeyError:
            return None
        return segment.texts.fetch([row])[0]

    def article(self, article_id: str) -> Article | None:
        """An article by its id, or None."""
        found = self._article_rows(article_id)
        return found[0].texts.article(article_id) if found else None

    def article_passages(self, article_id: str) -> list[StoredPassage] | None:
        """All passages of an article in the order of its text, or None."""
        found = self._article_rows(article_id)
        return found[0].texts.fetch(found[1]) if found else None

    # -- counts -------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """Passages by source, by language and by year of publication; undated ones under ''."""
        out: dict[str, dict[str, int]] = {"source": {}, "language": {}, "year": {}}
        for number, segment in enumerate(self.segments):
            alive = self._rows.living_of(number)
            for kind in ("source", "language"):
                codes = getattr(segment.columns, kind)[alive]
                names = segment.columns.names[kind]
                for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
                    name = names[int(code)] if code >= 0 else ""
                    out[kind][name] = out[kind].get(name, 0) + int(count)
            for year, count in zip(*np.unique(_years(segment, alive), return_counts=True), strict=True):
                name = str(year) if year else ""
                out["year"][name] = out["year"].get(name, 0) + int(count)
        return out

    def _find(self, passage_id: str) -> tuple[Segment, int]:
        for number, segment in enumerate(self.segments):
            row = segment.texts.row_of(passage_id)
            if row is not None and self._rows.is_alive(number, row):
                return segment, row
        raise KeyError(passage_id)

    def _article_rows(self, article_id: str) -> tuple[Segment, range] | None:
        for number, segment in enumerate(self.segments):
            rows = segment.texts.row_range(article_id)
            if rows is not None and self._rows.is_alive(number, rows.start):
                return segment, rows
        return None


def _years(segment: Segment, alive: Any) -> npt.NDArray[np.int64]:
    """Year of each row's first day, 0 for the undated."""
    first, last = segment.columns.first_day[alive], segment.columns.last_day[alive]
    undated = first > last
    days = np.where(undated, 0, first).astype("datetime64[D]")
    return np.where(undated, 0, days.astype("datetime64[Y]").astype(np.int64) + 1970)


def open_snapshot(index: Path, stamps: Path | None = None, before: Snapshot | None = None) -> Snapshot:
    """Open the current generation after checking its files (see integrity.damage for `stamps`).

    before: as Snapshot has it. Raises NotFound, CorruptIndex or FormatMismatch.
    """
    while True:
        raw = directory.pointer(index)
        try:
            generation = directory.current(index)
            require_whole(generation, index, stamps)
            return Snapshot(index, generation, before)
        except (NotFound, CorruptIndex, OSError):
            if directory.pointer(index) == raw:  # else a writer has replaced and removed it meanwhile
                raise
