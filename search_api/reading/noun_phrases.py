"""Whoever stands before a verb or behind it: the bounds of a short noun phrase, by its words alone.

`the head of the ministry` before `said`, `Anna Moroz` behind it. Bounded steps in each direction.
Positions are indexes of tokens; a phrase is half open. Part of `speech.py`.
"""

from collections.abc import Sequence

from search_api.reading.lexicon import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    MONTH_OF,
    ONES,
    OPENING_WORDS,
    PAST,
    PREPOSITIONS,
    PRONOUNS,
    SPEECH,
    WEEKDAY_OF,
)
from search_api.reading.tokens import Token, glued

Phrase = tuple[int, int]

_MAX_WORDS = 14
_INSIDE = frozenset("of for at in from with on to by".split())
_BEHIND = frozenset("of for".split())
_BEHIND_SOURCE = frozenset("of for by from at in on".split())
_SETTINGS = frozenset(
    "statement interview email letter speech briefing address post tweet video release".split()
)
_TIMES = (
    frozenset(MONTH_OF)
    | frozenset(WEEKDAY_OF)
    | frozenset(
        "today yesterday tonight morning afternoon evening night week later earlier now then recently".split()
    )
)
_SMALL = DETERMINERS | PREPOSITIONS | OPENING_WORDS | _TIMES
_ADVERBS = frozenset(
    "also later then earlier recently previously once again still already only just even now publicly "
    "repeatedly reportedly has have had who".split()
)  # fmt: skip
_NO_END = DETERMINERS | {"and", "familiar", "close", "briefed"}  # `sources familiar with`
_JOINS = frozenset("-‑&'’")
_NOUNS_TOO = frozenset("reports claims estimates".split())
_RELATIVE = frozenset("who which whose whom where".split())


def before(found: Sequence[Token], verb: int) -> Phrase | None:
    """The phrase that ends before a verb: past adverbs, days and an apposition between commas."""
    i = _back_over_adverbs(found, verb - 1)
    if i < 0:
        return None
    if found[i].low == "who" and i:  # `Rick Scott, who said`
        last = i - 2 if found[i - 1].text == "," else i - 1
        return _ending_at(found, last) if last >= 0 else None
    if found[i].text == ",":
        return _past_apposition(found, i)
    return _ending_at(found, i)


def behind(found: Sequence[Token], start: int, *, source: bool = False) -> Phrase | None:
    """The phrase that begins at `start`; a `source` may go on with by, from, at, in."""
    links = _BEHIND_SOURCE if source else _BEHIND
    i = start
    while i < len(found) and (found[i].low.endswith("ly") or found[i].low == "both"):
        i += 1
    first = i
    if i < len(found) and found[i].low in PRONOUNS:
        return (i, i + 1)
    while i < len(found) and i - first < _MAX_WORDS and _goes_on(found, first, i, links):
        i += 1
    while i > first and (found[i - 1].low in links or found[i - 1].low in _NO_END):
        i -= 1
    if not _names_someone(found, first, i):
        return None
    return _name_beside(found, first, i) or (first, i)


def _name_beside(found: Sequence[Token], first: int, last: int) -> Phrase | None:
    """`the mayor, Ivan Bondar.` -> Ivan Bondar."""
    if last >= len(found) or found[last].text != "," or found[first].low not in DETERMINERS:
        return None
    i = last + 1
    while i < len(found) and i - last < 6 and (found[i].capital or _joins(found, i)):
        i += 1
    named = _named(found, (last + 1, i)) and (i == len(found) or found[i].kind == "mark")
    return (last + 1, i) if named and found[last + 1].low not in OPENING_WORDS else None


def ends_clause(found: Sequence[Token], i: int) -> bool:
    """Nothing but a mark, a time or a setting follows at i: what stands before it is the whole clause."""
    if i >= len(found) or found[i].kind == "mark":
        return True
    low = found[i].low
    if low in _TIMES or low in _RELATIVE:
        return True
    return low in (
        "in",
        "on",
        "at",
        "during",
        "after",
        "as",
        "while",
        "to",
        "when",
        "through",
        "via",
        "about",
    )


def _back_over_adverbs(found: Sequence[Token], i: int) -> int:
    """Past `also`, `has`, `on Thursday`, `last week`."""
    while i >= 0:
        low = found[i].low
        if low in _ADVERBS - {"who"} or (low.endswith("ly") and not found[i].capital):
            i -= 1
        elif low in _TIMES and i:
            i -= 1
            while i >= 0 and (
                found[i].low in _TIMES or found[i].low in ("on", "last", "this", "late", "early")
            ):
                i -= 1
        else:
            return i
    return i


def _ending_at(found: Sequence[Token], last: int, *, clause: bool = True) -> Phrase | None:
    """The phrase whose last word stands at `last`; `clause`: that word may be of a clause with `who`."""
    if found[last].low in PRONOUNS:
        return (last, last + 1)
    i = last
    while i >= 0 and last - i < _MAX_WORDS and _went_on(found, i, last):
        i -= 1
    if clause and i > 0 and found[i].low in ("who", "which"):  # `two people who work in the building said`
        return _ending_at(found, i - 1, clause=False)
    first = i + 1
    while first <= last and (_leads_in(found[first]) or found[first].low in ("and", "of", "'s")):
        first += 1
    return (first, last + 1) if _names_someone(found, first, last + 1) else None


