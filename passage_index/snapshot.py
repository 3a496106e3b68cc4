"""One open generation, the only way to read an index: candidates with their evidence, texts, counts.

Public ids stand at its boundary; rows and passage numbers stay inside. Holds what it opened until
`close`, whatever is committed meanwhile. Does not encode, fuse or rank.
INDEX -> Snapshot; (question vector, words, where) -> Pool
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index import directory
from passage_index.columns import Where
from passage_index.dense import Mask
from passage_index.lexical import ARTICLES, PASSAGES, LexicalReader, Words
from passage_index.manifest import Manifest
from passage_index.passages import id_text
from passage_index.segment import Segment
from passage_index.types import Article, PassageNos, Rows, Scores, StoredPassage, Vectors

AMONG_LIMIT = 20_000  # allowed passages up to which tantivy is given their numbers as a filter


@dataclass(frozen=True, slots=True)
class Bounds:
    """The highest BM25 that any passage, title or article could have for a question; 0 without words."""

    lexical: float
    title: float
    article: float


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
    bounds: Bounds  # what the three BM25 scores could reach at most

    def __len__(self) -> int:
        return len(self.rows)


class Snapshot:
    """An open generation. Safe to share between threads."""

    def __init__(self, index: Path, generation: directory.Generation) -> None:
        self.index = index
        self.manifest: Manifest = generation.manifest
        folder, dim = generation.folder, generation.manifest.encoder.dim
        self.segments = [
            Segment(folder / directory.SEGMENTS / record.name, record, dim)
            for record in generation.manifest.segments
        ]
        lexical = folder / directory.LEXICAL
        self.lexical = LexicalReader(lexical / PASSAGES)
        self._articles = LexicalReader(lexical / ARTICLES)
        self._bases = np.cumsum([0, *(segment.record.passages for segment in self.segments)])
        self._alive = self._alive_rows(folder / directory.DELETED)

    @property
    def generation(self) -> int:
        """The number that stands in every reply."""
        return self.manifest.generation

    def close(self) -> None:
        """Let go of the files; the snapshot must not be used afterwards."""
        for segment in self.segments:
            segment.close()

    # -- candidates ---------------------------------------------------------------------------

    def pool(self, vector: Vectors | None, words: Words, where: Where, depth: int) -> Pool:
        """The `depth` best passages by vector and by words, each scored by both.

        vector: (dim,) float32 of unit length, or None for words alone; empty words leave that leg out.
        """
        mask = self._mask(where, words)
        rows = [self._dense_rows(vector, mask, depth), self._lexical_rows(words, mask, depth)]
        return self._evidence(np.unique(np.concatenate(rows)), vector, words)

    def similar(self, passage_id: str, where: Where, depth: int) -> Pool:
        """Passages near a stored one by vector, itself among them. Raises KeyError when it is unknown."""
        segment, row = self._find(passage_id)
        vector = segment.dense.vectors(np.array([row]))[0]
        return self.pool(vector, Words(()), where, depth)

    def _mask(self, where: Where, words: Words) -> Mask | None:
        """Rows that may be returned, over all segments; None when all may."""
        masks = [segment.columns.mask(where) for segment in self.segments]
        mask = self._alive
        if any(part is not None for part in masks):
            whole = [
                np.ones(segment.record.passages, dtype=bool) if part is None else part
                for segment, part in zip(self.segments, masks, strict=True)
            ]
            mask = np.concatenate(whole) if mask is None else np.concatenate(whole) & mask
        if words.required:
            mask = self._and(mask, self._rows_mask(self.lexical.holding(words.required)))
        for phrase in words.excluded:
            mask = self._and(mask, ~self._rows_mask(self.lexical.holding([phrase])))
        return mask

    @staticmethod
    def _and(mask: Mask | None, other: Mask) -> Mask:
        return other if mask is None else mask & other

    def _dense_rows(self, vector: Vectors | None, mask: Mask | None, depth: int) -> Rows:
        if vector is None:
            return np.empty(0, dtype=np.int64)
        parts = []
        for segment, base in zip(self.segments, self._bases, strict=False):
            own = None if mask is None else mask[base : base + segment.record.passages]
            parts.append(segment.dense.search(vector, depth, own) + base)
        rows = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        if len(parts) == 1:
            return rows
        scores = self._by_segment(rows, lambda segment, own: segment.dense.scores(vector, own))
        return rows[np.argsort(-scores, kind="stable")[:depth]]

    def _lexical_rows(self, words: Words, mask: Mask | None, depth: int) -> Rows:
        if not words:
            return np.empty(0, dtype=np.int64)
        query = self.lexical.any_of(words)
        if mask is None:
            return self._rows(self.lexical.search(query, depth)[0])
        allowed = int(mask.sum())
        if allowed <= AMONG_LIMIT:
            return self._rows(self.lexical.search_among(query, self._numbers(mask), depth)[0])
        asked = depth
        while True:
            found = self._rows(self.lexical.search(query, asked)[0])
            kept = found[mask[found]]
            if len(kept) >= depth or len(found) < asked:
                return kept[:depth]
            asked *= 4

    def _evidence(self, rows: Rows, vector: Vectors | None, words: Words) -> Pool:
        numbers = self._take(rows, "passage_no")
        article = self._take(rows, "article_key")
        none = np.zeros(len(rows))
        dense = sentence = lexical = title = article_lexical = none
        if vector is not None:
            dense = self._by_segment(rows, lambda segment, own: segment.dense.scores(vector, own))
            sentence = self._by_segment(rows, lambda segment, own: segment.dense.best_sentences(vector, own))
        if words:
            lexical = self.lexical.scores(self.lexical.any_of(words), numbers)
            title = self._articles.scores(self._articles.any_of(words, "title"), article)
            article_lexical = self._articles.scores(self._articles.any_of(words), article)
        return Pool(
            rows=rows,
            ids=[id_text(raw.tobytes()) for raw in self._take(rows, "id")],
            dense=dense,
            sentence=sentence,
            lexical=lexical,
            title=title,
            article_lexical=article_lexical,
            article=article,
            first_day=self._take(rows, "first_day"),
            last_day=self._take(rows, "last_day"),
            signature=self._take(rows, "signature"),
            bounds=Bounds(
                self.lexical.bound(words), self._articles.bound(words, "title"), self._articles.bound(words)
            ),
        )

    # -- texts --------------------------------------------------------------------------------

    def fetch(self, rows: Rows) -> list[StoredPassage]:
        """The passages of a pool's rows, in that order."""
        out: list[StoredPassage | None] = [None] * len(rows)
        for segment, positions, own in self._split(rows):
            for position, stored in zip(positions, segment.texts.fetch(own), strict=True):
                out[int(position)] = stored
        return [stored for stored in out if stored is not None]

    def best_sentence(self, vector: Vectors, row: int) -> tuple[int, float]:
        """Which sentence of a pool's row is nearest to the question, and its cosine."""
        ((segment, _, own),) = self._split(np.array([row]))
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
            alive = self._own_alive(number)
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

    # -- rows of several segments -------------------------------------------------------------

    def _split(self, rows: Rows) -> list[tuple[Segment, npt.NDArray[np.int64], Rows]]:
        """(segment, positions in `rows`, rows inside that segment) for every segment touched."""
        owner = np.searchsorted(self._bases, rows, side="right") - 1
        return [
            (
                self.segments[number],
                np.flatnonzero(owner == number),
                rows[owner == number] - self._bases[number],
            )
            for number in np.unique(owner)
        ]

    def _by_segment(self, rows: Rows, score: Any) -> Scores:
        out = np.zeros(len(rows))
        for segment, positions, own in self._split(rows):
            out[positions] = score(segment, own)
        return out

    def _take(self, rows: Rows, name: str) -> Any:
        parts = self._split(rows)
        if not parts:
            return getattr(self.segments[0].columns, name)[:0] if self.segments else np.empty(0)
        first = getattr(parts[0][0].columns, name)
        out = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        for segment, positions, own in parts:
            out[positions] = getattr(segment.columns, name)[own]
        return out

    def _rows(self, numbers: PassageNos) -> Rows:
        """Passage numbers -> rows of this snapshot, in the same order."""
        out = np.full(len(numbers), -1, dtype=np.int64)
        for segment, base in zip(self.segments, self._bases, strict=False):
            own = segment.columns.rows_of(numbers)
            out = np.where(own >= 0, own + base, out)
        return out[out >= 0]

    def _rows_mask(self, numbers: PassageNos) -> Mask:
        mask = np.zeros(int(self._bases[-1]), dtype=bool)
        mask[self._rows(numbers)] = True
        return mask

    def _numbers(self, mask: Mask) -> PassageNos:
        numbers: PassageNos = self._take(np.flatnonzero(mask), "passage_no")
        return numbers

    def _alive_rows(self, deleted: Path) -> Mask | None:
        if not deleted.exists():
            return None
        return ~self._rows_mask(np.load(deleted, allow_pickle=False))

    def _own_alive(self, number: int) -> Any:
        if self._alive is None:
            return slice(None)
        return self._alive[self._bases[number] : self._bases[number + 1]]

    def _find(self, passage_id: str) -> tuple[Segment, int]:
        for number, segment in enumerate(self.segments):
            row = segment.texts.row_of(passage_id)
            if row is not None and self._is_alive(number, row):
                return segment, row
        raise KeyError(passage_id)

    def _article_rows(self, article_id: str) -> tuple[Segment, range] | None:
        for number, segment in enumerate(self.segments):
            rows = segment.texts.row_range(article_id)
            if rows is not None and self._is_alive(number, rows.start):
                return segment, rows
        return None

    def _is_alive(self, number: int, row: int) -> bool:
        return self._alive is None or bool(self._alive[self._bases[number] + row])


def _years(segment: Segment, alive: Any) -> npt.NDArray[np.int64]:
    """Year of each row's first day, 0 for the undated."""
    first, last = segment.columns.first_day[alive], segment.columns.last_day[alive]
    undated = first > last
    days = np.where(undated, 0, first).astype("datetime64[D]")
    return np.where(undated, 0, days.astype("datetime64[Y]").astype(np.int64) + 1970)


def open_snapshot(index: Path, stamps: Path | None = None) -> Snapshot:
    """Open the current generation after checking its files (see directory.damage for `stamps`).

    Raises NotFound, CorruptIndex or FormatMismatch.
    """
    generation = directory.current(index)
    directory.require_whole(generation, index, stamps)
    return Snapshot(index, generation)
