"""What saved searches find that they have not told before.

A run looks at the articles whose passages were numbered after the run before, and at those that the search
has told, so that a copy of what was told folds into it. Searches, State -> Alerts, State
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from passage_index.backend import Backend
from passage_index.filters import ARTICLE_ID, All, Condition, Filter
from passage_index.snapshot import Snapshot
from passage_index.types import sha256_text
from search_api.alerts.remembered import Followed, State
from search_api.alerts.saved import SavedSearch
from search_api.hits import Hit, SearchRequest
from search_api.searcher import Searcher
from search_api.verification import verify

DEPTH = 3200  # candidates of each leg


@dataclass(frozen=True, slots=True)
class Followup:
    """What one search had to tell. copies: new articles that repeat what was told; changed: told before."""

    search: SavedSearch
    hits: tuple[Hit, ...]
    copies: int
    is_first: bool  # nothing is told then, unless asked for


@dataclass(frozen=True, slots=True)
class Manner:
    """tells_first: also what is there at a search's first run; tells_changes: articles with a new text."""

    tells_first: bool = False
    tells_changes: bool = False


def followed_up(
    searcher: Searcher, searches: Sequence[SavedSearch], state: State, begins_at: int, manner: Manner
) -> list[Followup]:
    """Every search's news; `state` is brought up to what they say. begins_at: see `State.begins_at`."""
    snapshot = searcher.snapshot
    assert isinstance(snapshot, Snapshot)  # alerts follow an index folder
    new = snapshot.articles_from(begins_at) if begins_at else None  # None: all may be new
    found = [_followed(searcher, one, state, new, manner) for one in searches]
    kept = {one.name for one in searches}
    state.searches = {name: one for name, one in state.searches.items() if name in kept}
    return found


def _followed(
    searcher: Searcher, search: SavedSearch, state: State, new: Sequence[str] | None, manner: Manner
) -> Followup:
    before = state.searches.get(search.name)
    is_first = before is None or before.fingerprint != search.fingerprint
    known = Followed(search.fingerprint) if before is None or is_first else before
    state.searches[search.name] = known
    hits = _hits(searcher, search.request, None if is_first else new, known)
    told: list[Hit] = []
    copies = 0
    for hit in hits:
        family = [hit.stored.article.id, *(one.article_id for one in hit.duplicates)]
        fresh = [one for one in family if _is_news(searcher.snapshot, one, known, manner)]
        # A family with a member that was told, and still says what it said, is no news; its copies are noted.
        is_told = any(one in known.seen for one in family if one not in fresh)
        if fresh and not is_told:
            told.append(hit)
        copies += len(fresh) if is_told else max(0, len(fresh) - 1)
        for one in family:
            known.seen.pop(one, None)  # to the end: the oldest are forgotten first
            known.seen[one] = _text_hash(searcher.snapshot, one)
    is_silent = is_first and not manner.tells_first
    return Followup(search, () if is_silent else tuple(told), 0 if is_silent else copies, is_first)


def _hits(
    searcher: Searcher, request: SearchRequest, new: Sequence[str] | None, known: Followed
) -> tuple[Hit, ...]:
    """All that reaches the score, among the articles that may be news and those that were told."""
    if new is not None:
        if not new:
            return ()
        within = _one_of([*new, *(one for one in known.seen)])
        request = replace(request, filter=All((request.filter, within)) if request.filter else within)
    return searcher.search(replace(request, limit=DEPTH, offset=0, depth=DEPTH)).hits


def _one_of(ids: Sequence[str]) -> Filter:
    return Condition(ARTICLE_ID, "$in", "text", tuple(dict.fromkeys(ids)))


def _is_news(snapshot: Backend, article_id: str, known: Followed, manner: Manner) -> bool:
    told = known.seen.get(article_id)
    if told is None:
        return True
    return manner.tells_changes and told != _text_hash(snapshot, article_id)


def _text_hash(snapshot: Backend, article_id: str) -> str:
    article = snapshot.article(article_id)
    return sha256_text(article.text)[:32] if article else ""


def as_record(followup: Followup, hit: Hit, snapshot: Backend) -> dict[str, Any]:
    """An alert as JSON has it."""
    article, passage = hit.stored.article, hit.stored.passage
    start, end = next(
        ((mark.start, mark.end) for mark in hit.highlights if mark.kind == "sentence"),
        (passage.start, passage.end),
    )
    quote = article.text[start:end]
    digest = sha256_text(quote)
    return {
        "search": followup.search.name,
        "question": followup.search.request.question,
        "article_id": article.id,
        "title": article.title,
        "source": article.source,
        "published_at": str(article.published) if article.published else None,
        "url": article.url,
        "score": hit.score,
        "passage_id": passage.id,
        "start": start,
        "end": end,
        "quote": quote,
        "sha256": digest,
        "verified": verify(snapshot, article.id, start, end, digest).verified,
        "copies": [one.article_id for one in hit.duplicates],
        "generation": snapshot.generation,
    }
