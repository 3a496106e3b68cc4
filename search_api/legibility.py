"""Whether the encoder can read a question at all, judged by how its tokenizer cuts the words.

A word of a script that a model was not trained on falls into about as many tokens as it has letters, or
is unknown to it. Latin letters are always taken for legible: a foreign language in them is not seen.
question, Pieces -> yes or no
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

Pieces = Callable[[Sequence[str]], list[int]]  # see Encoder.pieces

CRUMBLED = 0.8  # tokens a letter from which a word is not known as one
MOST_UNREAD = 0.5  # of a question's letters

_WORD = re.compile(r"[^\W\d_]+")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def is_legible(question: str, pieces: Pieces) -> bool:
    """False where most letters of a question are of a script that the encoder does not know."""
    words = _WORD.findall(question)
    foreign = [word for word in words if not word.isascii() and not _is_latin(word)]
    if not foreign:
        return True
    unread = sum(
        len(word) for word, count in zip(foreign, pieces(foreign), strict=True) if _is_unread(word, count)
    )
    return unread <= MOST_UNREAD * sum(map(len, words))


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in word)


def _is_unread(word: str, count: int) -> bool:
    """Ideographs are cut one by one by many a tokenizer that knows them, so only unknown ones count."""
    return count == 0 or (count >= CRUMBLED * len(word) and not _IDEOGRAPH.search(word))
