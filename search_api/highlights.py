"""What to mark in a passage: the sentence nearest to the question, and the question's words.

Uses the stored sentence vectors; encodes nothing. passage + question -> highlights
"""

import re
from collections.abc import Callable

from passage_index.lexical import Words, compounds
from passage_index.types import StoredPassage
from search_api.hits import Highlight

_WORD = re.compile(r"\w+(?:[-‐‑–.,'’&/]\w+)*")


def word_highlights(
    stored: StoredPassage, words: Words, terms: Callable[[str], tuple[str, ...]]
) -> list[Highlight]:
    """Words of the passage that share a term with the question; `terms` as `terms_and_joined` gives them."""
    wanted = words.every
    if not wanted:
        return []
    said = [(match[0], match.start()) for match in _WORD.finditer(stored.text)]
    telling = {word for word in {word for word, _ in said} if not wanted.isdisjoint(terms(word))}
    begin = stored.passage.start
    return [
        Highlight(begin + start, begin + start + len(word), "word") for word, start in said if word in telling
    ]


def terms_and_joined(word: str, terms: Callable[[str], list[str]]) -> tuple[str, ...]:
    """The index terms of a written word, its parts and the whole of it: `re-election`, `11,000`."""
    return (*terms(word), *map(str.lower, compounds(word)))


def sentence_highlight(stored: StoredPassage, best: int) -> Highlight:
    """The sentence at position `best` of the passage."""
    start, end = stored.passage.sentences[best]
    return Highlight(start, end, "sentence")
