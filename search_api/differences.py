"""What a near-duplicate says that its hit's article does not: sentences, compared by their words.

Compared with the hit's whole article, since its passages may be cut at other places.
near-duplicates + hit -> spans in code points
"""

import re
from collections.abc import Sequence

from passage_index.stages import require_wanted
from passage_index.types import Span, StoredPassage

_WORD = re.compile(r"\w+")


def differing_sentences(others: Sequence[StoredPassage], hit: StoredPassage) -> list[list[Span]]:
    """Of each other its sentences, as spans of its article, whose words stand nowhere together in the hit's.

    Letter case, punctuation and blanks do not count: `11,000 men!` is `11 000 Men`. Raises Abandoned.
    """
    said = _words(hit.article.text)
    return [_differing(other, said) for other in others]


def _differing(other: StoredPassage, said: str) -> list[Span]:
    require_wanted()  # a hit may have thousands of near-duplicates, and its article a megabyte
    return [
        (start, end)
        for start, end in other.passage.sentences
        if (words := _words(other.article.text[start:end])).strip() and words not in said
    ]


def _words(text: str) -> str:
    """A blank before and behind every word, so that no word is found inside another."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
