"""Words, numbers and marks of a text, with offsets: what every rule of this package stands on.

Every pattern is bounded and matches a few dozen characters at most, so a long or hostile text takes
time in proportion to its length. Knows no word's meaning but abbreviations. text -> tokens
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search_api.reading.lexicon import ABBREVIATIONS

Kind = Literal["word", "number", "mark"]

BLANK = r"[ \xa0\u2009\u202f]"

_TOKEN = re.compile(
    r"(?P<number>"
    r"\d{1,3}(?:[,\xa0\u2009\u202f]\d{3}){1,5}(?![\d,]\d)(?:\.\d{1,9}(?!\.?\d))?"  # 11,000  1,234.5
    r"|\d{1,3}(?: \d{3}){0,3} 000(?!\d)"  # 11 000
    r"|\d{1,15}(?:\.\d{1,9}(?!\.?\d)|,\d{1,2}(?![\d,]))?)"  # 7  5.3  5,3
    r"|(?P<word>(?:[^\W\d_]\.){2,6}"  # U.S.  a.m.
    r"|[^\W\d_]{1,60}(?:['’ʼ](?![sS]\b)[^\W\d_]{1,30}){0,3})"  # village  don't  O'Brien
    r"|(?P<mark>['’][sS]\b|[^\s\w]|_)"  # 's, or one sign
    r"|(?P<rest>\S)"
)

_SENTENCE_MARKS = frozenset(".!?…")
_CLOSERS = frozenset("\"'”’»)]")
OPENERS = frozenset("\"“„«‘(['")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or mark: `text[start:end]`; `low` is its lower case with a straight apostrophe."""

    text: str
    low: str
    start: int
    end: int
    kind: Kind
    after_break: bool  # a line end stands before it

    @property
    def capital(self) -> bool:
        """Begins with a capital letter."""
        return self.kind == "word" and self.text[0].isupper()


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of text[start:end], in order; offsets count code points of the whole text."""
    found: list[Token] = []
    previous = start
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        said = match[0]
        kind: Kind = (
            "number" if match.lastgroup == "number" else "word" if match.lastgroup == "word" else "mark"
        )
        low = said.lower().replace("’", "'").replace("ʼ", "'")
        broken = text.find("\n", previous, match.start()) >= 0
        found.append(Token(said, low, match.start(), match.end(), kind, broken))
        previous = match.end()
    return found


def glued(left: Token, right: Token) -> bool:
    """Nothing stands between two tokens."""
    return left.end == right.start


def sentence_starts(found: Sequence[Token]) -> list[int]:
    """The position of each sentence's first token, ascending. For texts whose sentences nobody counted."""
    starts = [0] if found else []
    for i in range(1, len(found)):
        if found[i].after_break or (_may_begin(found, i) and _ends_before(found, i)):
            starts.append(i)
    return starts


def _may_begin(found: Sequence[Token], i: int) -> bool:
    token = found[i]
    if glued(found[i - 1], token):
        return False
    return token.capital or token.kind == "number" or token.text in OPENERS


def _ends_before(found: Sequence[Token], i: int) -> bool:
    """A full stop, with or without closing marks, stands right before token i and is no abbreviation's."""
    j = i - 1
    while j > 0 and i - j < 4 and found[j].text in _CLOSERS:
        j -= 1
    stop = found[j]
    if stop.text not in _SENTENCE_MARKS:
        return False
    if stop.text != "." or j == 0 or not glued(found[j - 1], stop):
        return True
    before = found[j - 1]
    initial = before.capital and len(before.text) == 1 and before.text != "I"
    return not initial and before.low not in ABBREVIATIONS
