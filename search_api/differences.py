"""What a near-duplicate says that its hit's article does not: sentences, compared by their words.

Compared with the hit's whole article, since its passages may be cut at other places.
near-duplicate + hit -> spans in code points
"""

import re

from passage_index.types import Span, StoredPassage

_WORD = re.compile(r"\w+")


def differing_sentences(other: StoredPassage, hit: StoredPassage) -> list[Span]:
    """Sentences of `other`, as spans of its article, whose words stand nowhere together in the hit's article.

    Letter case, punctuation and blanks do not count: `11,000 men!` is `11 000 Men`.
    """
    said = _words(hit.article.text)
    return [
        (start, end)
        for start, end in other.passage.sentences
        if (words := _words(other.article.text[start:end])).strip() and words not in said
    ]


def _words(text: str) -> str:
    """A blank before and behind every word, so that no word is found inside another."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
