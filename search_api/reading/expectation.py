"""What kind of answer a question asks for: a person, a place, a number of something, a date, a reason ...

By its question word and the noun beside it; English. Knows nothing of texts that could answer.
question -> Expectation
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from search_api.reading.lexicon import AUXILIARIES, CONJUNCTIONS, DETERMINERS, PAST, PREPOSITIONS, PRONOUNS
from search_api.reading.nouns import is_plural, singular
from search_api.reading.question_nouns import (
    DATE_NOUNS,
    HOW,
    MANNER_NOUNS,
    MEASURES,
    NAME_OF,
    ORGANISATION_NOUNS,
    PERSON_NOUNS,
    PLACE_NOUNS,
    REASON_NOUNS,
    measure_of,
)
from search_api.reading.tokens import Token, tokens
from search_api.reading.units import QuantityKind

AnswerType = Literal[
    "person", "place", "organisation", "number", "date", "reason", "manner", "yes-no", "definition", "other"
]

_MAX_CHARS = 2_000  # of a question; the rest is not read
_QUESTION_WORDS = frozenset(
    "who whom whose where when why which what how what's who's where's when's how's".split()
)
_COPULA = frozenset("is are was were 's be been".split())
_POLITE = frozenset("tell know say name explain describe".split())
_CAUSING = frozenset("caused causes cause led prompted made triggered motivated sparked makes leads".split())
_BEFORE_THE_NOUN = DETERMINERS | {"of", "more", "other", "different", "new"}
_MEANING = frozenset("mean means stand refer signify".split())
_BOUNDARY = AUXILIARIES | PREPOSITIONS | CONJUNCTIONS | PRONOUNS | frozenset({"there"})

_PHRASE_ENDS = _BOUNDARY | DETERMINERS | {"'s"}
_OF_A_PERSON = frozenset("first last full middle maiden given".split())  # names


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an answer should be.

    also: types that would do as well, at a lower score. nouns: what is counted or asked about, singular, the
    head first. measures: kinds of quantity that fit, the likeliest first. detail: of a date, `year`, `month`,
    `day` or `time`. cue: the words of the question that told it. words: all of its words, lower case, for
    what the question says itself is seldom the answer.
    """

    type: AnswerType
    cue: str
    also: tuple[AnswerType, ...] = ()
    nouns: tuple[str, ...] = ()
    measures: tuple[QuantityKind, ...] = ()
    detail: str = ""
    words: frozenset[str] = frozenset()


def expected(question: str) -> Expectation:
    """The expectation of a question; `other` where its words do not tell. Reads 2,000 characters of it."""
    spoken = tokens(question[:_MAX_CHARS])
    words = frozenset(token.low for token in spoken if token.kind != "mark")
    return replace(_expected(spoken), words=words)


def _expected(spoken: Sequence[Token]) -> Expectation:
    found = [token for token in spoken if token.kind != "mark" or token.low == "'s"]
    if not found:
        return Expectation("other", "")
    polite = found[0].low in AUXILIARIES and any(token.low in _POLITE for token in found[1:4])
    if found[0].low in AUXILIARIES and not polite:
        return Expectation("yes-no", found[0].text)
    at = next((i for i, token in enumerate(found) if token.low in _QUESTION_WORDS), None)
    if at is None:
        if found[0].low in ("define", "explain"):
            return Expectation("definition", found[0].text, nouns=_content(found, 1))
        return Expectation("other", "")
    word = found[at].low.removesuffix("'s")
    if found[at].low.endswith("'s"):  # `what's` is `what is`
        found = [*found[: at + 1], replace(found[at], text="is", low="is"), *found[at + 1 :]]
    return _READ[word](found, at)


def _who(found: Sequence[Token], at: int) -> Expectation:
    """`Who is Ivan Bondar?` asks what he is; `who is the mayor?` for a name."""
    rest = found[at + 2 :]
    cue = found[at].text
    if at + 1 < len(found) and found[at + 1].low in _COPULA and rest and all(token.capital for token in rest):
        return Expectation("definition", f"{cue} {found[at + 1].text}", ("person",), _content(found, at + 2))
    return Expectation("person", cue, ("organisation",), _content(found, at + 1))


def _where(found: Sequence[Token], at: int) -> Expectation:
    return Expectation("place", found[at].text, ("organisation",), _content(found, at + 1))


def _when(found: Sequence[Token], at: int) -> Expectation:
    return Expectation("date", found[at].text)


def _why(found: Sequence[Token], at: int) -> Expectation:
    return Expectation("reason", found[at].text)


def _how(found: Sequence[Token], at: int) -> Expectation:
    following = found[at + 1].low if at + 1 < len(found) else ""
    cue = f"{found[at].text} {found[at + 1].text}" if following else found[at].text
    if following in ("come", "comes"):
        return Expectation("reason", cue)
    if following not in HOW:
        return Expectation("manner", cue if following in AUXILIARIES else found[at].text)
    nouns = _counted(found, at + 2) if following in ("many", "much") else ()
    units = measure_of(nouns[0]) if nouns else ()
    if following == "many" and nouns and nouns[0] in ("percent", "percentage"):
        units = ("percent", "share")
    measures = units or HOW[following]
    since: tuple[AnswerType, ...] = ("date",) if measures[0] == "duration" else ()  # `since 2014` tells, too
    return Expectation("number", " ".join([cue, *nouns[:1]]), since, nouns, measures)


