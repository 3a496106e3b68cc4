"""What a search is asked and what it answers, before HTTP gives it a shape.

SearchRequest -> SearchReply of Hits; offsets are code points into the article's stored text.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from passage_index.filters import Filter
from passage_index.types import StoredPassage
from search_api.facets import Facet, FacetName
from search_api.fusion import Mode

Sort = Literal["relevance", "newest", "oldest"]

DEPTH = 200  # candidates of each leg; the same for every page, so that pages fit together


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One question and how to answer it."""

    question: str
    limit: int = 10
    offset: int = 0
    mode: Mode = "hybrid"
    date_from: date | None = None
    date_to: date | None = None
    sources: tuple[str, ...] = ()
    filter: Filter | None = None
    as_of: date | None = None  # leaves out what can only have been published after that day
    facets: tuple[FacetName, ...] = ()
    group_by_article: bool = False
    sort: Sort = "relevance"  # the others: by date, of what scores at least a fifth of the best
    collapse: bool = True  # fold near-duplicates into the best of their family
    min_score: float = 0.0
    depth: int = DEPTH
    rerank: int = 0  # how many of the first passages a reranker judges anew
    diversity: float = 0.0  # 0..1: how far hits that say the same are spread out
    explain: bool = False
    differences: bool = False  # with near-duplicates, the sentences that the hit's article lacks


@dataclass(frozen=True, slots=True)
class Highlight:
    """Part of a passage worth marking."""

    start: int
    end: int
    kind: Literal["sentence", "word"]


@dataclass(frozen=True, slots=True)
class HitScores:
    """The parts of a score. dense: cosine; lexical: BM25; fused: what the order was made by."""

    dense: float
    sentence: float
    lexical: float
    fused: float
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an article, where it stands."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A passage folded into a hit because its text is nearly the same."""

    id: str
    article_id: str
    differences: tuple[Sentence, ...] | None = None  # None: not asked for


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of the question beside a passage. worth: its idf, high for the rare."""

    word: str
    worth: float
    found_in: Literal["passage", "title"] | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a hit stands where it stands: one kind of evidence, in plain words and in numbers."""

    part: str
    text: str
    contribution: float | None = None  # to `fused`; None for what moved the hit afterwards
    value: float | None = None  # the evidence itself: a cosine, BM25, a reranker's raw score, a number
    sentence: Sentence | None = None
    words: tuple[AskedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked passage. `score` is in 0..1 and comparable between questions."""

    rank: int
    stored: StoredPassage
    score: float
    scores: HitScores
    highlights: tuple[Highlight, ...]
    duplicates: tuple[Duplicate, ...]
    explanation: tuple[Reason, ...] | None = None  # None: not asked for


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A word of the question that was looked for in other ways too, as the corpus writes them."""

    word: str
    also: tuple[str, ...]
    reason: Literal["spelling", "slip"]  # another spelling of a name; what a misspelt word may mean

    def __str__(self) -> str:
        return f"searched also for {', '.join(self.also)} (asked: {self.word})"


@dataclass(frozen=True, slots=True)
class SearchReply:
    """The answer to one SearchRequest. `total` counts the collapsed pool; `gte` when the pool was cut."""

    hits: tuple[Hit, ...]
    total: int
    total_relation: Literal["eq", "gte"]
    generation: int
    took_ms: float
    answerable: bool | None = None  # None where no question was asked
    answer_probability: float | None = None
    warnings: tuple[str, ...] = field(default=())
    interpretations: tuple[Interpretation, ...] = ()
    did_you_mean: str | None = None  # the question with its slips mended
    facets: dict[FacetName, Facet] = field(default_factory=dict)  # those that were asked for
