"""The bodies that HTTP replies to a question with: the answer, its proof, and what stands beside it.

All offsets are code points into the article's stored text. AskReply -> its JSON
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from passage_index.types import PartialDate
from search_api.answers.asking import AskReply
from search_api.answers.citations import Citation
from search_api.answers.writing.checking import WrittenSentence
from search_api.answers.writing.written import Written
from search_api.hits import SearchRequest
from search_api.schemas import HitBody, PublishedAt, reply_body


class SpeakerBody(BaseModel):
    """Who says it, as the article names them."""

    name: str
    start: int
    end: int
    cue: Annotated[str, Field(description="The word that tells it: `said`, `according to`.")]
    resolved: Annotated[
        str | None,
        Field(description="`pronoun` or `continued`: named before; null where name and cue stand together."),
    ]


class EventDateBody(BaseModel):
    """An expression of time in the quote and the days it means."""

    text: str
    start: int
    end: int
    first: Annotated[date | None, Field(description="The first day; null where it cannot be told.")]
    last: Annotated[date | None, Field(description="The last day, included.")]
    precision: str
    rule: str
    explanation: str


class CitationBody(BaseModel):
    """A sentence of an article: `quote` is `article.text[start:end]`, `sha256` is of its UTF-8."""

    article_id: str
    passage_id: str
    title: str
    url: str | None
    source: str | None
    published_at: PublishedAt
    start: int
    end: int
    quote: str
    sha256: str
    verified: Annotated[bool, Field(description="The quote was read anew from the store and compared.")]
    speaker: SpeakerBody | None
    event_dates: list[EventDateBody]


class SpanBody(BaseModel):
    """The part of the answer that says it shortest."""

    text: str
    start: int
    end: int
    kind: Annotated[str, Field(description="What it is: a person, a place, a number, a date, a reason.")]


class AnswerBody(BaseModel):
    """The sentence that answers."""

    text: str
    article_id: str
    start: int
    end: int
    sha256: str
    verified: bool
    published_at: PublishedAt
    span: SpanBody | None


class DisagreementBody(BaseModel):
    """Another figure for the same thing."""

    answer_says: str
    other_says: str
    citation: CitationBody


class WrittenSentenceBody(BaseModel):
    """A sentence in the language model's words. Every citation was checked."""

    text: str
    citations: list[CitationBody]


class WrittenBody(BaseModel):
    """What the language model wrote, as far as it passed the check."""

    text: str
    sentences: list[WrittenSentenceBody]
    dropped: Annotated[int, Field(description="Sentences that did not pass and are not shown.")]
    model: str


class DroppedBody(BaseModel):
    """A sentence that did not pass, as an event: why, and how many so far."""

    reason: str
    dropped: int


class WarningBody(BaseModel):
    """Why nothing was written, or not all, as an event."""

    warning: str


class WritingDoneBody(BaseModel):
    """The last event."""

    sentences: int
    dropped: int
    model: str | None
    took_ms: float


class AskReplyBody(BaseModel):
    """The answer to a question, or that the articles do not say."""

    question: str
    answer: Annotated[AnswerBody | None, Field(description="null: the articles do not say.")]
    answerable: bool
    confidence: Annotated[float, Field(description="The chance that the answer is right, 0 to 1.")]
    independent_sources: Annotated[
        int, Field(description="Sources that say it; copies of one text count once.")
    ]
    citations: Annotated[list[CitationBody], Field(description="The answer's own first, then who agrees.")]
    disagreements: list[DisagreementBody]
    newer: Annotated[
        list[CitationBody], Field(description="Of a later day, with another figure or a word of correction.")
    ]
    hits: Annotated[
        list[HitBody],
        Field(description="The nearest passages, as a search ranks them, and as the reader judged them."),
    ]
    generation: int
    took_ms: float
    did_you_mean: str | None
    warnings: list[str]
    written: Annotated[
        WrittenBody | None,
        Field(description="null unless asked for with `write`; then a warning says why there is none."),
    ]


def citation_body(cited: Citation) -> CitationBody:
    """A citation as HTTP gives it."""
    article, said = cited.article, cited.speaker
    return CitationBody(
        article_id=article.id,
        passage_id=cited.passage_id,
        title=article.title,
        url=article.url,
        source=article.source,
        published_at=_published(article.published),
        start=cited.start,
        end=cited.end,
        quote=cited.quote,
        sha256=cited.sha256,
        verified=cited.verified,
        speaker=None
        if said is None
        else SpeakerBody(
            name=said.speaker, start=said.start, end=said.end, cue=said.cue, resolved=said.resolved
        ),
        event_dates=[
            EventDateBody(
                text=article.text[one.start : one.end],
                start=one.start,
                end=one.end,
                first=one.first,
                last=one.last,
                precision=one.precision,
                rule=one.rule,
                explanation=one.explanation,
            )
            for one in cited.event_dates
        ],
    )


def ask_body(
    request: SearchRequest, reply: AskReply, written: Written | None = None, took_ms: float | None = None
) -> AskReplyBody:
    """The reply as HTTP and `--json` give it. took_ms: with the writing, where there was any."""
    found = reply_body(request, reply.search)
    return AskReplyBody(
        question=request.question,
        answer=_answer(reply),
        answerable=reply.answerable,
        confidence=reply.confidence,
        independent_sources=reply.independent,
        citations=[citation_body(one) for one in reply.citations],
        disagreements=[
            DisagreementBody(
                answer_says=one.ours, other_says=one.theirs, citation=citation_body(one.citation)
            )
            for one in reply.disagreements
        ],
        newer=[citation_body(one) for one in reply.newer],
        hits=found.hits,
        generation=found.generation,
        took_ms=round(reply.took_ms if took_ms is None else took_ms, 2),
        did_you_mean=found.did_you_mean,
        warnings=[*found.warnings, *(written.warnings if written else ())],
        written=_written(written),
    )


def sentence_body(written: WrittenSentence) -> WrittenSentenceBody:
    """A checked sentence as HTTP gives it."""
    return WrittenSentenceBody(text=written.text, citations=[citation_body(one) for one in written.citations])


def _written(written: Written | None) -> WrittenBody | None:
    if written is None or not written.sentences:
        return None
    return WrittenBody(
        text=written.text,
        sentences=[sentence_body(one) for one in written.sentences],
        dropped=written.dropped,
        model=written.model,
    )


def _answer(reply: AskReply) -> AnswerBody | None:
    if reply.answer is None:
        return None
    cited, span = reply.answer, reply.span
    return AnswerBody(
        text=cited.quote,
        article_id=cited.article.id,
        start=cited.start,
        end=cited.end,
        sha256=cited.sha256,
        verified=cited.verified,
        published_at=_published(cited.article.published),
        span=None
        if span is None
        else SpanBody(
            text=cited.article.text[span.start : span.end], start=span.start, end=span.end, kind=span.type
        ),
    )


def _published(published: PartialDate | None) -> str | None:
    return str(published) if published else None
