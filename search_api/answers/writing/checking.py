"""Keeps a sentence only if every quote behind it stands in the passage it names, and carries what it says.

Trusts nothing that a model wrote. (Draft, passages that were given) -> WrittenSentence | Dropped
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from passage_index.backend import Backend
from passage_index.types import Span, StoredPassage
from passage_index.vocabulary import form_of
from search_api.answers.citations import Citation, quoted
from search_api.answers.writing.drafts import Draft
from search_api.answers.writing.prompt import heading
from search_api.answers.writing.quotes import is_long_enough, place
from search_api.answers.writing.support import Unsupported, unsupported

Reason = Literal["no citation", "no such passage", "quote too short", "quote not found", "not verified"]


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence in the model's words, each citation read anew from the store."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that is not shown. reason: what failed; never what it said."""

    reason: Reason | Unsupported


def checked(
    snapshot: Backend, draft: Draft, given: Sequence[StoredPassage], question: str
) -> WrittenSentence | Dropped:
    """Check one sentence against the passages that the model was given, numbered from 1."""
    if not draft.citations:
        return Dropped("no citation")
    places: list[tuple[StoredPassage, Span]] = []
    for number, quote in draft.citations:
        if not 1 <= number <= len(given):
            return Dropped("no such passage")
        if not is_long_enough(quote):
            return Dropped("quote too short")
        stored = given[number - 1]
        span = place(stored.text, quote)
        if span is None:
            return Dropped("quote not found")
        start = stored.passage.start
        places.append((stored, (start + span[0], start + span[1])))
    cited = {stored.passage.id: stored for stored, _ in places}.values()
    material = "\n".join([question, *(part for one in cited for part in (heading(one), one.text))])
    fault = unsupported(draft.text, material, snapshot.lexical.terms, partial(_is_name, snapshot))
    if fault is not None:
        return Dropped(fault)
    once = {(stored.passage.id, span): (stored, span) for stored, span in places}.values()
    citations = tuple(quoted(snapshot, stored, span) for stored, span in once)
    if not all(one.verified for one in citations):
        return Dropped("not verified")
    return WrittenSentence(draft.text, citations)


def _is_name(snapshot: Backend, word: str) -> bool:
    """Whether the corpus mostly writes a word with a capital; True of a word that it does not have."""
    form = form_of(word)
    known = snapshot.vocabulary.words([form]).get(form)
    return known is None or known.is_name
