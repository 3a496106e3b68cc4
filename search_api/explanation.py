"""Why a hit stands where it stands: every part of its score in plain words, and what moved it afterwards.

The contributions are those that the order was made of, so they add up to `scores.fused`. Computes no
evidence of its own. Finding + position in its pool -> reasons
"""

import re
from collections.abc import Callable
from dataclasses import replace

from passage_index.backend import Lexicon
from passage_index.lexical import Words
from passage_index.types import StoredPassage
from search_api.finding import Entry, Finding
from search_api.fusion import corpus_trust
from search_api.hits import AskedWord, Reason, Sentence
from search_api.ranking import REPEAT_PENALTY

TermsOfWord = Callable[[str], tuple[str, ...]]

_WORD = re.compile(r"\w[\w'’]*")


def explanation(
    found: Finding, entry: Entry, best: Sentence | None, asked: tuple[AskedWord, ...], place: int
) -> tuple[Reason, ...]:
    """What an entry's place was made of; the parts with a contribution first.

    best: its nearest sentence; asked: the question's words, as `asked_words` finds them.
    """
    reasons, position = [], entry.members[0]
    for part, values in found.parts.items():
        tell = _PARTS.get(part)
        reason = tell(found, position) if tell else Reason(part, f"other evidence: {part}")
        reasons.append(replace(reason, contribution=round(float(values[position]), 6)))
    reasons = [_with_evidence(one, best, asked) for one in reasons]
    return (*reasons, *_moved(found, entry, place))


def asked_words(
    stored: StoredPassage, asked: str, words: Words, lexical: Lexicon, terms_of_word: TermsOfWord
) -> tuple[AskedWord, ...]:
    """Each word that was looked for, as `asked` has it, and whether the passage has it."""
    written = {term: word for word in reversed(_WORD.findall(asked)) for term in terms_of_word(word)}
    body = words.held(set(lexical.terms(stored.text)))
    title = words.held(set(lexical.terms(stored.article.title)))
    return tuple(
        AskedWord(
            word=written.get(term, term),
            worth=round(worth, 3),
            found_in="passage" if term in body else "title" if term in title else None,
        )
        for term, worth in lexical.idf(words.terms).items()
    )


def _with_evidence(reason: Reason, best: Sentence | None, asked: tuple[AskedWord, ...]) -> Reason:
    if reason.part == "sentence":
        return replace(reason, sentence=best)
    if reason.part == "words":
        return replace(reason, text=f"{reason.text}: {_listed(asked)}", words=asked)
    return reason


def _listed(asked: tuple[AskedWord, ...]) -> str:
    if not asked:
        return "no word was looked for"
    where = {"passage": "", "title": ", in the title"}
    there = [f"“{one.word}” ({one.worth:.1f}{where[one.found_in]})" for one in asked if one.found_in]
    missing = [f"“{one.word}” ({one.worth:.1f})" for one in asked if not one.found_in]
    told = f"it has {', '.join(there)}" if there else "it has none of them"
    return f"{told}; missing: {', '.join(missing)}" if missing and there else told


def _passage(found: Finding, position: int) -> Reason:
    cosine = float(found.pool.dense[position])
    return Reason("passage", f"in meaning the passage is {_near(cosine)}", value=cosine)


def _sentence(found: Finding, position: int) -> Reason:
    cosine = float(found.pool.sentence[position])
    return Reason("sentence", f"in meaning its nearest sentence is {_near(cosine)}", value=cosine)


def _words(found: Finding, position: int) -> Reason:
    bm25 = float(found.pool.lexical[position])
    return Reason("words", f"words asked for in the passage (BM25 {bm25:.1f})", value=bm25)


def _article(found: Finding, position: int) -> Reason:
    bm25 = float(found.pool.article_lexical[position])
    return Reason("article", f"words asked for in the whole article (BM25 {bm25:.1f})", value=bm25)


def _feedback(found: Finding, position: int) -> Reason:
    degree = "nearer" if found.parts["feedback"][position] > 0 else "no nearer"
    return Reason("feedback", f"the passage is {degree} to the first passages found than to what was asked")


def _coverage(found: Finding, position: int) -> Reason:
    if found.parts["coverage"][position] > 0:
        return Reason("coverage", "one sentence of the passage holds words asked for")
    return Reason("coverage", "no sentence holds words asked for, or the passage stands too far down")


def _near(cosine: float) -> str:
    degree = "close to" if cosine >= 0.5 else "related to" if cosine >= 0.3 else "far from"
    return f"{degree} what was asked (cosine {cosine:.2f})"


def _repeats(found: Finding, position: int) -> Reason:
    above = round(-found.parts["repeats"][position] / (REPEAT_PENALTY * corpus_trust(found.pool)))
    if not above:
        return Reason("repeats", "the best passage of its article", value=0.0)
    return Reason("repeats", "better passages of the same article stand above it", value=float(above))


_PARTS: dict[str, Callable[[Finding, int], Reason]] = {
    "passage": _passage,
    "sentence": _sentence,
    "words": _words,
    "article": _article,
    "feedback": _feedback,
    "coverage": _coverage,
    "repeats": _repeats,
}


def _moved(found: Finding, entry: Entry, place: int) -> list[Reason]:
    """What happened to the hit after it had its score."""
    reasons, position, duplicates = [], entry.members[0], len(entry.members) - 1
    if found.rerank:
        raw, before = found.rerank.get(position), found.fused_order.index(position) + 1
        after, judged = found.ranked.index(position) + 1, len(found.rerank)
        text = f"place {after} of the {judged} passages that the reranker judged, {before} by the parts above"
        if raw is None:
            text = f"place {before} by the parts above; the reranker judged the first {judged}"
        reasons.append(Reason("rerank", text, value=raw))
    if duplicates:
        text = f"{duplicates} more of nearly the same text, folded behind this one"
        reasons.append(Reason("duplicates", text, value=float(duplicates)))
    if entry.undiversified != place:
        text = f"hit {place} instead of {entry.undiversified}, so that hits that say the same stand apart"
        reasons.append(Reason("diversity", text, value=float(entry.undiversified)))
    return reasons
