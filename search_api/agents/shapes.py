"""What the tools give back, in the shapes that connectors of chat programs expect.

`search` gives `results` with id, title and url, `fetch` gives id, title, text, url and metadata; what stands
beside these names is more of the same. Knows neither the protocol nor the service.
Hit, Article, AskReply -> their JSON
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from passage_index.snapshot import Snapshot
from passage_index.types import Article, StoredPassage, sha256_text
from search_api.answers.asking import AskReply
from search_api.answers.citations import Citation
from search_api.hits import Hit, SearchReply
from search_api.verification import verify

LONGEST_TEXT = 100_000  # code points of an article that one `fetch` gives


class CitedQuote(BaseModel):
    """A quotation that can be checked: `quote` is `text[start:end]` of the article, in code points."""

    article_id: str
    start: int
    end: int
    quote: str
    sha256: Annotated[str, Field(description="Of the quote's UTF-8.")]
    verified: Annotated[bool, Field(description="The quote was read anew from the store and compared.")]


class FoundPassage(BaseModel):
    """A passage that a search found."""

    id: Annotated[str, Field(description="Give it to `fetch` for the whole article.")]
    title: str
    url: Annotated[str, Field(description="Empty where the article has none.")]
    text: str
    source: str | None
    published_at: str | None
    score: Annotated[float, Field(description="0..1, comparable between questions.")]
    citation: CitedQuote


class SearchResults(BaseModel):
    """The passages nearest to a question, best first."""

    results: list[FoundPassage]
    answerable: Annotated[bool | None, Field(description="Whether the articles seem to answer at all.")]
    did_you_mean: str | None
    warnings: list[str]


class ArticleFacts(BaseModel):
    """What is known of an article beside its text."""

    article_id: str
    source: str | None
    published_at: str | None
    language: str | None
    start: Annotated[int, Field(description="Where `text` begins in the article, in code points.")]
    end: int
    length: Annotated[int, Field(description="Of the whole article, in code points.")]
    next_start: Annotated[int | None, Field(description="`start` for what follows; null at the end.")]
    sha256: Annotated[str, Field(description="Of the UTF-8 of `text`.")]
    passage: Annotated[CitedQuote | None, Field(description="The passage that was asked for, if one was.")]
    more: Annotated[dict[str, Any], Field(description="What else the article's record says.")]


class FetchedArticle(BaseModel):
    """An article's text, whole or as much of it as one reply holds."""

    id: str
    title: str
    text: str
    url: str
    metadata: ArticleFacts


class CitedSource(BaseModel):
    """A quotation and where it comes from."""

    title: str
    url: str
    source: str | None
    published_at: str | None
    speaker: Annotated[str | None, Field(description="Who says it, where the article tells.")]
    citation: CitedQuote


class Disagreement(BaseModel):
    """Another figure for the same thing."""

    answer_says: str
    other_says: str
    cited: CitedSource


class Answer(BaseModel):
    """One sentence that answers, with its proof; or null, where the articles do not say."""

    answer: str | None
    answerable: bool
    confidence: Annotated[float, Field(description="The chance that the answer is right, 0 to 1.")]
    independent_sources: int
    citations: Annotated[list[CitedSource], Field(description="The answer's own first, then who agrees.")]
    disagreements: list[Disagreement]
    newer: list[CitedSource]
    nearest: Annotated[list[FoundPassage], Field(description="The nearest passages.")]
    warnings: list[str]


def search_results(snapshot: Snapshot, reply: SearchReply) -> SearchResults:
    """What `search` gives."""
    return SearchResults(
        results=[_found(snapshot, hit) for hit in reply.hits],
        answerable=reply.answerable,
        did_you_mean=reply.did_you_mean,
        warnings=list(reply.warnings),
    )


def fetched(snapshot: Snapshot, asked_id: str, start: int) -> FetchedArticle | None:
    """What `fetch` gives of a passage's or an article's id, from `start` on; None if there is no such id."""
    stored = snapshot.passage(asked_id)
    article = snapshot.article(stored.passage.article_id if stored else asked_id)
    if article is None:
        return None
    begin = min(max(start, 0), len(article.text))
    text = article.text[begin : begin + LONGEST_TEXT]
    end = begin + len(text)
    return FetchedArticle(
        id=asked_id,
        title=_title(article),
        text=text,
        url=article.url or "",
        metadata=ArticleFacts(
            article_id=article.id,
            source=article.source,
            published_at=_published(article),
            language=article.language,
            start=begin,
            end=end,
            length=len(article.text),
            next_start=end if end < len(article.text) else None,
            sha256=sha256_text(text),
            passage=_quoted(snapshot, stored) if stored else None,
            more=article.metadata,
        ),
    )


def answer(snapshot: Snapshot, reply: AskReply) -> Answer:
    """What `ask` gives."""
    return Answer(
        answer=reply.answer.quote if reply.answer else None,
        answerable=reply.answerable,
        confidence=reply.confidence,
        independent_sources=reply.independent,
        citations=[_source(one) for one in reply.citations],
        disagreements=[
            Disagreement(answer_says=one.ours, other_says=one.theirs, cited=_source(one.citation))
            for one in reply.disagreements
        ],
        newer=[_source(one) for one in reply.newer],
        nearest=[_found(snapshot, hit) for hit in reply.search.hits],
        warnings=list(reply.search.warnings),
    )


def _found(snapshot: Snapshot, hit: Hit) -> FoundPassage:
    article = hit.stored.article
    return FoundPassage(
        id=hit.stored.passage.id,
        title=_title(article),
        url=article.url or "",
        text=hit.stored.text,
        source=article.source,
        published_at=_published(article),
        score=hit.score,
        citation=_quoted(snapshot, hit.stored),
    )


def _quoted(snapshot: Snapshot, stored: StoredPassage) -> CitedQuote:
    passage, digest = stored.passage, sha256_text(stored.text)
    verdict = verify(snapshot, passage.article_id, passage.start, passage.end, digest)
    return CitedQuote(
        article_id=passage.article_id,
        start=passage.start,
        end=passage.end,
        quote=stored.text,
        sha256=digest,
        verified=verdict.verified,
    )


def _source(cited: Citation) -> CitedSource:
    article = cited.article
    return CitedSource(
        title=_title(article),
        url=article.url or "",
        source=article.source,
        published_at=_published(article),
        speaker=cited.speaker.speaker if cited.speaker else None,
        citation=CitedQuote(
            article_id=article.id,
            start=cited.start,
            end=cited.end,
            quote=cited.quote,
            sha256=cited.sha256,
            verified=cited.verified,
        ),
    )


def _title(article: Article) -> str:
    return article.title or article.id


def _published(article: Article) -> str | None:
    return str(article.published) if article.published else None
