"""Clauses that give a reason, a manner or a definition: what follows `because`, `by means of`, `is a`.

A clause ends with its sentence, a semicolon or a dash. Knows nothing of questions.
tokens -> list[(first, last, score, cue)], half open, positions of tokens
"""

from collections.abc import Sequence

from search_api.reading.lexicon import WEEKDAY_OF
from search_api.reading.nouns import singular
from search_api.reading.tokens import Token

Clause = tuple[int, int, float, str]

_REASONS: dict[tuple[str, ...], float] = {
    ("because", "of"): 1.0, ("because",): 1.0, ("due", "to"): 0.95, ("owing", "to"): 0.95,
    ("caused", "by"): 0.95, ("as", "a", "result", "of"): 0.95, ("in", "order", "to"): 0.9,
    ("on", "account", "of"): 0.9, ("so", "that"): 0.85, ("thanks", "to"): 0.85,
    ("in", "response", "to"): 0.85, ("blamed", "on"): 0.8, ("in", "protest"): 0.8,
    ("as", "a", "consequence", "of"): 0.9, ("so", "as", "to"): 0.85, ("for", "fear"): 0.8,
    ("over", "fears"): 0.75, ("over", "concerns"): 0.75, ("out", "of"): 0.4, ("after",): 0.5,
    ("following",): 0.5, ("since",): 0.4, ("amid",): 0.4, ("as",): 0.2, ("to",): 0.3, ("for",): 0.25,
    ("given",): 0.6,
}  # fmt: skip
_MANNERS: dict[tuple[str, ...], float] = {
    ("by", "means", "of"): 1.0, ("by",): 0.5, ("using",): 0.9, ("via",): 0.8, ("through",): 0.6,
    ("with",): 0.4, ("with", "the", "help", "of"): 0.9, ("in",): 0.2, ("on",): 0.2,
}  # fmt: skip
_CAUSING = frozenset(
    {
        "caused", "causes", "triggered", "prompted", "sparked", "led to", "leads to", "resulted in",
        "results in", "contributed to",
    }
)  # fmt: skip
_IS = frozenset("is are was were means refers denotes".split())
_ARTICLES = frozenset("a an the one any".split())
_NAMED_AS = {
    ("known", "as"): 0.8,
    ("defined", "as"): 1.0,
    ("refers", "to"): 1.0,
    ("stands", "for"): 1.0,
    ("called",): 0.6,
}
_CLOSES = frozenset(".!?;—")
_MAX_WORDS = 60


def reasons(found: Sequence[Token]) -> list[Clause]:
    """What follows because, due to, after ... or stands before `caused`; `to` and `for` count little."""
    behind = [one for i in range(len(found)) if (one := _after(found, i, _REASONS))]
    return behind + [one for i in range(len(found)) if (one := _ahead(found, i))]


def manners(found: Sequence[Token]) -> list[Clause]:
    """What follows by, using, through, with; `by` and a verb in -ing counts in full."""
    result = []
    for i in range(len(found)):
        one = _after(found, i, _MANNERS)
        if one is None:
            continue
        first, last, score, cue = one
        if cue == "by" and found[first].low.endswith("ing"):
            score = 1.0
        result.append((first, last, score, cue))
    return result


def definitions(found: Sequence[Token], subject: frozenset[str]) -> list[Clause]:
    """What a text says its subject is: behind `is a`, in an apposition, behind `known as`."""
    result: list[Clause] = []
    near = -_MAX_WORDS
    for i, token in enumerate(found):
        if token.kind == "word" and singular(token.low) in subject:
            near = i
        about = i - near <= 6
        following = found[i + 1].low if i + 1 < len(found) else ""
        if token.low in _IS and following:
            plain = following in _ARTICLES or token.low in ("means", "denotes")
            score = (1.0 if plain else 0.7) if about else 0.4 if plain else 0.0
            if score:
                result.append((i + 1, _end(found, i + 1), score, token.low))
        elif token.text == "," and following in _ARTICLES and i - near == 1:
            result.append((i + 1, _apposition_end(found, i + 1), 0.9, ","))
        elif one := _after(found, i, _NAMED_AS):
            result.append((one[0], one[1], one[2] if about else one[2] / 2, one[3]))
    return [one for one in result if one[0] < one[1]]


def _after(found: Sequence[Token], i: int, cues: dict[tuple[str, ...], float]) -> Clause | None:
    for length in (4, 3, 2, 1):
        words = tuple(token.low for token in found[i : i + length])
        if len(words) == length and words in cues and i + length < len(found):
            first = i + length
            if _is_time(found[first]):
                return None
            last = _end(found, first)
            return (first, last, cues[words], " ".join(words)) if last > first else None
    return None


def _ahead(found: Sequence[Token], i: int) -> Clause | None:
    """What stands before `caused` or `led to`, from the start of its sentence."""
    cue = found[i].low
    pair = f"{cue} {found[i + 1].low}" if i + 1 < len(found) else ""
    if (cue not in _CAUSING and pair not in _CAUSING) or pair.endswith(" by"):
        return None
    first = i
    while first > 0 and i - first < _MAX_WORDS and found[first - 1].text not in _CLOSES:
        first -= 1
    return (first, i, 0.8, pair if pair in _CAUSING else cue) if first < i else None


def _is_time(token: Token) -> bool:
    """`since 2014`, `after Monday` give no reason."""
    return token.kind == "number" or token.low in WEEKDAY_OF


def _end(found: Sequence[Token], first: int) -> int:
    i = first
    while i < len(found) and i - first < _MAX_WORDS:
        token = found[i]
        if token.text in _CLOSES or (token.after_break and i > first):
            break
        i += 1
    return i


def _apposition_end(found: Sequence[Token], first: int) -> int:
    end = _end(found, first)
    return next((i for i in range(first, end) if found[i].text == ","), end)
