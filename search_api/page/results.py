"""What the page shows of a search: its hits by article, the answer, where more of the same would lead.

Decides no order: articles stand where their first hit does.
SearchReply, AskReply -> ShownArticle, ShownAnswer
"""

from collections.abc import Sequence
from dataclasses import dataclass

from passage_index.backend import Backend
from passage_index.types import Article, Span, StoredPassage
from search_api.answers.asking import AskReply
from search_api.answers.citations import Citation
from search_api.hits import Hit
from search_api.page.citing import Reference, reference
from search_api.page.marking import Run, is_wrapped, paragraphs, runs
from search_api.reading.expectation import expected

SHOWN_SIMILAR = 20
_QUESTION_MARKS = ("?", "？", "؟", ";")


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A passage as the page shows it. best: its marked sentence alone, where one is marked."""

    hit: Hit
    paragraphs: list[list[Run]]
    best: list[Run]
    is_wrapped: bool
    similar: list[StoredPassage]
    reference: Reference


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """An article with those of its passages that are on the page, best first."""

    article: Article
    hits: list[ShownHit]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An answer, or that there is none. quote: cut where the part that says it shortest is marked."""

    reply: AskReply
    quote: list[Run]
    dates: list[str]
    reference: Reference | None


def by_article(snapshot: Backend, hits: Sequence[Hit]) -> list[ShownArticle]:
    """The hits of a page, those of one article together."""
    found: dict[str, ShownArticle] = {}
    for hit in hits:
        article = hit.stored.article
        found.setdefault(article.id, ShownArticle(article, [])).hits.append(_shown(snapshot, hit))
    return list(found.values())


def _shown(snapshot: Backend, hit: Hit) -> ShownHit:
    passage, text, article = hit.stored.passage, hit.stored.text, hit.stored.article
    spans: dict[str, list[Span]] = {"sentence": [], "word": []}
    for highlight in hit.highlights:
        spans[highlight.kind].append((highlight.start, highlight.end))
    similar = [snapshot.passage(duplicate.id) for duplicate in hit.duplicates[:SHOWN_SIMILAR]]
    start, end = (spans["sentence"] or [(passage.start, passage.end)])[0]
    return ShownHit(
        hit=hit,
        paragraphs=paragraphs(text, passage.start, spans["sentence"], spans["word"]),
        best=runs(article.text[start:end], start, [], spans["word"]),
        is_wrapped=is_wrapped(article.text, [passage]),
        similar=[stored for stored in similar if stored],
        reference=reference(article, (start, end)),
    )


def answer(reply: AskReply) -> ShownAnswer:
    """What the box above the passages shows."""
    cited = reply.answer
    if cited is None:
        return ShownAnswer(reply, [], [], None)
    marked = [(reply.span.start, reply.span.end)] if reply.span else []
    return ShownAnswer(
        reply=reply,
        quote=runs(cited.quote, cited.start, marked),
        dates=_dates(cited),
        reference=reference(cited.article, (cited.start, cited.end)),
    )


def _dates(cited: Citation) -> list[str]:
    """What expressions of time in the quote mean, where that is not what they say."""
    told = []
    for one in cited.event_dates:
        text = " ".join(cited.article.text[one.start : one.end].split())
        if one.first and one.last and str(one.first.year) not in text:
            days = str(one.first) if one.first == one.last else f"{one.first} to {one.last}"
            told.append(f"“{text}”: {days}")
    return list(dict.fromkeys(told))


def is_question(text: str) -> bool:
    """Whether a plain no is an answer to it: to a few words that name a subject it is none."""
    return text.rstrip().endswith(_QUESTION_MARKS) or expected(text).type != "other"
