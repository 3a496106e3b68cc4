"""What to mark in a passage: the sentence nearest to the question, and the question's words.

Uses the stored sentence vectors; encodes nothing. passage + question -> highlights
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from passage_index.holding import WordMemory
from passage_index.lexical import Words, compounds
from passage_index.types import StoredPassage
from search_api.hits import Highlight

_JOINTS = "-‐‑–.,'’&/"
_WORD = re.compile(rf"\w+(?:[{_JOINTS}]\w+)*")


def word_highlights(
    passages: Sequence[StoredPassage], words: Words, memory: WordMemory
) -> list[list[Highlight]]:
    """Of each passage the words that share a term with the question. (n,).

    memory: of words and their terms, as `terms_and_joined` gives them.
    """
    said = [frozenset(_WORD.findall(stored.text)) for stored in passages]
    telling = memory.telling(frozenset().union(*said), words.every)
    return [_marked(stored, one.intersection(telling)) for stored, one in zip(passages, said, strict=True)]


def _marked(stored: StoredPassage, telling: Iterable[str]) -> list[Highlight]:
    """telling: different words of the passage."""
    begin = stored.passage.start
    places = sorted((at, len(word)) for word in telling for at in _places(stored.text, word))
    return [Highlight(begin + at, begin + at + length, "word") for at, length in places]


def _places(text: str, word: str) -> Iterator[int]:
    """Where a word stands that is no part of a longer one, as `_WORD` cuts."""
    at = text.find(word)
    while at >= 0:
        if not _goes_on(text, at - 1, -1) and not _goes_on(text, at + len(word), 1):
            yield at
        at = text.find(word, at + len(word))


def _goes_on(text: str, at: int, step: int) -> bool:
    """Whether a word beside `at` goes on there, in the direction of `step`."""
    if 0 <= at < len(text) and text[at] in _JOINTS:
        at += step
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")


def terms_and_joined(word: str, terms: Callable[[str], list[str]]) -> tuple[str, ...]:
    """The index terms of a written word, its parts and the whole of it: `re-election`, `11,000`."""
    return (*terms(word), *map(str.lower, compounds(word)))


def sentence_highlight(stored: StoredPassage, best: int) -> Highlight:
    """The sentence at position `best` of the passage."""
    start, end = stored.passage.sentences[best]
    return Highlight(start, end, "sentence")
