"""Does a sentence say only what stands in what it cites? Numbers, names, addresses and words are compared.

Does not understand either: a sentence that denies what it quotes, in the same words, is not seen.
(sentence, material) -> what is not supported
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

from search_api.question import matters
from search_api.reading.lexicon import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    MONTH_OF,
    OPENING_WORDS,
    PREPOSITIONS,
    PRONOUNS,
    WEEKDAY_OF,
)
from search_api.reading.names import names
from search_api.reading.numbers import numbers
from search_api.reading.quantities import quantities
from search_api.reading.tokens import Token, tokens

Unsupported = Literal["number", "name", "address", "words"]
Terms = Callable[[str], Sequence[str]]
IsName = Callable[[str], bool]

SHARE = 0.5  # of a sentence's words of content that must stand in what it cites, or in the question

_LITTLE = DETERMINERS | PRONOUNS | AUXILIARIES | PREPOSITIONS | CONJUNCTIONS
_FIGURE = re.compile(r"\d+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ADDRESS = re.compile(r"[^\s\"'“”()\[\]]{0,99}(?:://|@|\w\.(?=[a-z]{2}))[^\s\"'“”()\[\]]{1,200}")


def unsupported(sentence: str, material: str, terms: Terms, is_name: IsName) -> Unsupported | None:
    """What the sentence says beyond `material`, None if nothing is seen.

    terms: a text's words, stemmed. is_name: of a word that a sentence begins with, where only the corpus
    can tell.
    """
    found, known = tokens(sentence), tokens(material)
    if any(address not in material for address in _addresses(sentence)):
        return "address"
    if _has_other_numbers(sentence, found, material, known):
        return "number"
    if not {word.low for word in _named(found, is_name)} <= {token.low for token in known}:
        return "name"
    return None if _shared(sentence, material, terms) >= SHARE else "words"


def _addresses(sentence: str) -> list[str]:
    return [address.rstrip(".,;:!?") for address in _ADDRESS.findall(sentence)]


def _has_other_numbers(sentence: str, found: list[Token], material: str, known: list[Token]) -> bool:
    """A value, a group of figures or a measure that the material does not have."""
    values = {(one.value, one.form == "vague") for one in numbers(known)}
    said = [one for one in numbers(found) if (one.value, one.form == "vague") not in values]
    if said:
        return True
    read = {i for one in numbers(found) for i in range(one.first, one.last)}
    figures = set(_FIGURE.findall(material))
    others = (token.text for i, token in enumerate(found) if i not in read)
    if not all(figure in figures for text in others for figure in _FIGURE.findall(text)):
        return True
    measured = [(one.unit, one.low, one.high) for one in quantities(sentence) if one.unit]
    return not set(measured) <= {(one.unit, one.low, one.high) for one in quantities(material)}


def _named(found: list[Token], is_name: IsName) -> list[Token]:
    """Words with a capital that is none of grammar: all but the first, and that one where it is a name."""
    first = {
        i
        for name in names(found)
        for i in range(name.first, name.last)
        if name.last - name.first > 1 or is_name(found[i].text)
    }
    starts = {i for i, token in enumerate(found[:2]) if i == 0 or found[0].kind == "mark"}
    dated = MONTH_OF.keys() | WEEKDAY_OF.keys()
    return [
        token
        for i, token in enumerate(found)
        if token.capital
        and (token.low not in _LITTLE or (token.text.isupper() and len(token.text) > 1))
        and (i not in starts or i in first or token.low in dated)
        and not (_follows_opener(found, i) and token.low in OPENING_WORDS)
    ]


def _follows_opener(found: list[Token], i: int) -> bool:
    return i > 0 and found[i - 1].text in '"“„«‘'


def _shared(sentence: str, material: str, terms: Terms) -> float:
    """The share of the sentence's words of content that the material has, 1 where there is none."""
    words = " ".join(word for word in _WORD.findall(sentence) if matters(word, sentence))
    said = set(terms(words))
    return len(said & set(terms(material))) / len(said) if said else 1.0
