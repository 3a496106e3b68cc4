"""Questions made harder than people wrote them with the text before their eyes.

    reworded   words that the passage has too give way to others of like meaning, or are left out
    foreign    a name or a word becomes another, so that the passage about it does not answer any more

Chance decides, by the dice given. (question, passage) -> question
"""

import random
import re
from collections.abc import Callable, Sequence

from search_api.question import matters

SHARED, OTHER = 0.6, 0.15  # chance that a word gives way, if the passage has it too, and otherwise
LEFT_OUT = 0.25  # of those that do, with nothing in their place
LIKELY = 0.3  # that the next of several other words is taken, the nearest first
LEAST_WORDS = 2  # that matter must stay as they are or be put otherwise, not be left out
STEM = 5  # letters by which two words are one here

Others = Callable[[str], Sequence[str]]

_WORD = re.compile(r"[^\W_][\w'’-]*")
_NAME = re.compile(r"(?<=\s)[^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*)*")


def reworded(question: str, passage: str, others: Others, dice: random.Random) -> str:
    """The question in other words. Names, figures and small words stay."""
    known = {word[:STEM] for word in _WORD.findall(passage.lower())}
    left = sum(_may_change(match, question) for match in _WORD.finditer(question))

    def changed(match: re.Match[str]) -> str:
        nonlocal left
        word = match[0].lower()
        if not _may_change(match, question):
            return match[0]
        if dice.random() >= (SHARED if word[:STEM] in known else OTHER):
            return match[0]
        found = others(word)
        if found and dice.random() >= LEFT_OUT:
            return _near(found, dice)
        if left <= LEAST_WORDS:
            return match[0]
        left -= 1
        return ""

    return " ".join(_WORD.sub(changed, question).split())


def _may_change(match: re.Match[str], question: str) -> bool:
    word = match[0]
    is_name = word[0].isupper() and match.start() > 0
    return not is_name and not any(c.isdigit() for c in word) and matters(word, question)


def _near(found: Sequence[str], dice: random.Random) -> str:
    """One of several, the first likeliest."""
    for one in found[:10]:
        if dice.random() < LIKELY:
            return one
    return found[0]


def foreign(question: str, passage: str, other: str, dice: random.Random) -> str | None:
    """The question with a name, else a word, of another one in the place of its own; None if it has none.

    passage: with its title; what comes in does not stand in it.
    """
    said = passage.lower()
    for pattern in (_NAME, _WORD):
        own = [one for one in pattern.finditer(question) if pattern is _NAME or _may_change(one, question)]
        own = [one for one in own if one[0].lower()[:STEM] in said]
        found = [one[0] for one in pattern.finditer(other) if pattern is _NAME or _may_change(one, other)]
        found = [one for one in found if one.lower()[:STEM] not in said]
        if own and found:
            away = dice.choice(own)
            return question[: away.start()] + dice.choice(found) + question[away.end() :]
    return None