def _counted(found: Sequence[Token], start: int) -> tuple[str, ...]:
    """The noun of `how many X`: the first plural before the verb, then the other words of its phrase."""
    words: list[str] = []
    i = start
    while i < len(found) and found[i].low in _BEFORE_THE_NOUN:
        i += 1
    for token in found[i : i + 5]:
        if token.kind != "word" or token.low in _BOUNDARY or (words and token.low in PAST):
            break
        words.append(token.low)
        if is_plural(token.low):
            break
    if not words:
        return ()
    return tuple(dict.fromkeys(singular(word) for word in reversed(words)))


def _what(found: Sequence[Token], at: int) -> Expectation:
    """The noun beside it tells: `what year`, `which of the towns`, `what was the price of`."""
    cue = found[at].text
    following = found[at + 1].low if at + 1 < len(found) else ""
    if following in _CAUSING:
        return Expectation("reason", f"{cue} {following}")
    if following in _COPULA:
        return _what_is(found, at)
    if following in AUXILIARIES:
        meaning = {token.low for token in found[at + 2 :]} & _MEANING
        return Expectation("definition" if meaning else "other", cue, nouns=_content(found, at + 2))
    phrase = _phrase(found, at + 1)
    head = tuple(singular(token.low) for token in phrase[-1:])
    return _by_noun(phrase, cue) or Expectation("other", cue, nouns=head)


def _what_is(found: Sequence[Token], at: int) -> Expectation:
    """`What is the capital of X` by its noun; `what is photosynthesis` asks for a definition."""
    cue = f"{found[at].text} {found[at + 1].text}"
    phrase = _phrase(found, at + 2)
    after = at + 2 + len(phrase) + sum(token.low in DETERMINERS for token in found[at + 2 : at + 3])
    told = _by_noun(phrase, cue)
    if told is not None:
        return told
    if _asks_for_a_name(found[at:]):
        return Expectation("person", f"{cue} name")
    if phrase and after >= len(found):
        return Expectation("definition", cue, nouns=tuple(singular(token.low) for token in reversed(phrase)))
    return Expectation("other", cue, nouns=tuple(singular(token.low) for token in phrase[-1:]))


def _phrase(found: Sequence[Token], start: int) -> list[Token]:
    """The noun phrase at `start`: of `the name of the mayor` the mayor, of `which of the towns` the towns."""
    i = start
    for _ in range(3):
        while i < len(found) and (found[i].low in DETERMINERS or found[i].low == "of"):
            i += 1
        first = i
        while i < len(found) and i - first < 6 and found[i].low not in _PHRASE_ENDS:
            i += 1
        phrase = list(found[first:i])
        named = phrase and singular(phrase[-1].low) in NAME_OF
        if not (named or not phrase) or i >= len(found) or found[i].low not in ("of", "'s"):
            return phrase
    return phrase


def _by_noun(phrase: Sequence[Token], cue: str) -> Expectation | None:
    """The last noun of a phrase that tells the type, so that `the president elected` is a person."""
    for token in reversed(phrase):
        noun = singular(token.low)
        told = _of_noun(noun, f"{cue} {token.text}")
        if told is not None:
            return told
    return None


def _asks_for_a_name(found: Sequence[Token]) -> bool:
    """`his last name`, `the surname`."""
    lows = {token.low for token in found}
    return bool({"surname", "nickname", "pseudonym"} & lows) or ("name" in lows and bool(_OF_A_PERSON & lows))


def _of_noun(noun: str, cue: str) -> Expectation | None:
    if noun in DATE_NOUNS:
        return Expectation("date", cue, nouns=(noun,), detail=DATE_NOUNS[noun])
    if noun in MEASURES:
        return Expectation("number", cue, nouns=(noun,), measures=MEASURES[noun])
    if noun in REASON_NOUNS:
        return Expectation("reason", cue)
    if noun in MANNER_NOUNS:
        return Expectation("manner", cue)
    named: tuple[tuple[frozenset[str], AnswerType], ...] = (
        (PERSON_NOUNS, "person"), (PLACE_NOUNS, "place"), (ORGANISATION_NOUNS, "organisation"),
    )  # fmt: skip
    for nouns, kind in named:
        if noun in nouns:
            return Expectation(kind, cue, nouns=(noun,))
    return None


def _content(found: Sequence[Token], start: int) -> tuple[str, ...]:
    """The words that matter from `start` on, singular, in order."""
    kept = [singular(token.low) for token in found[start:] if token.kind == "word"]
    return tuple(word for word in kept if word not in _BOUNDARY and word not in DETERMINERS)


_READ = {
    "who": _who, "whom": _who, "whose": _who, "where": _where, "when": _when, "why": _why, "how": _how,
    "what": _what, "which": _what,
}  # fmt: skip
