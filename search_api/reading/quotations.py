"""Quotations in a text: from the mark that opens to the one that closes, as positions of tokens.

Curly, straight and angular marks; a quotation that is not closed in its paragraph ends with it, as one does
that goes on in the next. Knows nothing of who speaks. tokens -> list[(first, last)]
"""

from collections.abc import Sequence

from search_api.reading.tokens import Token, glued

# A mark that opens, and those that close it; in copied text a straight one often stands for a curly one.
_PAIRS = {"“": '”"', "«": "»", "„": "“”", "‘": "’", '"': '"”', "'": "'"}
_SINGLE = frozenset("‘'")


def quotations(found: Sequence[Token]) -> list[tuple[int, int]]:
    """Half-open ranges of tokens, marks included, in order; a quotation inside another is part of it."""
    result: list[tuple[int, int]] = []
    opened: int | None = None
    closes = ""
    for i, token in enumerate(found):
        if token.after_break and opened is not None:
            result.append((opened, i))
            opened = None
        if opened is None:
            if token.text in _PAIRS and _opens(found, i):
                opened, closes = i, _PAIRS[token.text]
        elif token.text in closes and token.kind == "mark" and _closes(found, i, closes):
            result.append((opened, i + 1))
            opened = None
    if opened is not None:
        result.append((opened, len(found)))
    return result


def _opens(found: Sequence[Token], i: int) -> bool:
    """A mark that stands before a word and, where it is the same as the closing one, behind a blank."""
    token = found[i]
    if token.text in "“«„":
        return True
    apart = i == 0 or not glued(found[i - 1], token) or found[i - 1].text in "([—–-"
    joined = i + 1 < len(found) and glued(token, found[i + 1])
    return apart and joined and (token.text not in _SINGLE or found[i + 1].kind == "word")


def _closes(found: Sequence[Token], i: int, closes: str) -> bool:
    """Single marks close behind a mark or a word, before a blank or a mark: no apostrophe."""
    if closes not in ("’", "'"):
        return found[i].text != '"' or closes[0] == '"' or (i > 0 and glued(found[i - 1], found[i]))
    following = found[i + 1] if i + 1 < len(found) else None
    return following is None or not glued(found[i], following) or following.kind == "mark"
