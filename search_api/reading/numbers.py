"""Numbers in figures and in words: `11,000`, `5.3 million`, `forty-two`, `two-thirds`, `hundreds`.

Knows nothing of units, nouns or dates. tokens -> list[Number]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search_api.reading.lexicon import ONES, PARTS, SCALES, TENS, VAGUE
from search_api.reading.tokens import Token, glued

Form = Literal["figures", "words", "share", "vague"]

_HYPHENS = frozenset("-‑–")
_SIGNS = frozenset("-−–")
_ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th", "s"})
_SHORT_SCALES = {"k": 1_000, "m": 10**6, "bn": 10**9, "b": 10**9, "tn": 10**12}
_MONEY = frozenset("$€£¥₴₽")
_BEFORE_ONE = frozenset("no any this that the which each every some another only".split())
_HALF_OF = frozenset("of the all its their his her our my those these".split())
_SMALL = {*ONES, *TENS}
_GROUPS = str.maketrans("", "", ", \xa0\u2009\u202f")


@dataclass(frozen=True, slots=True)
class Number:
    """tokens[first:last] is a number. A share is a part of one (two-thirds is .667); vague: `hundreds`."""

    first: int
    last: int
    value: float
    form: Form


def numbers(found: Sequence[Token]) -> list[Number]:
    """The numbers of a text, in order, none overlapping another; no ordinals, no `Covid-19`. One pass."""
    result: list[Number] = []
    i = 0
    while i < len(found):
        number = _in_figures(found, i) if found[i].kind == "number" else _in_words(found, i)
        if number is None:
            i += 1
            continue
        number = _out_of(found, number) or number
        result.append(number)
        i = number.last
    return result


def _low(found: Sequence[Token], i: int) -> str:
    return found[i].low if 0 <= i < len(found) else ""


def _in_figures(found: Sequence[Token], i: int) -> Number | None:
    if _is_part_of_a_name(found, i):
        return None
    last = i + 1
    value = _figure(found[i].text)
    attached = last < len(found) and glued(found[i], found[last])
    if attached and found[last].low in _ORDINAL_ENDS:
        return None
    if attached and found[last].text == "/" and last + 1 < len(found) and found[last + 1].kind == "number":
        below = _figure(found[last + 1].text)
        return Number(i, last + 2, value / below, "share") if 0 < value < below <= 100 else None
    scale = SCALES.get(_low(found, last), 0)
    money = i > 0 and found[i - 1].text in _MONEY
    if attached and not scale and (money or found[last].low in ("bn", "tn", "k")):
        scale = _SHORT_SCALES.get(found[last].low, 0)
    if scale:
        value, last = value * scale, last + 1
        if (
            _low(found, last) == "."
            and glued(found[last - 1], found[last])
            and found[last - 1].low in ("тис", "тыс", "млн")
        ):
            last += 1
    first = i
    if _is_signed(found, i):
        first, value = i - 1, -value
    return Number(first, last, value, "figures")


def _figure(text: str) -> float:
    """`11,000` and `5.3`; `5,3` where fewer than three digits follow the comma."""
    whole, comma, rest = text.rpartition(",")
    if comma and len(rest) < 3:
        return float(f"{whole}.{rest}")
    return float(text.translate(_GROUPS))


def _is_part_of_a_name(found: Sequence[Token], i: int) -> bool:
    """`Covid-19`, `Q3`, `#5`, `No. 5`, `3:40`, `v2.1.3`."""
    following = found[i + 1] if i + 1 < len(found) else None
    if following and following.text == ":" and glued(found[i], following) and _low(found, i + 2).isdecimal():
        return True
    if _is_score(found, i) or _is_named(found, i):
        return True
    before = found[i - 1] if i > 1 else None
    if before is None or before.text not in "-‑–/." or not glued(before, found[i]):
        return False
    if not glued(found[i - 2], before):
        return False
    word = found[i - 2].kind == "word" and found[i - 2].low not in ONES
    return word or _is_score(found, i - 2) or _is_named(found, i - 2)


def _is_named(found: Sequence[Token], i: int) -> bool:
    """A word, `#`, `:` or `No.` stands right before it."""
    if not i:
        return False
    before = found[i - 1]
    if glued(before, found[i]) and (before.kind == "word" or before.text in "#:_@"):
        return True
    return before.text == "." and i > 1 and found[i - 2].low in ("no", "nos", "fig", "vol", "art", "sec")


def _is_score(found: Sequence[Token], i: int) -> bool:
    """`2-1` is no range and counts nothing."""
    if i + 2 >= len(found) or found[i + 1].text not in _HYPHENS:
        return False
    one, mark, other = found[i : i + 3]
    joined = glued(one, mark) and glued(mark, other) and one.kind == other.kind == "number"
    return joined and _figure(other.text) <= _figure(one.text)


def _is_signed(found: Sequence[Token], i: int) -> bool:
    """A minus that stands right before the number and behind a blank; `minus 5` as well."""
    if not i:
        return False
    sign = found[i - 1]
    if sign.low == "minus":
        return True
    return sign.text in _SIGNS and glued(sign, found[i]) and (i == 1 or not glued(found[i - 2], sign))


def _in_words(found: Sequence[Token], i: int) -> Number | None:
    low = found[i].low
    if found[i].kind != "word" or (i and found[i - 1].text in _HYPHENS and glued(found[i - 1], found[i])):
        return None
    if low in VAGUE:
        return _vague(found, i)
    if low == "half":
        return _half(found, i)
    if low in ("a", "an"):
        return _after_article(found, i)
    if low not in ONES and low not in TENS:
        return None
    value, last = _counted(found, i)
    share = _share(found, last, value)
    if share:
        return Number(i, share[1], share[0], "share")
    if (
        value == 1
        and last == i + 1
        and (_low(found, i - 1) in _BEFORE_ONE or _low(found, last) in ("of", "another"))
    ):
        return None
    return Number(i, last, value, "words")


def _counted(found: Sequence[Token], i: int) -> tuple[float, int]:
    """`two hundred and fifty thousand`: groups below a thousand, each with its scale."""
    total, group = 0.0, 0.0
    last = i
    while last < len(found) and last - i < 14:
        low = found[last].low
        if low in ONES:
            group += ONES[low]
        elif low in TENS:
            group += TENS[low]
            if _low(found, last + 1) in _HYPHENS and 0 < ONES.get(_low(found, last + 2), 0) < 10:
                group += ONES[found[last + 2].low]
                last += 2
        elif low == "hundred":
            group = max(group, 1) * 100
        elif low == "dozen":
            group = max(group, 1) * 12
        elif low in SCALES:
            total, group = total + max(group, 1) * SCALES[low], 0
        elif (
            low == "and"
            and _low(found, last - 1) in ("hundred", "thousand")
            and _low(found, last + 1) in _SMALL
        ):
            pass
        else:
            break
        last += 1
        if low in ONES and last < len(found) and (found[last].low in ONES or found[last].low in TENS):
            break
    return total + group, last


def _share(found: Sequence[Token], last: int, count: float) -> tuple[float, int] | None:
    """`two-thirds`, `three quarters`."""
    at = last + 1 if _low(found, last) in _HYPHENS else last
    low = _low(found, at)
    plural = low.endswith("s") or low == "halves"
    if low in PARTS and count < 10 and (plural == (count > 1)):
        return count * PARTS[low], at + 1
    return None


def _half(found: Sequence[Token], i: int) -> Number | None:
    """`half a million`, `half of`, `half the`."""
    if _low(found, i + 1) in ("a", "an"):
        unit = _low(found, i + 2)
        size = 12 if unit == "dozen" else SCALES.get(unit, 0)
        return Number(i, i + 3, size / 2, "words") if size else Number(i, i + 2, 0.5, "words")
    return Number(i, i + 1, 0.5, "share") if _low(found, i + 1) in _HALF_OF else None


def _after_article(found: Sequence[Token], i: int) -> Number | None:
    """`a hundred`, `a dozen`, `a third of`."""
    low = _low(found, i + 1)
    if low == "hundred" or low == "dozen" or low in SCALES:
        value, last = _counted(found, i + 1)
        return Number(i, last, value, "words")
    if low in PARTS and _low(found, i + 2) == "of":
        return Number(i, i + 2, PARTS[low], "share")
    return None


def _vague(found: Sequence[Token], i: int) -> Number:
    """`hundreds`, `tens of thousands`: the least that it can mean."""
    last, value = i + 1, float(VAGUE[found[i].low])
    if _low(found, last) == "of" and _low(found, last + 1) in VAGUE:
        value, last = value * VAGUE[found[last + 1].low], last + 2
    return Number(i, last, value, "vague")


def _out_of(found: Sequence[Token], number: Number) -> Number | None:
    """`one in five`, `3 out of 4`."""
    at = number.last
    if not 0 < number.value < 10 or number.form == "share":
        return None
    if _low(found, at) == "in":
        at += 1
    elif (_low(found, at), _low(found, at + 1)) == ("out", "of"):
        at += 2
    else:
        return None
    if at >= len(found):
        return None
    whole = _in_figures(found, at) if found[at].kind == "number" else _in_words(found, at)
    if whole is None or not number.value < whole.value <= 100 or whole.form not in ("figures", "words"):
        return None
    return Number(number.first, whole.last, number.value / whole.value, "share")
