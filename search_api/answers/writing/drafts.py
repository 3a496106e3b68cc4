"""Cuts what a language model writes, as it arrives, into sentences with the citations behind them.

A citation is `[2: "exact quote"]`. Believes nothing of it: whether the quote stands in the passage is
checked elsewhere. pieces of text -> Drafts
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from search_api.reading.tokens import sentence_starts, tokens

DECLINED = "NO ANSWER"  # what the model is told to write where the passages do not say

_LONGEST_QUOTE = 1500
_LONGEST = _LONGEST_QUOTE + 64  # of a citation, its marks and blanks counted
_CITATION = rf'\[\s{{0,9}}(\d{{1,3}})\s{{0,9}}:\s{{0,9}}["“”„«](.{{1,{_LONGEST_QUOTE}}}?)["“”»]\s{{0,9}}\]'
_ONE = re.compile(_CITATION, re.DOTALL)
_BETWEEN = re.compile(r"[\s,;.]{0,9}")
_STOP = re.compile(r"\s{0,9}([.!?…]{1,3})")
_STOPS = (".", "!", "?", "…", ".”", '."', ".»", "?”", "!”")
_BULLET = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_THINKING, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as the model wrote it. citations: (number of a passage, quote), both unchecked."""

    text: str
    citations: tuple[tuple[int, str], ...] = ()

    @property
    def is_refusal(self) -> bool:
        """Whether the model says that the passages do not answer."""
        return not self.citations and self.text.strip(" .!*\"'").upper() == DECLINED


class Drafts:
    """What one reply of a model is made of. What was given out is forgotten."""

    def __init__(self) -> None:
        self._text = ""
        self._looked = 0  # no citation begins before it
        self._may_think = True

    def take(self, piece: str) -> list[Draft]:
        """The sentences that this piece completes: those before and with a citation that has an end."""
        self._text += _UNSHOWN.sub("", piece)
        return [] if self._thinks() else self._complete(is_all=False)

    def rest(self, is_whole: bool) -> list[Draft]:
        """The sentences that are left. is_whole: the model had ended; else a last half sentence is let go."""
        if self._thinks():
            return []
        found = self._complete(is_all=True)
        return found + ([Draft(one) for one in _sentences(self._text)] if is_whole else [])

    def _thinks(self) -> bool:
        """Some models begin with their thoughts, which are no part of the answer."""
        begun = self._text.lstrip()
        if self._may_think and begun.startswith(_THINKING):
            _, end, after = begun.partition(_THOUGHT)
            if not end:
                return True
            self._text, self._may_think = after, False
        elif not _THINKING.startswith(begun):
            self._may_think = False
        return self._may_think and bool(begun)

    def _complete(self, is_all: bool) -> list[Draft]:
        found: list[Draft] = []
        while (first := self._citation()) is not None:
            cited, end = [first], first.end()
            while (following := _ONE.match(self._text, _behind(self._text, end))) is not None:
                cited, end = [*cited, following], following.end()
            stop = _STOP.match(self._text, end)
            end = stop.end() if stop else end
            if not (is_all or _is_followed(self._text, end)):
                break
            *uncited, said = _sentences(self._text[: first.start()]) or [""]
            if said and not said.endswith(_STOPS):
                said += stop[1] if stop else "."
            found += [Draft(one) for one in uncited]
            found += [Draft(said, tuple((int(one[1]), one[2]) for one in cited))] if said else []
            self._text, self._looked = self._text[end:], 0
        return found

    def _citation(self) -> re.Match[str] | None:
        """The first one; where there is none, the next look begins where one may have begun by now."""
        found = _ONE.search(self._text, self._looked) if "]" in self._text[self._looked :] else None
        self._looked = found.start() if found else max(self._looked, len(self._text) - _LONGEST)
        return found


def _behind(text: str, end: int) -> int:
    between = _BETWEEN.match(text, end)
    return between.end() if between else end


def _is_followed(text: str, end: int) -> bool:
    """Whether the next sentence has begun: a `[` may be one more citation, until it has an end."""
    after = text[end:].lstrip(" \t\n,;")
    return bool(after) and (after[0] != "[" or "]" in after)


def _sentences(text: str) -> list[str]:
    """The sentences of a text, blanks and marks of a list taken off."""
    found = tokens(text)
    starts = [found[i].start for i in sentence_starts(found)]
    said = (" ".join(text[start:end].split()) for start, end in pairwise([*starts, len(text)]))
    plain = (_BULLET.sub("", one).replace("**", "").strip() for one in said)
    return [one for one in plain if any(sign.isalnum() for sign in one)]
