"""What to mark in a passage: the sentence nearest to the question, and the question's words.

Uses the stored sentence vectors; encodes nothing. passage + question -> highlights
"""

import re
from collections.abc import Callable, Container, Sequence

from passage_index.holding import WordMemory
from passage_index.lexical import Words, compounds
from passage_index.types import StoredPassage
from search_api.hits import Highlight

_WORD = re.compile(r"\w+(?:[-‐‑–.,'’&/]\w+)*")


def word_highlights(
    passages: Sequence[StoredPassage], words: Words, memory: WordMemory
) -> list[list[Highlight]]:
    """Of each passage the words that share a term with the question. (n,).

    memory: of words and their terms, as `terms_and_joined` gives them.
    """
    said = [_WORD.findall(stored.text) for stored in passages]
    telling = memory.telling(frozenset(word for one in said for word in one), words.every)
    return [_marked(stored, one, telling) for stored, one in zip(passages, said, strict=True)]


def _marked(stored: StoredPassage, said: list[str], telling: Container[str]) -> list[Highlight]:
    """said: the words of the passage, in order."""
    found, at, begin = list[Highlight](), 0, stored.passage.start
    for word in said if telling else ():
        at = stored.text.index(word, at)  # what lies between two words holds no letter
        if word in telling:
            found.append(Highlight(begin + at, begin + at + len(word), "word"))
        at += len(word)
    return found


def terms_and_joined(word: str, terms: Callable[[str], list[str]]) -> tuple[str, ...]:
    """The index terms of a written word, its parts and the whole of it: `re-election`, `11,000`."""
    return (*terms(word), *map(str.lower, compounds(word)))


def sentence_highlight(stored: StoredPassage, best: int) -> Highlight:
    """The sentence at position `best` of the passage."""
    start, end = stored.passage.sentences[best]
    return Highlight(start, end, "sentence")
