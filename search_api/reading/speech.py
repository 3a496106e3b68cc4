"""Who is said to say something, in one sentence: `X said`, `said X`, `according to X`, `за словами X`.

Looks at the words outside quotation marks only. Knows nothing of quotations that run over sentences or
of whom a pronoun stands for: `attribution.py` does. tokens of a sentence -> list[Saying]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search_api.reading.lexicon import (
    AUXILIARIES,
    PREPOSITIONS,
    SPEECH,
    SPEECH_CYRILLIC,
    SPEECH_WITH_CLAUSE,
)
from search_api.reading.noun_phrases import Phrase, before, behind, ends_clause
from search_api.reading.tokens import Token

Manner = Literal["said", "according to"]

_BE = frozenset("was were is are been being be am".split())
_NOT = frozenset(
    "not never n't didn't doesn't don't won't wouldn't cannot can't couldn't hasn't haven't hadn't".split()
)
_BASE_FORMS = frozenset("say warn insist contend caution argue believe explain complain think".split())
_CLAUSE = frozenset('that how why what whether : “ " « „ ‘'.split())
_TAKES_NO_OBJECT = frozenset("said says added adds explained recalled insisted noted warned replied".split())
_CLOSING = frozenset("”\"»’'“")
_SOURCE_PHRASES = {("according", "to"): 2, ("citing",): 1, ("quoting",): 1, ("in", "the", "words", "of"): 4}
_SOURCE_CYRILLIC = {
    ("за", "словами"), ("за", "даними"), ("на", "думку"), ("за", "повідомленням"), ("за", "інформацією"),
    ("по", "словам"), ("по", "данным"), ("по", "мнению"), ("по", "сообщению"), ("по", "информации"),
}  # fmt: skip
_CYRILLIC_STOPS = frozenset(
    "що что у в на під під про о об во із з зі с за до для від от після после коли когда і та и як как який "
    "яка які который которая которые".split()
)  # fmt: skip
_CYRILLIC_MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Saying:
    """tokens[speaker] says something; `cue` is the index of the word that tells it."""

    speaker: Phrase
    cue: int
    manner: Manner


def sayings(found: Sequence[Token], quoted: Sequence[bool]) -> list[Saying]:
    """All that one sentence says of who speaks, in order of the cues. quoted: inside quotation marks."""
    result: list[Saying] = []
    for i in range(len(found)):
        if quoted[i] or found[i].kind != "word":
            continue
        saying = _source(found, i) or _verb(found, i, quoted) or _cyrillic(found, i)
        if saying is not None and not quoted[saying.speaker[0]]:
            result.append(saying)
    return result


def _source(found: Sequence[Token], i: int) -> Saying | None:
    """`according to X`, `citing X`."""
    if found[i].low == "per" and i and found[i - 1].text == ",":
        speaker = behind(found, i + 1, source=True)
        return speaker and Saying(speaker, i, "according to")
    for words, length in _SOURCE_PHRASES.items():
        if found[i].low == words[0] and tuple(token.low for token in found[i : i + length]) == words:
            speaker = behind(found, i + length, source=True)
            return speaker and Saying(speaker, i, "according to")
    return None


def _verb(found: Sequence[Token], i: int, quoted: Sequence[bool]) -> Saying | None:
    low = found[i].low
    if (low not in SPEECH and low not in SPEECH_WITH_CLAUSE) or found[i].capital:  # `the United States`
        return None
    auxiliaries = _auxiliaries_before(found, i)
    if low == "said" and i and found[i - 1].low in ("the", "as"):
        return None
    if auxiliaries & _BE and low not in ("saying",):
        return _passive(found, i)
    if auxiliaries & _NOT or (low in _BASE_FORMS and (auxiliaries or (i and found[i - 1].low == "to"))):
        return None
    if low == "saying":
        return _quoted_as_saying(found, i) if i and found[i - 1].low == "as" else _participle(found, i)
    needs_clause = low not in SPEECH or low in SPEECH_WITH_CLAUSE
    if needs_clause and not (_clause_follows(found, i) or _after_quotation(found, i) or _aside(found, i)):
        return None
    return _active(found, i)


def _active(found: Sequence[Token], i: int) -> Saying | None:
    """`said X` behind a quotation or a comma, if nothing but the end follows; else `X said`."""
    turned: Phrase | None = None
    if i and (found[i - 1].text in _CLOSING or found[i - 1].text in ",!?—–-"):
        turned = behind(found, i + 1)
    if turned and (found[i - 1].text in _CLOSING or _may_turn(found, i, turned)):
        return Saying(turned, i, "said")
    speaker = before(found, i) or (turned if turned and ends_clause(found, turned[1]) else None)
    return speaker and Saying(speaker, i, "said")


def _may_turn(found: Sequence[Token], i: int, turned: Phrase) -> bool:
    """`, said Anna Moroz.` against `, announced a strike.`: only verbs without an object turn at a comma."""
    return found[i].low in _TAKES_NO_OBJECT and ends_clause(found, turned[1])


def _passive(found: Sequence[Token], i: int) -> Saying | None:
    """`was reported by X`, `was told by X`; without `by` nobody is named."""
    for j in range(i + 1, min(i + 7, len(found))):
        if found[j].low == "by":
            speaker = behind(found, j + 1, source=False)
            return speaker and Saying(speaker, i, "said")
        if found[j].kind == "mark":
            break
    return None


def _quoted_as_saying(found: Sequence[Token], i: int) -> Saying | None:
    """`X was quoted as saying`, `the paper quoted X as saying`."""
    for j in range(i - 2, max(-1, i - 14), -1):
        if found[j].low in ("quoted", "cited", "reported"):
            passive = _auxiliaries_before(found, j) & _BE
            if passive:
                k = j
                while found[k - 1].low in AUXILIARIES:
                    k -= 1
                speaker = before(found, k)
            else:
                speaker = behind(found, j + 1)
            return speaker and Saying(speaker, i, "said")
    return None


def _auxiliaries_before(found: Sequence[Token], i: int) -> set[str]:
    """`was`, `did not` and the like right before a verb, past adverbs."""
    lows: set[str] = set()
    j = i - 1
    while j >= 0 and i - j < 6:
        low = found[j].low
        if low in AUXILIARIES or low in _NOT:
            lows.add(low)
        elif not low.endswith("ly") and low not in ("also", "quoted", "widely", "later", "been"):
            break
        j -= 1
    return lows


def _clause_follows(found: Sequence[Token], i: int) -> bool:
    following = [token.low for token in found[i + 1 : i + 3]]
    return bool(following) and (following[0] in _CLAUSE or (following[0] == "," and following[-1] in _CLAUSE))


def _aside(found: Sequence[Token], i: int) -> bool:
    """`, Anna Moroz noted.` between commas or at the end; `, it added`."""
    if i + 1 < len(found) and found[i + 1].text not in ",.":
        return False
    speaker = before(found, i)
    return speaker is not None and speaker[0] > 0 and found[speaker[0] - 1].text in ",—–-"


def _participle(found: Sequence[Token], i: int) -> Saying | None:
    """`..., saying that`: of whoever the sentence begins with."""
    if not i or found[i - 1].text != ",":
        return None
    start = 0
    if found[0].low in PREPOSITIONS or found[0].low.endswith(("ing", "ed")):  # `Speaking in Osmay, Finch ...`
        start = next((j + 1 for j in range(i - 1) if found[j].text == ","), i)
    speaker = behind(found, start)
    return speaker and Saying(speaker, i, "said")


def _after_quotation(found: Sequence[Token], i: int) -> bool:
    """`,” X complained.`"""
    return any(token.text in '”"»' for token in found[max(0, i - 6) : i])


def _cyrillic(found: Sequence[Token], i: int) -> Saying | None:
    """`за словами X`, `повідомив X`, `X заявив`."""
    pair = (found[i].low, found[i + 1].low) if i + 1 < len(found) else ("", "")
    if pair in _SOURCE_CYRILLIC:
        speaker = _cyrillic_behind(found, i + 2)
        return speaker and Saying(speaker, i, "according to")
    if found[i].low not in SPEECH_CYRILLIC:
        return None
    speaker = _cyrillic_before(found, i) or _cyrillic_behind(found, i + 1)
    return speaker and Saying(speaker, i, "said")


def _cyrillic_behind(found: Sequence[Token], start: int) -> Phrase | None:
    i = start
    while i < len(found) and i - start < _CYRILLIC_MAX_WORDS:
        token = found[i]
        joined = token.text in "-‑’'" and i > start
        if (token.kind != "word" and not joined) or token.low in _CYRILLIC_STOPS:
            break
        i += 1
    return (start, i) if i > start else None


def _cyrillic_before(found: Sequence[Token], verb: int) -> Phrase | None:
    """A name right before the verb, with the office before it: `мер міста Іван Бондар заявив`."""
    i = verb - 1
    if (
        i < 0
        or found[i].low in _CYRILLIC_STOPS
        or not (found[i].capital or found[i].low in ("він", "вона", "вони", "он", "она", "они"))
    ):
        return None
    while (
        i > 0
        and verb - i < _CYRILLIC_MAX_WORDS
        and found[i - 1].kind == "word"
        and found[i - 1].low not in _CYRILLIC_STOPS
    ):
        i -= 1
    return (i, verb) if found[i].low not in PREPOSITIONS else None
