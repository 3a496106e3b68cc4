"""The bodies that HTTP carries beside a search: articles, verification, counts, readiness, problems.

Article, Verdict, Snapshot -> their JSON
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from passage_index.types import Article
from search_api.schemas import PassageBody, PublishedAt
from search_api.verification import Verdict


class ArticleBody(BaseModel):
    """One article as it is stored; every offset of this API counts code points of `text`."""

    id: str
    title: str
    text: str
    url: str | None
    source: str | None
    published_at: PublishedAt
    language: str | None
    metadata: dict[str, Any]


class PassagesBody(BaseModel):
    """All passages of an article, in the order of its text."""

    passages: list[PassageBody]


class VerificationBody(BaseModel):
    """Whether a citation is what the article says."""

    verified: bool
    reason: Literal["matches", "moved", "differs", "out of range", "no such article"]
    quote: Annotated[str | None, Field(description="What stands there; null unless the place exists.")]
    start: Annotated[int | None, Field(description="Where the quote stands: elsewhere if it has moved.")]
    end: int | None


class EncoderBody(BaseModel):
    """The model that the index was built with."""

    name: str
    dim: int
    max_tokens: int
    weights_sha256: str


class DatesBody(BaseModel):
    """The days that the dated articles lie between."""

    first: str | None
    last: str | None
    undated_passages: int


class CountBody(BaseModel):
    """How many passages have a value; an empty name: they have none."""

    name: str
    passages: int


class SearchStepBody(BaseModel):
    """How the vectors of one segment are searched."""

    step: str
    passages: int
    recall: Annotated[
        dict[str, float],
        Field(description="Share of the truly best k found, by k, measured at the build; none: all."),
    ]


class StatsBody(BaseModel):
    """What the index holds."""

    generation: int
    created_at: str
    articles: int
    passages: int
    sentences: int
    segments: int
    search_steps: list[SearchStepBody]
    index_bytes: int
    encoder: EncoderBody
    dates: DatesBody
    sources: list[CountBody]
    languages: list[CountBody]
    years: list[CountBody]


class SuggestionBody(BaseModel):
    """How a beginning may go on."""

    text: str
    kind: Annotated[Literal["name", "word", "title"], Field(description="What the completed part is.")]
    articles: Annotated[int, Field(description="That hold the completed part, so written.")]


class SuggestionsBody(BaseModel):
    """Completions, in most articles first."""

    query: str
    suggestions: list[SuggestionBody]


class AliveBody(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class ReadyBody(BaseModel):
    """Searches are answered."""

    status: Literal["ready"] = "ready"
    generation: int
    passages: int
    encoder: str
    warnings: Annotated[
        list[str], Field(description="What an operator should look at although searches are answered.")
    ]


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(description="Where the documentation tells of this kind of problem.")]
    title: str
    status: int
    detail: str
    request_id: Annotated[str, Field(description="Also in the header X-Request-ID and in the server's log.")]


def article_body(article: Article) -> ArticleBody:
    """An article's reply."""
    return ArticleBody(
        id=article.id,
        title=article.title,
        text=article.text,
        url=article.url,
        source=article.source,
        published_at=str(article.published) if article.published else None,
        language=article.language,
        metadata=article.metadata,
    )


def verification_body(verdict: Verdict) -> VerificationBody:
    """A verdict's reply."""
    start, end = verdict.span or (None, None)
    return VerificationBody(
        verified=verdict.verified, reason=verdict.reason, quote=verdict.quote, start=start, end=end
    )
