"""Words of a question that the corpus spells otherwise: names by another system, and slips of the pen.

A name that the corpus lacks, or has rarely, is looked for by its other spellings too; a word that it
lacks altogether by the nearest one it has. Neither is done in silence, and neither to what is quoted or
has a sign. Does not search. question + Words -> Respelled
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from passage_index.backend import Backend
from passage_index.lexical import Words
from passage_index.names import SHORTEST
from passage_index.types import Span
from passage_index.vocabulary import Word, form_of
from search_api.fusion import Mode
from search_api.hits import Interpretation
from search_api.legibility import Pieces
from search_api.question import STOP_WORDS, free_words

MOST_SPELLINGS = 6
COMMONER = 5  # a spelling of a name that the corpus has must be in so many times as many articles,
PLENTY = 100  # and the name itself in no more than so many
LONGEST_ACRONYM = 5  # letters
SHORTEST_SLIP = 5  # letters of a word that may be a slip,
LONG_SLIP = 8  # and of one that may be two
SLIP_SHARE = 500  # one that the corpus has too must be so many times as rare as what it may mean
SLIP_WEIGHT = 0.5  # of the word that may have been meant, beside a word as it was written
MOST_SLIPS = 2  # in a question: one of more words that the corpus lacks is in another language

REMEMBERED = 50_000  # words

Kind = Literal["spelling", "slip"]


@dataclass(frozen=True, slots=True)
class Respelled:
    """A question's words with their other spellings."""

    words: Words
    interpretations: tuple[Interpretation, ...] = ()
    did_you_mean: str | None = None  # the question with its slips mended


@dataclass(frozen=True, slots=True)
class _Others:
    """What else a word is looked for by."""

    term: str  # of the word itself
    reason: Kind
    words: tuple[Word, ...]
    weights: Mapping[str, float]  # by the words' terms


class Speller:
    """Knows the words of one snapshot. Safe to share between threads."""

    def __init__(self, snapshot: Backend, pieces: Pieces) -> None:
        self._lexical, self._vocabulary, self._pieces = snapshot.lexical, snapshot.vocabulary, pieces
        self._others = lru_cache(REMEMBERED)(self._find_others)

    def close(self) -> None:
        """Let go of the snapshot at once: what remembers words refers to this, and this to it."""
        del self._others

    def respelled(self, question: str, words: Words, mode: Mode = "hybrid") -> Respelled:
        """The words as they are, and what else is looked for in their place; nothing is in semantic mode."""
        said = _lower(question) if question.isupper() else question
        names = _may_be_names(said)
        found = {
            (start, end): self._others(said[start:end], names or said[start].isupper())
            for start, end in free_words(said)
        }
        others = {span: one for span, one in found.items() if one is not None and one.term in words.terms}
        slips = {span: one for span, one in others.items() if one.reason == "slip"}
        if len(slips) > MOST_SLIPS:
            others = {span: one for span, one in others.items() if span not in slips}
            slips = {}
        meant = _mended(question, slips) if slips else None
        if not others or mode == "semantic":
            return Respelled(words, did_you_mean=meant)
        told = {
            question[start:end]: tuple(word.written for word in one.words)
            for (start, end), one in others.items()
        }
        reasons = {question[start:end]: one.reason for (start, end), one in others.items()}
        return Respelled(
            replace(words, also={one.term: one.weights for one in others.values()}),
            tuple(Interpretation(word, also, reasons[word]) for word, also in told.items()),
            meant,
        )

    def _find_others(self, word: str, may_be_name: bool) -> _Others | None:
        terms = self._lexical.terms(word)
        if len(terms) != 1 or len(word) < SHORTEST:
            return None
        form = form_of(word)
        own = self._vocabulary.words([form]).get(form)
        held = self._lexical.holds(terms)
        spellings = self._spellings(word, own, held) if may_be_name else []
        if spellings:
            return self._as_others(terms[0], "spelling", spellings[:MOST_SPELLINGS])
        fewest = 1 if not held else SLIP_SHARE * own.articles if own and not own.is_name else 0
        if not fewest or self._lexical.is_joined(form):
            return None
        meant = self._meant(word, form, fewest)
        return self._as_others(terms[0], "slip", [meant]) if meant else None

    def _as_others(self, term: str, reason: Kind, words: Sequence[Word]) -> _Others:
        """All weighed as if they were as common as the commonest, so that a rare one says no more than it."""
        found: dict[str, Word] = {}
        for word in words:
            found.setdefault(self._lexical.terms(word.written)[0], word)
        worth = self._lexical.idf(found)
        weight = min(worth.values()) * (SLIP_WEIGHT if reason == "slip" else 1.0)
        weights = {other: weight / worth[other] for other in found}
        return _Others(term, reason, tuple(found.values()), weights)

    def _spellings(self, word: str, own: Word | None, held: bool) -> list[Word]:
        """Other spellings of a name; none of a word that the corpus has in plenty, or that is no name.

        own: the word as the corpus has it. One whose stem alone is held may be a name if it is written so.
        """
        is_name = own.is_name if own else word[0].isupper()
        if _is_acronym(word) or (held and not is_name) or (own and own.articles > PLENTY):
            return []
        fewest = COMMONER * own.articles if held and own else 1
        return [
            one
            for one in self._vocabulary.spellings(word)
            if one.articles >= fewest and not _is_acronym(one.written) and self._is_other(one, word)
        ]

    def _meant(self, word: str, form: str, fewest: int) -> Word | None:
        """The word that a misspelt one may stand for: the nearest, of equally near ones the most frequent.

        A word that the encoder's own vocabulary has is spelled as it should be, in the corpus or not.
        """
        if len(form) < SHORTEST_SLIP or form in STOP_WORDS or self._pieces([word]) == [1]:
            return None
        found = self._vocabulary.near(form, 2 if len(form) >= LONG_SLIP and fewest == 1 else 1)
        if any(other.plain in STOP_WORDS for _, other in found):  # `whats`, `didnt`
            return None
        common = (other for _, other in found if other.articles >= fewest)
        return next((other for other in common if self._is_other(other, word)), None)

    def _is_other(self, other: Word, word: str) -> bool:
        """Whether a word of the vocabulary still stands in an article, and is another one to the index."""
        terms = self._lexical.terms(other.written)
        return len(terms) == 1 and terms != self._lexical.terms(word) and self._lexical.holds(terms)


def _lower(question: str) -> str:
    """In small letters, every code point in its place: alone `İ` would become two."""
    return "".join(low if len(low := one.lower()) == 1 else one for one in question)


def _may_be_names(question: str) -> bool:
    """Whether words written small may be names: no other word but the first begins with a capital."""
    return not any(word[0].isupper() and not word.isupper() for word in question.split()[1:])


def _is_acronym(word: str) -> bool:
    return len(word) <= LONGEST_ACRONYM and sum(map(str.isupper, word)) > 1


def _mended(question: str, slips: Mapping[Span, _Others]) -> str:
    """The question with the words in place of which others were probably meant replaced by them."""
    for (start, end), one in sorted(slips.items(), reverse=True):
        meant = one.words[0]
        written = meant.written if meant.is_name else meant.plain
        if question[start].isupper():
            written = written[0].upper() + written[1:]
        question = question[:start] + written + question[end:]
    return question
