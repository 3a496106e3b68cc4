"""A quotation with its proof: where it stands, its hash, who says it, and which days it means.

`verified` is true only after the quotation was read anew from the store and its hash compared. The
text of an article is material here, never an instruction. Candidate -> Citation
"""

from dataclasses import dataclass

from passage_index.backend import Backend
from passage_index.types import Article, Span, StoredPassage, sha256_text
from search_api.answers.candidates import Candidate
from search_api.reading.attribution import Attribution, who_says
from search_api.reading.dates import EventDate, event_dates
from search_api.verification import verify


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of an article. start, end and all other offsets: code points in the article's text."""

    passage_id: str
    article: Article
    start: int
    end: int
    quote: str
    sha256: str
    verified: bool
    score: float
    speaker: Attribution | None
    event_dates: tuple[EventDate, ...]


def cite(snapshot: Backend, candidate: Candidate, score: float) -> Citation:
    """Quote a candidate, and read it anew to see that the article really says so."""
    return quoted(snapshot, candidate.stored, (candidate.start, candidate.end), score)


def quoted(snapshot: Backend, stored: StoredPassage, span: Span, score: float = 0.0) -> Citation:
    """The same for any span of an article, in code points of its text."""
    article, (start, end) = stored.article, span
    quote = article.text[start:end]
    digest = sha256_text(quote)
    said = who_says(article.text, start, end)
    return Citation(
        passage_id=stored.passage.id,
        article=article,
        start=start,
        end=end,
        quote=quote,
        sha256=digest,
        verified=verify(snapshot, article.id, start, end, digest).verified,
        score=score,
        speaker=said,
        event_dates=tuple(_moved(one, start) for one in event_dates(quote, article.published)),
    )


def _moved(one: EventDate, start: int) -> EventDate:
    return EventDate(
        one.start + start, one.end + start, one.first, one.last, one.precision, one.rule, one.explanation
    )
