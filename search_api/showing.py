"""The hits of one page: their texts, marks, near-duplicates and reasons, and nothing of any other page.

Decides no order. Finding + the entries of a page -> hits
"""

from passage_index.backend import Backend
from passage_index.holding import WordMemory
from passage_index.types import StoredPassage
from search_api.differences import differing_sentences
from search_api.explanation import TermsOfWord, asked_words, explanation
from search_api.finding import Entry, Finding
from search_api.highlights import sentence_highlight, word_highlights
from search_api.hits import Duplicate, Highlight, Hit, HitScores, Reason, Sentence


def shown(
    snapshot: Backend,
    found: Finding,
    page: list[Entry],
    terms_of_word: TermsOfWord,
    memory: WordMemory,
) -> tuple[Hit, ...]:
    """One hit an entry, its best passage first. Texts are read for this page only."""
    pool, members = found.pool, [member for entry in page for member in entry.members]
    texts = dict(zip(members, found.texts.of(pool.rows[members]), strict=True))
    nearest = _nearest(snapshot, found, [entry.members[0] for entry in page])
    first_of = [texts[entry.members[0]] for entry in page]
    words = word_highlights(first_of, found.words, memory)
    hits = []
    for place, (entry, marks) in enumerate(zip(page, words, strict=True), start=found.request.offset + 1):
        first, *others = entry.members
        stored = texts[first]
        if nearest:
            marks.insert(0, sentence_highlight(stored, nearest[first]))
        hits.append(
            Hit(
                rank=place,
                stored=stored,
                score=float(found.score[first]),
                scores=_scores(found, first),
                highlights=tuple(marks),
                duplicates=_duplicates(found, [texts[other] for other in others], stored),
                explanation=_reasons(snapshot, found, entry, stored, marks, place, terms_of_word)
                if found.request.explain
                else None,
            )
        )
    return tuple(hits)


def _nearest(snapshot: Backend, found: Finding, positions: list[int]) -> dict[int, int]:
    """The sentence of each passage that is nearest to the question; nothing where that has no vector."""
    if found.vector is None:
        return {}
    nearest = snapshot.nearest_sentences(found.vector, found.pool.rows[positions])
    return dict(zip(positions, nearest, strict=True))


def _scores(found: Finding, position: int) -> HitScores:
    return HitScores(
        dense=float(found.pool.dense[position]),
        sentence=float(found.pool.sentence[position]),
        lexical=float(found.pool.lexical[position]),
        fused=round(float(found.fused[position]), 6),
        rerank=found.rerank.get(position),
    )


def _duplicates(found: Finding, others: list[StoredPassage], hit: StoredPassage) -> tuple[Duplicate, ...]:
    differing: list[tuple[Sentence, ...] | None] = [None] * len(others)
    if others and found.request.differences:
        spans = zip(others, differing_sentences(others, hit), strict=True)
        differing = [tuple(_quoted(other, *span) for span in own) for other, own in spans]
    pairs = zip(others, differing, strict=True)
    return tuple(Duplicate(other.passage.id, other.article.id, said) for other, said in pairs)


def _reasons(
    snapshot: Backend,
    found: Finding,
    entry: Entry,
    stored: StoredPassage,
    marks: list[Highlight],
    place: int,
    terms_of_word: TermsOfWord,
) -> tuple[Reason, ...]:
    best = next((_quoted(stored, mark.start, mark.end) for mark in marks if mark.kind == "sentence"), None)
    asked = asked_words(stored, found.asked, found.words, snapshot.lexical, terms_of_word)
    return explanation(found, entry, best, asked, place)


def _quoted(stored: StoredPassage, start: int, end: int) -> Sentence:
    return Sentence(start, end, stored.article.text[start:end])
