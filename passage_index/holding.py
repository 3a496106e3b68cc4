"""Which of some index terms stand in which texts, found without cutting every text anew.

Words once met are remembered with their terms, and terms with the words that have them, so that a text
is only split at its blanks and compared as a set. Knows no index and no question.
texts, wanted terms -> the terms that each text holds
"""

import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Any

REMEMBERED = 200_000  # written words; when there are more, all are forgotten

REMEMBERED_ROWS = 8192  # passages whose words are kept, about 2 kB each

Line = tuple[str, ...]

# Signs at which the analyzer always cuts; it cuts at others too.
_CUT = re.compile(r"[,;:!?()\[\]\"“”„«»—–-]")


class WordMemory:
    """The written words met so far and their terms. Safe to share between threads."""

    def __init__(self, analyze: Callable[[str], Sequence[str]]) -> None:
        """analyze: a written word -> its terms."""
        self._analyze = analyze
        self._memory: tuple[set[str], dict[str, set[str]]] = set(), {}  # words; term -> words that have it

    def telling(self, met: frozenset[str], wanted: Collection[str]) -> dict[str, list[str]]:
        """Those of the words in `met` that have a wanted term -> the wanted terms they have."""
        words_of, found = self._learned(met, {term[0] for term in wanted}), dict[str, list[str]]()
        for term in wanted:
            for word in met & words_of.get(term, frozenset()):
                found.setdefault(word, []).append(term)
        return found

    def _learned(self, met: frozenset[str], firsts: set[str]) -> dict[str, set[str]]:
        """The words of each term that begins with one of `firsts`, with all those in `met`."""
        known, words_of = self._memory  # other threads may add to both, or put others in their place
        if len(known) > REMEMBERED:
            known, words_of = self._memory = set(), {}
        # No stem begins otherwise than its word; what is not plain letters may be cut, or folded.
        new = [
            word
            for word in met - known
            if word[0].lower() in firsts or not (word.isascii() and word.isalpha())
        ]
        for word in new:
            for term in self._analyze(word):
                words_of.setdefault(term, set()).add(word)
        known.update(new)
        return words_of


def lines_of(texts: Sequence[str], prepared: Callable[[str], str]) -> list[Line]:
    """The written words of each text, as far as blanks and clear signs part them. (n,).

    prepared: a text as the analyzer gets it.
    """
    whole = _CUT.sub(" ", prepared("\n".join([text.replace("\n", " ") for text in texts])))
    return [tuple(map(sys.intern, line.split())) for line in whole.split("\n")]


class HeldTerms:
    """Which terms stand in texts, or in passages by their rows. Safe to share between threads."""

    def __init__(self, prepared: Callable[[str], str], analyze: Callable[[str], Sequence[str]]) -> None:
        """prepared: a text as the analyzer gets it; analyze: a word of such a text -> its terms."""
        self._prepared, self._memory = prepared, WordMemory(analyze)
        self._lines: OrderedDict[Any, list[Line]] = OrderedDict()
        self._lock = threading.Lock()

    def held_in(self, texts: Sequence[str], wanted: Collection[str]) -> list[frozenset[str]]:
        """Of each text the `wanted` terms that stand in it. (n,)."""
        return self._held(lines_of(texts, self._prepared), wanted)

    def held_by(
        self, rows: Sequence[Any], wanted: Collection[str], read: Callable[[list[Any]], list[list[str]]]
    ) -> list[list[frozenset[str]]]:
        """As `held_in`, of each sentence of passages whose words are remembered. (n,), (sentences,) each.

        rows: what a passage is remembered by; read: those that are not -> the texts of their sentences.
        """
        lines = self._lines_by(rows, read)
        held = iter(self._held([line for own in lines for line in own], wanted))
        return [list(islice(held, len(own))) for own in lines]

    def _held(self, lines: Sequence[Line], wanted: Collection[str]) -> list[frozenset[str]]:
        telling = self._memory.telling(frozenset().union(*lines), wanted)
        words = frozenset(telling)
        return [
            frozenset([term for word in words.intersection(line) for term in telling[word]]) for line in lines
        ]

    def _lines_by(
        self, rows: Sequence[Any], read: Callable[[list[Any]], list[list[str]]]
    ) -> list[list[Line]]:
        with self._lock:
            found = {row: self._lines[row] for row in rows if row in self._lines}
            for row in found:
                self._lines.move_to_end(row)
        missing = [row for row in rows if row not in found]
        if missing:
            sentences = read(missing)
            lines = iter(lines_of([one for own in sentences for one in own], self._prepared))
            new = {row: list(islice(lines, len(own))) for row, own in zip(missing, sentences, strict=True)}
            found |= new
            with self._lock:
                self._lines.update(new)
                while len(self._lines) > REMEMBERED_ROWS:
                    self._lines.popitem(last=False)
        return [found[row] for row in rows]
