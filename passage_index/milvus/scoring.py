"""The lexical leg by a server's BM25: what is asked of it, and how its answers add up to one score.

The score is the same sum as in the embedded index (LexicalReader.any_of): every term once, joined words
in a field of their own, of a term and its other spellings the best. The server only sums; so a term with
other spellings is asked for alone too, beside each of them. Asks nothing itself.
Words -> texts a field -> scores
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from passage_index.lexical import Words
from passage_index.milvus.entities import token
from passage_index.milvus.lexicon import Lexicon
from passage_index.milvus.schema import JOINED, WORDS
from passage_index.types import Scores

Queries = dict[str, list[str]]  # by field; the first text finds candidates, the others are only scored


def queries(words: Words, lexicon: Lexicon) -> Queries:
    """What the server is asked: nothing of no words, and no text without a word, which it refuses."""
    if not words:
        return {}
    terms = list(
        dict.fromkeys([*words.terms, *(term for one in words.compounds for term in lexicon.terms(one))])
    )
    joined = dict.fromkeys(term for word in words.compounds for term in lexicon.joined_terms(word))
    found: Queries = {}
    if terms:
        respelled = _respelled(words)
        others = [other for _, its in respelled for other in its]
        found[WORDS] = [_text([*terms, *others])]
        if respelled:
            alone = (one for term, its in respelled for one in (term, *its))
            found[WORDS] += [_text(terms), *map(token, alone)]
    if joined:
        found[JOINED] = [_text(joined)]
    return found


def bm25(scores: Mapping[str, npt.NDArray[np.float64]], words: Words) -> Scores:
    """The sums, (n,). scores: of each text of `queries`, (texts, n) by field."""
    total = sum(by_text[0] for by_text in scores.values())
    respelled = _respelled(words)
    if respelled:
        by_text = scores[WORDS]
        total = total - by_text[0] + by_text[1]
        row = 2
        for term, others in respelled:
            weights = np.array([1.0, *(words.also[term][other] for other in others)])
            best = (by_text[row : row + len(weights)] * weights[:, None]).max(axis=0)
            total += best - by_text[row]
            row += len(weights)
    return np.round(np.maximum(total, 0.0), 5)


def phrases(words: Words) -> str:
    """An expression for the phrases that must stand in a passage, and those that must not.

    Words are looked for by the server's own match; that they follow each other is read off the terms.
    """
    wanted = [_holds(phrase) for phrase in words.required]
    return " and ".join([*wanted, *(f"not ({_holds(phrase)})" for phrase in words.excluded)])


def _holds(phrase: Sequence[str]) -> str:
    tokens = [token(term) for term in phrase]
    parts = [f'text_match(terms, "{one}")' for one in dict.fromkeys(tokens)]
    if len(tokens) > 1:
        parts.append(f'terms like "% {" ".join(tokens)} %"')
    return " and ".join(parts)


def _respelled(words: Words) -> list[tuple[str, list[str]]]:
    """Terms that have other spellings, with them."""
    return [(term, list(words.also[term])) for term in dict.fromkeys(words.terms) if words.also.get(term)]


def _text(terms: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(map(token, terms)))
