"""Which of some index terms stand in which texts, found without cutting every text anew.

Words once met are remembered with their terms, and terms with the words that have them, so that a text
is only split at its blanks and compared as a set. Knows no index and no question.
texts, wanted terms -> the terms that each text holds
"""

import re
from collections.abc import Callable, Collection, Sequence

REMEMBERED = 200_000  # written words; when there are more, all are forgotten

# Signs at which the analyzer always cuts; it cuts at others too.
_CUT = re.compile(r"[,;:!?()\[\]\"“”„«»—–-]")

Words = set[str]


class HeldTerms:
    """The words met so far and their terms. Safe to share between threads."""

    def __init__(self, prepared: Callable[[str], str], analyze: Callable[[str], Sequence[str]]) -> None:
        """prepared: a text as the analyzer gets it; analyze: a word of such a text -> its terms."""
        self._prepared, self._analyze = prepared, analyze
        self._memory: tuple[Words, dict[str, Words]] = set(), {}  # words met; term -> words that have it

    def held_in(self, texts: Sequence[str], wanted: Collection[str]) -> list[frozenset[str]]:
        """Of each text the `wanted` terms that stand in it. (n,)."""
        whole = self._prepared("\n".join(" ".join(text.split()) for text in texts))
        said = [frozenset(line.split()) for line in _CUT.sub(" ", whole).split("\n")]
        met = frozenset[str]().union(*said)
        words_of = self._learned(met)
        telling = [(term, met & words_of[term]) for term in wanted if term in words_of]
        telling = [(term, words) for term, words in telling if words]
        return [frozenset([term for term, words in telling if not words.isdisjoint(one)]) for one in said]

    def _learned(self, met: frozenset[str]) -> dict[str, Words]:
        """The words of each term, with all those in `met`."""
        known, words_of = self._memory  # other threads may add to both, or put others in their place
        if len(known) > REMEMBERED:
            known, words_of = self._memory = set(), {}
        new = met - known
        for word in new:
            for term in self._analyze(word):
                words_of.setdefault(term, set()).add(word)
        known |= new
        return words_of
