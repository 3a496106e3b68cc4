"""What an open generation answers, whatever it is kept in: the calls that the reader makes, and no others.

Two answer them: `Snapshot` (snapshot.py), files of this machine, and `MilvusSnapshot`
(milvus/snapshot.py), a cluster. tests/contract holds them to the same answers. Knows neither.
(question vector, words, where) -> Pool
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from passage_index.columns import Where
from passage_index.lexical import Words
from passage_index.manifest import Manifest
from passage_index.near_duplicates import Kin
from passage_index.types import Article, Scores, StoredPassage, Vectors
from passage_index.vocabulary import Vocabulary

Handles = npt.NDArray[Any]  # (n,), what a backend knows its passages by; means nothing outside it
Awaited = Callable[[], Vectors]  # waits for a vector that is still being made, (dim,) float32, unit length


@dataclass(frozen=True)
class Pool:
    """Candidates for one question, in no order, and what each leg says of every one of them.

    All arrays are (n,), except signature (n, 64). Scores rise with relevance.
    """

    rows: Handles
    ids: list[str]
    dense: Scores  # cosine of question and passage
    sentence: Scores  # cosine of question and the passage's best sentence
    lexical: Scores  # BM25 of the passage, 0 without a match
    article_lexical: Scores  # BM25 of the whole article
    article: npt.NDArray[np.uint64]  # equal for passages of one article
    first_day: npt.NDArray[np.int32]
    last_day: npt.NDArray[np.int32]
    signature: npt.NDArray[np.uint16]
    terms: int  # different words of the question that the lexical scores are sums over
    rarest_idf: float  # what BM25 takes a word for that stands in no passage; grows with the index

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def kin(self) -> Kin:
        """The near-duplicates among the candidates."""
        return Kin(self.signature)


class Lexicon(Protocol):
    """The words of a generation: how texts are cut into index terms, and how rare each is."""

    def terms(self, text: str) -> list[str]:
        """The words of a text as they stand in the index, in order, repeats kept."""
        ...

    def held_in(self, texts: Sequence[str], wanted: Collection[str]) -> list[frozenset[str]]:
        """Of each text the `wanted` terms that stand in it, as `terms` would find them. (n,)."""
        ...

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """What BM25 takes each term to be worth: high for the rare, highest for those in no record."""
        ...

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each term stands."""
        ...

    def holds(self, phrase: Sequence[str]) -> bool:
        """Whether any passage holds the phrase."""
        ...

    def is_joined(self, word: str) -> bool:
        """Whether a word stands somewhere with a joint in it, as `reelection` in `re-election`."""
        ...


class Backend(Protocol):
    """An open generation, which never changes. Safe to share between threads."""

    @property
    def manifest(self) -> Manifest:
        """What shaped it, and what it holds."""
        ...

    @property
    def generation(self) -> int:
        """The number that stands in every reply."""
        ...

    @property
    def has_words(self) -> bool:
        """Whether passages can be searched for by words; if not, a pool is of vectors alone."""
        ...

    @property
    def lexical(self) -> Lexicon:
        """How its words are cut and counted."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """How its articles spell them."""
        ...

    def pool(self, vector: Vectors | Awaited | None, words: Words, where: Where, depth: int) -> Pool:
        """The `depth` best passages by vector and by words, each scored by both.

        vector: (dim,) float32 of unit length, or what waits for it, or None for words alone; empty words
        leave that leg out.
        """
        ...

    def vectors(self, rows: Handles) -> Vectors:
        """The stored vectors of a pool's rows: (n, dim) float32, unit length but for rounding to bf16."""
        ...

    def cosines(self, vector: Vectors, rows: Handles) -> Scores:
        """Cosine of a (dim,) unit vector to each of a pool's rows: (n,)."""
        ...

    def fetch(self, rows: Handles) -> list[StoredPassage]:
        """The passages of a pool's rows, (n,), in that order."""
        ...

    def held_by(
        self, rows: Handles, wanted: Collection[str], fetch: Callable[[Handles], list[StoredPassage]]
    ) -> list[list[frozenset[str]]]:
        """Of each sentence of a pool's rows, (n,), the `wanted` terms in it. fetch: as `fetch` does."""
        ...

    def sentence_cosines(self, vector: Vectors, row: Any) -> Scores:
        """Cosine of the question, (dim,), to each sentence of one of a pool's rows: (sentences,)."""
        ...

    def nearest_sentences(self, vector: Vectors, rows: Handles) -> list[int]:
        """Which sentence of each of a pool's rows, (n,), is nearest to the question, (dim,)."""
        ...

    def passage(self, passage_id: str) -> StoredPassage | None:
        """A passage by its public id, or None."""
        ...

    def article(self, article_id: str) -> Article | None:
        """An article by its id, or None."""
        ...

    def article_passages(self, article_id: str) -> list[StoredPassage] | None:
        """All passages of an article in the order of its text, or None."""
        ...

    def rows_of_article(self, article_id: str) -> Handles | None:
        """The passages of an article as a pool's rows, (n,), in the order of its text; or None."""
        ...

    def sample(self, count: int) -> list[StoredPassage]:
        """Up to `count` passages that lie far apart."""
        ...

    def counts(self) -> dict[str, dict[str, int]]:
        """Passages by source, by language and by year of publication; undated ones under ''."""
        ...

    def sentences(self) -> int:
        """Sentences of all passages that a search can return."""
        ...

    def days(self) -> tuple[int, int] | None:
        """The first and the last day of all dated articles, from 1970-01-01; None where none is dated."""
        ...

    def names(self, rows: Handles, kind: str) -> list[str]:
        """The `source` or `language` of a pool's rows, (n,), '' where there is none."""
        ...

    def knows(self, field: str) -> bool:
        """Whether any article says something of a metadata field."""
        ...

    def close(self) -> None:
        """Let go of files, threads, connections."""
        ...