def _leads_in(token: Token) -> bool:
    """`Meanwhile`, `Friday`: what may stand before the phrase without a comma."""
    common = token.low in OPENING_WORDS and token.low not in DETERMINERS and token.low not in ONES
    return common or token.low in _TIMES


def _went_on(found: Sequence[Token], i: int, last: int) -> bool:
    """Whether the token at i still belongs to the phrase that ends at `last`."""
    token = found[i]
    if token.kind == "mark":
        return _joins(found, i)
    low = token.low
    if i < last and found[i + 1].low in DETERMINERS:
        return low in _INSIDE and _noun_at(found, i - 1, low)
    if low in _INSIDE:
        return i < last and _noun_at(found, i - 1, low)
    if low == "and":
        return i < last and i > 0 and found[i + 1].capital and found[i - 1].capital
    if low in CONJUNCTIONS or low in PREPOSITIONS or low in PRONOUNS or low in AUXILIARIES:
        return False
    return not (low in PAST or low in SPEECH) or (token.capital and i > 0)


def _joins(found: Sequence[Token], i: int) -> bool:
    """Marks inside a name: hyphen, apostrophe, the stop of `Mr.` and of an initial."""
    token = found[i]
    if token.low == "'s":
        return True
    if not i or not glued(found[i - 1], token):
        return False
    if token.text == ".":
        return found[i - 1].capital and len(found[i - 1].text) <= 4
    return token.text in _JOINS


def _noun_at(found: Sequence[Token], i: int, link: str) -> bool:
    """A noun that `link` can join to what follows; `data published by the bank` is as good as one."""
    if i < 0 or found[i].kind != "word":
        return False
    low = found[i].low
    function_word = low in PREPOSITIONS or low in CONJUNCTIONS or low in AUXILIARIES or low in PAST
    return not function_word and low not in _TIMES and (link == "by" or not low.endswith(("ed", "ing", "ly")))


def _goes_on(found: Sequence[Token], first: int, i: int, links: frozenset[str]) -> bool:
    """Whether the token at i belongs to the phrase that begins at `first`."""
    token, low = found[i], found[i].low
    if token.after_break and i > first:
        return False
    if token.kind == "mark":
        return i > first and _joins(found, i) and i + 1 < len(found)
    if low in DETERMINERS:
        return i == first or found[i - 1].low in links
    if low in links:
        following = found[i + 1] if i + 1 < len(found) else None
        setting = {one.low for one in found[i + 1 : i + 4]} & _SETTINGS and low in ("in", "on")
        wanted = following is not None and (
            following.capital or following.low in DETERMINERS or low in _BEHIND
        )
        return i > first and wanted and not setting and not (following and following.low in _TIMES)
    if low == "and":
        return i > first and i + 1 < len(found) and found[i + 1].capital and found[i - 1].capital
    if low in PREPOSITIONS or low in CONJUNCTIONS or low in AUXILIARIES or low in PRONOUNS or low in _TIMES:
        return False
    if token.capital:
        return True
    adjective = i == first or found[i - 1].low in DETERMINERS or found[i - 1].low in ONES
    verb = low in PAST or (low in SPEECH and low not in _NOUNS_TOO) or low.endswith("ing")
    return not verb and (adjective or not low.endswith("ed"))


def _past_apposition(found: Sequence[Token], comma: int) -> Phrase | None:
    """`Anna Moroz, who runs the mill,` -> Anna Moroz; `the mayor, Ivan Bondar,` -> Ivan Bondar."""
    fallback: Phrase | None = None
    commas = [i for i in range(comma - 1, max(-1, comma - 45), -1) if found[i].text == ","][:5]
    relative = next((i for i in commas if found[i + 1].low in _RELATIVE), None)
    if relative is not None:
        return _ending_at(found, relative - 1) if relative else None
    for i in commas:
        between = (i + 1, comma)
        head = _ending_at(found, i - 1) if i else None
        if head is None:
            continue
        if _named(found, between) and between[1] - between[0] <= 5 and not _named(found, head):
            return between
        if _named(found, head) or found[head[0]].low in ("the", "his", "her", "its", "their"):
            return head
        fallback = fallback or head
    return fallback


def _named(found: Sequence[Token], phrase: Phrase) -> bool:
    """A capital begins it, and no common word stands in it but what joins names."""
    words = [token for token in found[phrase[0] : phrase[1]] if token.kind == "word"]
    return bool(words) and words[0].capital and words[-1].capital and words[0].low not in PREPOSITIONS


def _names_someone(found: Sequence[Token], first: int, last: int) -> bool:
    """At least one word that is no determiner, preposition or time."""
    return any(token.kind == "word" and token.low not in _SMALL for token in found[first:last])
