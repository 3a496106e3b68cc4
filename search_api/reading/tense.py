"""Whether a sentence speaks of what has happened or of what is to come, place by place.

News leaves the week out: `on Monday` is the last one after `closed` and the next one after `will close`.
The verb nearest before a place decides, else the nearest behind it in the same sentence. tokens -> tense
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from search_api.reading.lexicon import EXPECTS, FUTURE, INTENDS, PAST, PRESENT_PLANS, SCHEDULED
from search_api.reading.tokens import Token, sentence_starts

Tense = Literal["past", "future", "unclear"]

_PLANNED_FOR = frozenset("to for on in by at next later".split())
_WAS = frozenset("was were had been".split())
_BE = frozenset("be been being get".split())
_STEPS_BACK = 3
# Adjectives and nouns in -ed.
_NOT_VERBS = frozenset(
    "need hundred indeed united speed feed seed bed red shed weed deed breed greed sacred".split()
)


class Tenses:
    """The tense at any place of a text; made in one pass."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._sentences = [found[i].start for i in sentence_starts(found)]
        self._places: list[int] = []
        self._tenses: list[Tense] = []
        for i, token in enumerate(found):
            tense = _marker(found, i, self._tenses[-1] if self._tenses else None)
            if tense:
                self._places.append(token.start)
                self._tenses.append(tense)
        self._infinitives = {
            token.start
            for token, after in pairwise(found)
            if token.low == "to" and after.kind == "word" and not after.capital
        }

    def at(self, start: int, end: int) -> Tense:
        """The tense of what is said to be at text[start:end]; past where no verb tells."""
        sentence = bisect_right(self._sentences, start) - 1
        first = self._sentences[sentence] if sentence >= 0 else 0
        last = self._sentences[sentence + 1] if sentence + 1 < len(self._sentences) else None
        before = bisect_left(self._places, start) - 1
        if before >= 0 and self._places[before] >= first:
            return self._tenses[before]
        if end + 1 in self._infinitives:  # `leaders gather on Thursday to talk`
            return "future"
        behind = bisect_left(self._places, end)
        if behind < len(self._places) and (last is None or self._places[behind] < last):
            return self._tenses[behind]
        return "past"


def _marker(found: Sequence[Token], i: int, running: Tense | None) -> Tense | None:
    """What the word at i says of the tense, if it says anything."""
    token = found[i]
    low = token.low
    if token.kind != "word":
        return "future" if low == "'ll" else None
    following = found[i + 1].low if i + 1 < len(found) else ""
    before = [found[j].low for j in range(max(0, i - _STEPS_BACK), i)]
    if low in SCHEDULED and following in _PLANNED_FOR:
        return "unclear" if _WAS & {*before} else "future"
    if (low in INTENDS and following == "to") or (low in EXPECTS and before[-1:] != ["the"]):
        return "future"
    if low in FUTURE:
        return None if low == "may" and token.capital and i else "future"
    if low in ("is", "are"):
        return "future" if following in ("on", "to") or following.endswith("ing") else None
    if low in ("was", "were") and following == "to":
        return "unclear"
    if low in PRESENT_PLANS and before[-1:] != ["to"]:
        return "future"
    if low == "be" and before[-1:] == ["to"]:
        return None if running == "unclear" else "future"
    if low in PAST:
        return None if low == "have" and before[-1:] == ["to"] and running else "past"
    return _participle(low, before, running)


def _participle(low: str, before: list[str], running: Tense | None) -> Tense | None:
    """`closed` is past, but for `will be closed` and `a closed road`."""
    if not low.endswith("ed") or len(low) < 4 or low in _NOT_VERBS:
        return None
    while before and before[-1].endswith("ly"):
        before = before[:-1]
    if before and before[-1] in ("a", "an"):
        return None
    if before and before[-1] in _BE and running in ("future", "unclear"):
        return None
    return "past"
