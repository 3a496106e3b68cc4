"""The bodies that HTTP replies to a search with; what may be asked is in parameters.py.

Everywhere else plain dataclasses do. Offsets are code points into the article's stored text.
SearchReply, Hit, StoredPassage -> their JSON
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from passage_index.types import StoredPassage, sha256_text
from search_api.facets import Facet, FacetName
from search_api.hits import Duplicate, Hit, Reason, SearchReply, SearchRequest, Sentence

PublishedAt = Annotated[
    str | None, Field(description="As exact as known: `2023-11-09`, `2023-11` or `2023`.")
]


class ScoresBody(BaseModel):
    """The parts of a score."""

    dense: Annotated[float, Field(description="Cosine of question and passage.")]
    sentence: Annotated[float, Field(description="Cosine of question and the passage's nearest sentence.")]
    lexical: Annotated[float, Field(description="BM25 of the passage.")]
    fused: Annotated[float, Field(description="What the order is made by; only for this question.")]
    rerank: Annotated[float | None, Field(description="Of a reranker, if one ran.")]


class HighlightBody(BaseModel):
    """Part of a passage worth marking."""

    start: int
    end: int
    kind: Literal["sentence", "word"]


class SentenceBody(BaseModel):
    """A sentence of an article: `text` is `article.text[start:end]`."""

    start: int
    end: int
    text: str


class DuplicateBody(BaseModel):
    """A passage folded into a hit because its text is nearly the same."""

    id: str
    article_id: str
    differences: Annotated[
        list[SentenceBody] | None,
        Field(
            description="Its sentences whose words stand nowhere in the hit's article; null: not asked for."
        ),
    ]


class AskedWordBody(BaseModel):
    """A word of the question beside a passage."""

    word: str
    worth: Annotated[float, Field(description="Its idf: high for a rare word.")]
    found_in: Literal["passage", "title"] | None


class ReasonBody(BaseModel):
    """Why a hit stands where it stands: one kind of evidence."""

    part: str
    text: str
    contribution: Annotated[
        float | None, Field(description="To `scores.fused`; null for what moved the hit afterwards.")
    ]
    value: Annotated[float | None, Field(description="The evidence itself: a cosine, BM25, a raw score.")]
    sentence: SentenceBody | None
    words: list[AskedWordBody]


class PassageBody(BaseModel):
    """A passage: `text` is `article.text[start:end]`, `sha256` is of its UTF-8."""

    id: str
    text: str
    start: int
    end: int
    sha256: str


class CitedPassageBody(BaseModel):
    """A passage with what a citation says of its article."""

    id: str
    article_id: str
    title: str
    url: str | None
    source: str | None
    published_at: PublishedAt
    language: str | None
    text: str
    start: int
    end: int
    sha256: str


class HitBody(BaseModel):
    """A ranked passage."""

    rank: int
    id: str
    article_id: str
    title: str
    url: str | None
    source: str | None
    published_at: PublishedAt
    language: str | None
    text: str
    start: int
    end: int
    sha256: str
    score: Annotated[float, Field(description="0..1, comparable between questions.")]
    scores: ScoresBody
    highlights: list[HighlightBody]
    duplicates: list[DuplicateBody]
    duplicate_count: Annotated[int, Field(description="How many near-duplicates are folded behind the hit.")]
    explanation: Annotated[list[ReasonBody] | None, Field(description="null: not asked for.")]


class FacetValueBody(BaseModel):
    """Hits of one name; an empty name counts those that have none."""

    name: str
    count: int


class FacetBody(BaseModel):
    """How the hits of all pages are spread: adds up to `total`."""

    values: list[FacetValueBody]
    others: Annotated[int, Field(description="Hits of names that are not listed.")]


def _is_none(value: object) -> bool:
    return value is None


class InterpretationBody(BaseModel):
    """A word of the question that was looked for in other ways too."""

    word: str
    also: Annotated[list[str], Field(description="As the corpus writes them.")]
    reason: Annotated[
        Literal["spelling", "slip"],
        Field(description="`spelling`: another spelling of a name; `slip`: what a misspelt word may mean."),
    ]


class SearchReplyBody(BaseModel):
    """The answer to a search."""

    query: str
    hits: list[HitBody]
    total: Annotated[int, Field(description="Hits on all pages, among the candidates looked at.")]
    total_relation: Annotated[Literal["eq", "gte"], Field(description="`gte`: there may be more.")]
    offset: int
    limit: int
    took_ms: float
    generation: Annotated[int, Field(description="The state of the index that answered.")]
    answerable: Annotated[
        bool | None, Field(description="If the corpus seems to answer; null: no question was asked.")
    ]
    answer_probability: Annotated[
        float | None, Field(description="The chance that it does, 0 to 1; null as `answerable`.")
    ]
    did_you_mean: Annotated[
        str | None, Field(description="The question with its misspelt words mended; null: none was seen.")
    ]
    interpretations: Annotated[
        list[InterpretationBody],
        Field(description="What was looked for beside the words asked."),
    ]
    warnings: list[str]
    facets: Annotated[
        dict[FacetName, FacetBody] | None,
        Field(exclude_if=_is_none, description="Left out unless asked for."),
    ] = None


class BatchReplyBody(BaseModel):
    """The answers to a batch, in the order of its requests."""

    replies: list[SearchReplyBody]


def reply_body(request: SearchRequest, reply: SearchReply, took_ms: float | None = None) -> SearchReplyBody:
    """The reply as HTTP and `--json` give it. took_ms: of the whole request, where that is known."""
    return SearchReplyBody(
        query=request.question,
        hits=[hit_body(hit) for hit in reply.hits],
        total=reply.total,
        total_relation=reply.total_relation,
        offset=request.offset,
        limit=request.limit,
        took_ms=round(reply.took_ms if took_ms is None else took_ms, 2),
        generation=reply.generation,
        answerable=reply.answerable,
        answer_probability=reply.answer_probability,
        did_you_mean=reply.did_you_mean,
        interpretations=[
            InterpretationBody(word=one.word, also=list(one.also), reason=one.reason)
            for one in reply.interpretations
        ],
        warnings=list(reply.warnings),
        facets={name: _facet(one) for name, one in reply.facets.items()} or None,
    )


def _facet(facet: Facet) -> FacetBody:
    values = [FacetValueBody(name=one.name, count=one.count) for one in facet.values]
    return FacetBody(values=values, others=facet.others)


def hit_body(hit: Hit) -> HitBody:
    """One hit of a reply."""
    return HitBody(
        **_cited(hit.stored),
        rank=hit.rank,
        score=hit.score,
        scores=ScoresBody(
            dense=round(hit.scores.dense, 6),
            sentence=round(hit.scores.sentence, 6),
            lexical=round(hit.scores.lexical, 6),
            fused=hit.scores.fused,
            rerank=hit.scores.rerank,
        ),
        highlights=[HighlightBody(start=one.start, end=one.end, kind=one.kind) for one in hit.highlights],
        duplicates=[_duplicate(one) for one in hit.duplicates],
        duplicate_count=len(hit.duplicates),
        explanation=None if hit.explanation is None else [_reason(one) for one in hit.explanation],
    )


def _duplicate(one: Duplicate) -> DuplicateBody:
    said = None if one.differences is None else [_sentence(sentence) for sentence in one.differences]
    return DuplicateBody(id=one.id, article_id=one.article_id, differences=said)


def _reason(one: Reason) -> ReasonBody:
    words = [AskedWordBody(word=w.word, worth=w.worth, found_in=w.found_in) for w in one.words]
    return ReasonBody(
        part=one.part,
        text=one.text,
        contribution=one.contribution,
        value=one.value,
        sentence=_sentence(one.sentence) if one.sentence else None,
        words=words,
    )


def _sentence(one: Sentence) -> SentenceBody:
    return SentenceBody(start=one.start, end=one.end, text=one.text)


def passage_body(stored: StoredPassage) -> PassageBody:
    """A passage alone, as an article's list of passages holds it."""
    passage = stored.passage
    return PassageBody(
        id=passage.id, text=stored.text, start=passage.start, end=passage.end, sha256=sha256_text(stored.text)
    )


def cited_passage(stored: StoredPassage) -> CitedPassageBody:
    """A passage and its article's title, source and date."""
    return CitedPassageBody(**_cited(stored))


def _cited(stored: StoredPassage) -> dict[str, Any]:
    passage, article = stored.passage, stored.article
    return {
        "id": passage.id,
        "text": stored.text,
        "start": passage.start,
        "end": passage.end,
        "sha256": sha256_text(stored.text),
        "article_id": article.id,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "published_at": str(article.published) if article.published else None,
        "language": article.language,
    }
