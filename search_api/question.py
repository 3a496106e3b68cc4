"""What a question says: the words that matter, quoted phrases, +must and -not.

Stop words are left out of the question, never of the index; `US`, `WHO` and `May` written so stay.
Knows the analyzer's terms only through the function it is given. text -> Words
"""

import re
import unicodedata
from collections.abc import Callable

from passage_index.lexical import Words, compounds
from passage_index.types import Span

Terms = Callable[[str], list[str]]

STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are aren't as at be because been before being between both
    but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for
    from further had hadn't has hasn't have haven't having he her here hers herself him himself his how i if
    in into is isn't it its itself just let's many may me might more most much must my myself no nor not of
    off on once only or other our ours ourselves out over own please same shall she should shouldn't so some
    such tell than that the their theirs them themselves then there these they this those through to too
    under until up upon us very was wasn't we were weren't what when where which while who whom whose why
    will with won't would wouldn't you your yours yourself

    а або але без би був була були було буде в від він вона вони воно все де для до є ж з за зі і із й його
    її їх коли ми на не ні о по при про та так те ти то тобто той у хто це ці цей ця чи чого чому що щоб як
    яка яке який які був бы был была были было быть во все где да для до его ее её если есть же за и из или
    им их к как какая какие какой какое когда кто ли мы на не нет но о об от по почему при с со так то того
    тот ты у чего что чтобы эта эти это этот я
    """.split()
)

_NAMES = frozenset({"May", "Will"})

_QUOTED = re.compile(r'([+-]?)["“„«]([^"“”„«»]{1,300})["”“»]')
# A sign before a figure is its own: `-41.2 °C` asks for a temperature, `-"2022"` leaves a year out.
_SIGNED = re.compile(r"(?:(?<=\s)|^)([+-])([^\W\d][\w'’.-]{0,100})")
_WORD = re.compile(r"\w[\w'’]*")
_LETTERS = re.compile(r"\b[^\W\d_]+(?:['’ʼ](?![sS]\b)[^\W\d_]+)*(?!\w)")


def parse_words(question: str, terms: Terms) -> Words:
    """The lexical side of a question. Never empty when the question has a word, stop words or not."""
    required: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []

    def take(match: re.Match[str]) -> str:
        phrase = tuple(terms(match[2]))
        if phrase:
            (excluded if match[1] == "-" else required).append(phrase)
        return " " if match[1] == "-" else f" {match[2]} "

    rest = _SIGNED.sub(take, _QUOTED.sub(take, question))
    said = _WORD.findall(rest)
    matter = [word for word in said if matters(word, rest)]
    kept = without_stop_words(rest) if matter else rest
    joined = [word.lower() for word in compounds(rest)]
    joined += [_plain(word) for word in matter or said if not word.isdecimal()]
    return Words(
        terms=tuple(dict.fromkeys(terms(kept))),
        compounds=tuple(dict.fromkeys(joined)),
        required=tuple(dict.fromkeys(required)),
        excluded=tuple(dict.fromkeys(excluded)),
    )


def matters(word: str, question: str) -> bool:
    """False for a stop word, unless written as a name: `US` and `WHO` anywhere, `May` after the start."""
    if word.lower().replace("’", "'") not in STOP_WORDS:
        return True
    if len(word) > 1 and word.isupper():
        return not question.isupper()
    return word in _NAMES and not question.lstrip().startswith(word)


def without_stop_words(question: str) -> str:
    """The text with a blank in place of each stop word."""

    def kept(match: re.Match[str]) -> str:
        return match[0] if matters(match[0], question) or _is_part(match) else " "

    return _WORD.sub(kept, question)


def _is_part(match: re.Match[str]) -> bool:
    """Whether a combining mark stands beside what was matched, which is then a part of a longer word."""
    start, end = match.span()
    beside = match.string[max(start - 1, 0) : start] + match.string[end : end + 1]
    return any(unicodedata.category(one).startswith("M") for one in beside)


def free_words(question: str) -> list[Span]:
    """Where the words of letters stand that matter and are asked for without quotes or signs."""
    rest = _SIGNED.sub(_blanked, _QUOTED.sub(_blanked, question))
    found = [match.span() for match in _LETTERS.finditer(rest) if len(match[0]) > 1]
    return [(start, end) for start, end in found if matters(rest[start:end], rest)]


def _blanked(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _plain(word: str) -> str:
    return re.sub(r"\W", "", word).lower()
