"""One open generation, the only way to read an index: candidates with their evidence, texts, counts.

Public ids stand at its boundary; rows and passage numbers stay inside. Holds what it opened until
`close`, whatever is committed meanwhile. Does not encode, fuse or rank.
INDEX -> Snapshot; (question vector, words, where) -> Pool
"""

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from passage_index import counts, directory
from passage_index.backend import Awaited, Pool
from passage_index.columns import Where
from passage_index.dense import Mask
from passage_index.errors import MEND, CorruptIndex, NotFound
from passage_index.integrity import require_whole
from passage_index.lexical import (
    ARTICLES,
    PASSAGES,
    LexicalReader,
    Words,
    require_same_analyzer,
)
from passage_index.manifest import Manifest
from passage_index.passages import id_texts
from passage_index.rows import SnapshotRows
from passage_index.segment import Segment
from passage_index.stages import stage
from passage_index.types import Article, Rows, Scores, StoredPassage, Vectors
from passage_index.vocabulary import Vocabulary

AMONG_LIMIT = 20_000  # allowed passages up to which tantivy can be given their numbers as a filter
UNREADABLE = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError)
SIFT_LIMIT = 12_000  # passages ranked without the filter in the time that takes


class _Matches(NamedTuple):
    """Passages by words: rows (m,) and their BM25 (m,), in the same order."""

    rows: Rows
    scores: Scores

    def of(self, rows: Rows) -> tuple[Scores, Rows]:
        """(n,) rising rows -> the scores of those that are among these, and the places of the others."""
        scores, is_unknown = np.zeros(len(rows)), np.ones(len(rows), dtype=bool)
        places = np.searchsorted(rows, self.rows)
        is_among = rows.take(places, mode="clip") == self.rows if len(rows) else np.zeros(0, dtype=bool)
        scores[places[is_among]] = self.scores[is_among]
        is_unknown[places[is_among]] = False
        return scores, np.flatnonzero(is_unknown)


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
        except (*UNREADABLE, RecursionError, FileNotFoundError, ValueError) as error:
            self._hold.close()  # what the manifest vouches for is no index: it was not written here
            raise CorruptIndex(f"{generation.folder} cannot be opened: {error}; {MEND}") from error
        except BaseException:
            self._hold.close()
            raise

    def _open(self, generation: directory.Generation, before: "Snapshot | None") -> None:
        folder, dim = generation.folder, generation.manifest.encoder.dim
        self.segments = [
            Segment(folder / directory.SEGMENTS / record.name, record, dim)
            for record in generation.manifest.segments
        ]
        self.vocabulary = Vocabulary([segment.vocabulary for segment in self.segments])
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
    def has_words(self) -> bool:
        """Always: the word indexes are a part of every generation."""
        return True

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

    def pool(self, vector: Vectors | Awaited | None, words: Words, where: Where, depth: int) -> Pool:
        """See Backend. What needs no vector is done before one is waited for."""
        with stage("filter"):
            wanted = self._wanted(where, words)
        with stage("lexical"):
            query = self.lexical.any_of(words) if words else None
            matches = self._matches(query, wanted, depth)
            lexical = self._rows.best(matches.rows, matches.scores, depth)
        if callable(vector):
            with stage("encode"):
                vector = vector()
        with stage("dense"):
            dense = self._dense_rows(vector, wanted, depth)
        with stage("evidence"):
            rows = np.unique(np.concatenate([dense, lexical]))
            return self._evidence(rows, vector, words, query, matches)

    def _wanted(self, where: Where, words: Words) -> Mask | None:
        """Rows that pass the filters, deleted ones among them; None when all do."""
        whole = where.whole
        mask = None if whole is None else np.concatenate([one.masks.of(whole) for one in self.segments])
        if words.required:
            mask = self._and(mask, self._rows.mask_of(self.lexical.holding(words.required)))
        if words.excluded:
            mask = self._and(mask, ~self._rows.mask_of(self.lexical.holding_any(words.excluded)))
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

    def _matches(self, query: Any, wanted: Mask | None, depth: int) -> "_Matches":
        """At least the `depth` best passages by words, with what ties; tantivy knows what is deleted."""
        if query is None:
            return _Matches(np.empty(0, dtype=np.int64), np.empty(0))
        if wanted is None:
            numbers, scores = self.lexical.best(query, depth)
            return _Matches(self._rows.rows_of(numbers), scores)
        mask = wanted if self._rows.alive is None else wanted & self._rows.alive
        allowed = int(mask.sum())
        if allowed == 0:
            return _Matches(np.empty(0, dtype=np.int64), np.empty(0))
        asked = 2 * depth * len(mask) // allowed  # enough where the filter has nothing to do with the words
        while allowed > AMONG_LIMIT or asked <= SIFT_LIMIT:
            numbers, scores = self.lexical.best(query, asked)
            found = self._rows.rows_of(numbers)
            kept = mask[found]
            if kept.sum() >= depth or len(found) < asked:
                return _Matches(found[kept], scores[kept])
            asked *= 4
        among = self._rows.take(np.flatnonzero(mask), "passage_no")
        numbers, scores = self.lexical.search_among(query, among, len(among))
        return _Matches(self._rows.rows_of(numbers), scores)

    def _evidence(
        self, rows: Rows, vector: Vectors | None, words: Words, query: Any, matches: "_Matches"
    ) -> Pool:
        """rows: (n,), rising."""
        numbers = self._rows.take(rows, "passage_no")
        article = self._rows.take(rows, "article_key")
        none = np.zeros(len(rows))
        dense = sentence = lexical = article_lexical = none
        if vector is not None:
            dense = self._rows.scored(rows, lambda segment, own: segment.dense.scores(vector, own))
            sentence = self._rows.scored(rows, lambda segment, own: segment.dense.best_sentences(vector, own))
        if query is not None:
            lexical, unknown = matches.of(rows)
            lexical[unknown] = self.lexical.scores(query, numbers[unknown])
            article_lexical = self._articles.scores(query, article)  # both indexes have one schema
        return Pool(
            rows=rows,
            ids=id_texts(self._rows.take(rows, "id")),
            dense=dense,
            sentence=sentence,
            lexical=lexical,
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
        if len(rows) == 0:
            return []
        out: list[StoredPassage | None] = [None] * len(rows)
        for segment, positions, own in self._rows.split(rows):
            for position, stored in zip(positions, segment.texts.fetch(own), strict=True):
                out[int(position)] = stored
        return [stored for stored in out if stored is not None]

    def held_by(
        self, rows: Rows, wanted: Collection[str], fetch: Callable[[Rows], list[StoredPassage]]
    ) -> list[list[frozenset[str]]]:
        """Of each sentence of a pool's rows, (n,), the `wanted` terms in it. fetch: as `fetch` does."""

        def read(missing: list[int]) -> list[list[str]]:
            stored = fetch(np.array(missing, dtype=np.int64))
            return [[one.article.text[start:end] for start, end in one.passage.sentences] for one in stored]

        return self.lexical.held.held_by(rows.tolist(), wanted, read)

    def sentence_cosines(self, vector: Vectors, row: int) -> Scores:
        """Cosine of the question, (dim,), to each sentence of a pool's row: (sentences,)."""
        ((segment, _, own),) = self._rows.split(np.array([row]))
        return segment.dense.sentence_scores(vector, int(own[0]))

    def nearest_sentences(self, vector: Vectors, rows: Rows) -> list[int]:
        """Which sentence of each of a pool's rows, (n,), is nearest to the question, (dim,)."""
        out = np.zeros(len(rows), dtype=np.int64)
        for segment, positions, own in self._rows.split(rows):
            out[positions] = segment.dense.nearest_sentences(vector, own)
        return out.tolist()

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

    def articles_from(self, passage_no: int) -> list[str]:
        """See SnapshotRows."""
        return self._rows.articles_from(passage_no)

    def sample(self, count: int) -> list[StoredPassage]:
        """Up to `count` passages that lie far apart; a little fewer where some were deleted."""
        rows = int(self._rows.bases[-1])
        places = np.unique(np.linspace(0, max(rows - 1, 0), count).astype(np.int64))[:rows]
        alive = self._rows.alive
        return self.fetch(places if alive is None else places[alive[places]])

    def rows_of_article(self, article_id: str) -> Rows | None:
        """The passages of an article as a pool's rows, (n,), in the order of its text; or None."""
        found = self._article_rows(article_id)
        if found is None:
            return None
        segment, rows = found
        return np.arange(rows.start, rows.stop) + int(self._rows.bases[self.segments.index(segment)])

    # -- counts -------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """Passages by source, by language and by year of publication; undated ones under ''."""
        return counts.passages_by_property(self.segments, self._rows)

    def sentences(self) -> int:
        """Sentences of all passages that a search can return."""
        return counts.sentences(self.segments, self._rows)

    def days(self) -> tuple[int, int] | None:
        """The first and the last day of all dated articles, from 1970-01-01; None where none is dated."""
        return counts.days(self.segments, self._rows)

    def names(self, rows: Rows, kind: str) -> list[str]:
        """The `source` or `language` of a pool's rows, (n,), '' where there is none."""
        return self._rows.names(rows, kind)

    def knows(self, field: str) -> bool:
        """Whether any article says something of a metadata field; the first time reads all articles."""
        return any(segment.masks.facts.knows(field) for segment in self.segments)

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
