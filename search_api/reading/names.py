"""Names in a text: runs of words with capitals, and whether they look like a person, a place or a body.

`Ministry of the Interior`, `Ludwig van Beethoven`, `al-Sisi`. A capital at the start of a sentence counts
only where the word is no common one. Knows no sentence grammar. tokens -> list[Name]
"""

from collections.abc import Sequence
from dataclasses import dataclass

from search_api.reading.known_names import (
    COUNTRIES,
    FIRST_NAMES,
    NATIONALITY_ENDINGS,
    ORGANISATION_WORDS,
    PLACE_WORDS,
    TITLES,
)
from search_api.reading.lexicon import (
    ABBREVIATIONS,
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    MONTH_OF,
    OPENING_WORDS,
    PREPOSITIONS,
    PRONOUNS,
    WEEKDAY_OF,
)
from search_api.reading.tokens import Token, glued, sentence_starts

_LINKS = frozenset("of the de van von der den la le du da dos di del y & and".split())
_PARTICLES = frozenset("al el ibn bin van von de del der abu ben ter".split())
_MAX_LINKS = 2
_MAX_WORDS = 12
_NEVER = DETERMINERS | PRONOUNS | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES
_NOT_NAMES = frozenset(MONTH_OF) | frozenset(WEEKDAY_OF) | frozenset({"i"})
_WHERE = frozenset(
    "in at near from to across around inside outside throughout through into toward towards via".split()
)
_WHO_DOES = frozenset("said says told born married died himself herself who whose aged".split())
_JOINED_BY_AND = frozenset({"ministry", "department", "of", "centers", "centres"})
_NAMED_BY_OF = ORGANISATION_WORDS | PLACE_WORDS | TITLES


@dataclass(frozen=True, slots=True)
class Name:
    """tokens[first:last] is a name; the three figures, 0 to 1, say how much it looks like each."""

    first: int
    last: int
    person: float
    place: float
    organisation: float


def names(found: Sequence[Token]) -> list[Name]:
    """The names of a text, in order, none overlapping another. One pass."""
    starts = frozenset(sentence_starts(found))
    seen_low = {token.low for token in found if token.kind == "word" and not token.capital}
    result: list[Name] = []
    i = 0
    while i < len(found):
        if not _begins(found, i, i in starts, seen_low):
            i += 1
            continue
        last = _end_of_run(found, i)
        first = _with_particle(found, i)
        result.append(_judged(found, first, last, i in starts))
        i = last
    return result


def _begins(found: Sequence[Token], i: int, first_of_sentence: bool, seen_low: set[str]) -> bool:
    token = found[i]
    if not token.capital or token.low in _NOT_NAMES:
        return False
    shouted = token.text.isupper() and len(token.text) > 1  # `WHO`, `US`
    followed = i + 1 < len(found) and found[i + 1].capital  # `Will Smith`, `New York`
    if token.low in _NEVER and (first_of_sentence or not (shouted or followed)):
        return False
    if token.low == "new":
        return followed
    if not first_of_sentence or shouted:
        return True
    return (
        token.low not in OPENING_WORDS and token.low not in seen_low and not token.low.endswith(("ing", "ly"))
    )


def _end_of_run(found: Sequence[Token], first: int) -> int:
    """Behind the last word of the run: links count only where a capital follows them."""
    last = i = first + 1
    links = 0
    while i < len(found) and i - first < _MAX_WORDS and not found[i].after_break:
        token, before = found[i], found[i - 1]
        if (
            token.capital
            and token.low not in _NOT_NAMES
            and (token.low not in _NEVER or token.text.isupper())
        ):
            last = i + 1
            links = 0
        elif token.kind == "number" and before.text == "-" and glued(before, token):
            last = i + 1  # `Covid-19`
        elif token.text == "." and glued(before, token) and _shortened(before) and i + 1 < len(found):
            pass
        elif not (token.text in "-‑'’" and glued(before, token)):
            links += 1
            if links > _MAX_LINKS or not _links(found, first, i):
                break
        i += 1
    return last


def _shortened(token: Token) -> bool:
    return token.low in ABBREVIATIONS or (len(token.text) == 1 and token.capital)


def _links(found: Sequence[Token], first: int, i: int) -> bool:
    """`of` links behind a word that asks for it, `and` and `&` only inside such a name, `the` after `of`."""
    low = found[i].low
    if low not in _LINKS and low not in _PARTICLES:
        return False
    if low == "the":
        return found[i - 1].low == "of"
    if low in _PARTICLES:
        return True
    if low == "of":
        return found[i - 1].low in _NAMED_BY_OF
    if low == "and":
        return not _JOINED_BY_AND.isdisjoint(token.low for token in found[first:i])
    return True


def _with_particle(found: Sequence[Token], first: int) -> int:
    """`al-Sisi` begins before its capital."""
    if (
        first >= 2
        and found[first - 1].text in "-‑"
        and found[first - 2].low in _PARTICLES
        and glued(found[first - 2], found[first - 1])
    ):
        return first - 2
    return first


def _judged(found: Sequence[Token], first: int, last: int, first_of_sentence: bool) -> Name:
    words = [token for token in found[first:last] if token.kind == "word"]
    lows = [word.low for word in words]
    whole = " ".join(lows)
    before = found[first - 1].low if first else ""
    before_that = found[first - 2].low if first > 1 else ""
    after = found[last].low if last < len(found) else ""
    if after == "," and last + 1 < len(found):
        after = found[last + 1].low if found[last + 1].low in _WHO_DOES else after
    lone = 0.5 if len(words) == 1 and first_of_sentence else 1.0
    if whole in COUNTRIES or (whole.startswith("the ") and whole[4:] in COUNTRIES):
        return Name(first, last, 0.05, 1.0, 0.3)
    titled = lows[0] in TITLES or before in TITLES or (before == "." and before_that in TITLES)
    organisation = 1.0 if {*lows} & ORGANISATION_WORDS else 0.0
    place = (
        0.9 if {*lows[-1:]} & PLACE_WORDS or (lows[0] in ("mount", "lake", "fort", "cape", "port")) else 0.0
    )
    shouted = len(words) == 1 and words[0].text.isupper() and 2 <= len(words[0].text) <= 7
    known = any(low in FIRST_NAMES for low in lows[:2])
    person = 1.0 if titled else 0.95 if known and not organisation else 0.0
    if before in _WHERE:
        place = max(place, 0.8)
    if person == 0 and after in _WHO_DOES:
        person = 0.8
    if not person and not organisation and not place:
        place = 0.4
        organisation = 0.7 if shouted else 0.4
        person = 0.2 if shouted else 0.7 if 2 <= len(words) <= 3 else 0.5 if len(words) == 1 else 0.3
    if len(words) == 1 and lows[0].endswith(NATIONALITY_ENDINGS) and not titled:
        person, place, organisation = min(person, 0.2), min(place, 0.3), min(organisation, 0.2)
    person, place, organisation = (round(max(one, 0.1) * lone, 3) for one in (person, place, organisation))
    return Name(first, last, person, place, organisation)
