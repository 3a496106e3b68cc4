"""What a search is asked and what it answers, before HTTP gives it a shape.

SearchRequest -> SearchReply of Hits; offsets are code points into the article's stored text.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from passage_index.types import StoredPassage
from search_api.fusion import Mode


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
    group_by_article: bool = False
    collapse: bool = True  # fold near-duplicates into the best of their family
    min_score: float = 0.0
    depth: int = 200  # candidates of each leg; the same for every page, so that pages fit together


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
class Duplicate:
    """A passage folded into a hit because its text is nearly the same."""

    id: str
    article_id: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked passage. `score` is in 0..1 and comparable between questions."""

    rank: int
    stored: StoredPassage
    score: float
    scores: HitScores
    highlights: tuple[Highlight, ...]
    duplicates: tuple[Duplicate, ...]


@dataclass(frozen=True, slots=True)
class SearchReply:
    """The answer to one SearchRequest. `total` counts the collapsed pool; `gte` when the pool was cut."""

    hits: tuple[Hit, ...]
    total: int
    total_relation: Literal["eq", "gte"]
    generation: int
    took_ms: float
    answerable: bool | None = None
    warnings: tuple[str, ...] = field(default=())
