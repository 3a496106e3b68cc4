"""Whether two words may be one name, spelled by two systems: `Kharkiv`, `Kharkov`, `Харків`.

Rules, no list of names: Cyrillic is transliterated, letters that systems of transliteration write in
several ways fall into one sound, and vowels may differ within a small budget. A key is what the
spellings of a name have in common, so that they are found together; `apart` then judges two words.
Does not know which words a corpus holds. word -> keys; (word, word) -> distance
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

KEYS = 1  # version of the rules; raise it when any word gets another key

SHORTEST = 4  # letters; shorter words are too often one letter away from another name

_MARKED = {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
_PLAIN = {
    code: "".join(one for one in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(one))
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
} | str.maketrans(_MARKED)
_CYRILLIC = (
    dict(zip("абвдезийклмнопрстуфыэґіїј", "abvdeziiklmnoprstufyegiii", strict=True))
    | {"ж": "zh", "є": "ie", "ё": "io", "ю": "iu", "я": "ia", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh"}
    | {"щ": "shch", "ь": "", "ъ": "", "ў": "u", "љ": "li", "њ": "ni", "ђ": "dj", "ћ": "ch", "џ": "dzh"}
)  # г stays: it is h in Ukrainian and g in Russian
_SPELT = _PLAIN | str.maketrans(
    {**_CYRILLIC, "š": "sh", "ş": "sh", "č": "ch", "ž": "zh", **dict.fromkeys("'’ʼ`´", "")}
)
_IS_CYRILLIC = re.compile("[а-яєіїґўјљњђћџ]")
_CASE = re.compile(
    r"(?<=\w{3})(?:ами|ями|ого|ому|ьою|ою|ею|єю|ьом|ом|ем|єм|ах|ях|ам|ям|ів|ов|ой|ої|ій|им|их|[аяуюіиеєїыо])$"
)
_ARTICLE = re.compile(r"^(?:al|el|ad|an|ar|as|at|az)[-‐‑](?=\w{3})")

_ALWAYS = (
    ("c(?=[eiyj])", "ts"),
    ("chr", "kr"),
    ("x", "ks"),
    ("ah$", "a"),
    ("ou|oo", "u"),
    ("ee", "i"),
    ("off$", "ov"),
    ("^abd[eu]l", "abdal"),
)
_PERHAPS = (
    ("j(?=[aeiouy])|(?<=[aeiouy])j", "i"),  # Jurij, Yuri
    ("ck(?![aeiouy])", "tsk"),  # Doneck, Donetsk
    (r"^(?:gh|kk|g|k|q|г)(?=\w{3,}i$)", "Q"),  # Gaddafi, Qaddafi, Kadafi
)

# Consonants -> sounds, longer ones first.
_SOUNDS = (
    {"shch": "S", "tsch": "C", "dzh": "J", "sch": "S", "tch": "C", "sh": "S", "ch": "C", "zh": "J", "dj": "J"}
    | {"kh": "H", "gh": "H", "ph": "f", "th": "t", "dh": "d", "ck": "k", "cq": "k", "tz": "X", "ts": "X"}
    | {"j": "J", "c": "k", "q": "k", "г": "H", "g": "H", "h": "H", "w": "v", "Q": "Q"}
    | {letter: letter for letter in "bdfklmnprstvz"}
)
_UNIT = re.compile(f"[aeiouy*]+|{'|'.join(_SOUNDS)}")

# How far two spellings may lie apart, by the number of consonants; beyond the last as there.
_BUDGET = (0.0, 0.15, 0.45, 0.75, 0.9, 1.0, 1.2)
_NEVER = 9.0
_GLIDE = 0.15  # `ie` for `e`, `yi` for `i`
_INSIDE = {"ou": 0.35, "ae": 0.5, "ei": 0.5}
_GLIDED = {"ae": 0.25, "ei": 0.4}  # Husayn, Hussein; Kyiv, Kiev
_LEADING = {"ei": 0.6, "ou": 0.4, "ao": 0.6, "ae": 0.6}
_WRITTEN = {
    frozenset("vw"): 0.3,
    frozenset("cq"): 0.4,
    frozenset(["c", "ch"]): 0.4,
    frozenset(["t", "th"]): 0.1,
}
_SLAVIC = re.compile("(?:sk|k[aioy]|v|el|ets|i[iy]|o|ory)$")
_LAST = {"eo": 0.6, "io": 0.6}  # Debaltseve, Debaltsevo; Dmytro, Dmitri

Gap = tuple[str, bool]  # the vowel, and whether a glide goes with it


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One reading of a word: its consonants, and the vowels before, between and after them."""

    sounds: tuple[str, ...]
    letters: tuple[str, ...]  # how each sound is written
    gaps: tuple[Gap, ...]  # one more than sounds
    is_slavic: bool  # by its ending: h and g may stand for each other where it begins

    @property
    def key(self) -> str:
        """What all spellings share: the consonants, and whether vowels stand around them."""
        return f"{'a' * bool(self.gaps[0][0])}{''.join(self.sounds)}{'a' * bool(self.gaps[-1][0])}"


def plain(text: str) -> str:
    """Small letters without accents; other scripts keep their marks. `Málaga` -> `malaga`."""
    return unicodedata.normalize("NFC", text).lower().translate(_PLAIN)


def keys(word: str) -> frozenset[str]:
    """What a word is filed under; spellings of one name have a key in common. None for short words."""
    return frozenset(one.key for one in _readings(word))


def apart(one: str, other: str) -> float | None:
    """How far two spellings of one name lie apart, from 0; None for words that are hardly one name."""
    pairs = ((a, b) for a in _readings(one) for b in _readings(other) if a.key == b.key)
    found = ((_distance(a, b), _BUDGET[min(len(a.sounds), len(_BUDGET) - 1)]) for a, b in pairs)
    return min((distance for distance, most in found if distance <= most), default=None)


@lru_cache(4096)
def _readings(word: str) -> tuple[_Spoken, ...]:
    """How a word may be read: as it stands, without its Cyrillic case ending, with another j, c or q."""
    word = _ARTICLE.sub("", unicodedata.normalize("NFC", word).lower())
    if sum(map(str.isalpha, word)) < SHORTEST:
        return ()
    spelt = dict.fromkeys(form.translate(_SPELT) for form in _cases(word))
    for pattern, other in _PERHAPS:
        spelt |= dict.fromkeys(re.sub(pattern, other, form) for form in spelt)
    return tuple(spoken for form in spelt if (spoken := _spoken(form)).sounds)


def _cases(word: str) -> Iterator[str]:
    """A Cyrillic word may be inflected: its stem, with no vowel or any vowel behind it, is tried too."""
    yield word
    if _IS_CYRILLIC.search(word) and (stem := _CASE.sub("", word)) != word:
        yield stem
        yield f"{stem}*"


def _spoken(spelt: str) -> _Spoken:
    for pattern, other in _ALWAYS:
        spelt = re.sub(pattern, other, spelt)
    sounds: list[str] = []
    letters: list[str] = []
    gaps = [""]
    for unit in _UNIT.findall(spelt):
        if unit[0] in "aeiouy*":
            gaps[-1] += unit
        elif not (sounds and gaps[-1] == "" and sounds[-1] == _SOUNDS[unit]):  # not the same one doubled
            sounds.append(_SOUNDS[unit])
            letters.append(unit)
            gaps.append("")
    return _Spoken(tuple(sounds), tuple(letters), tuple(map(_gap, gaps)), bool(_SLAVIC.search(spelt)))


def _gap(vowels: str) -> Gap:
    """`ia`, `ya` -> (a, True); `iy`, `yi` -> (i, True); `ee` -> (e, False)."""
    vowels = vowels.replace("y", "i")
    full = re.sub(r"(.)\1", r"\1", vowels.replace("i", ""))
    return (full, "i" in vowels) if full else (vowels[:1], len(vowels) > 1)


def _distance(one: _Spoken, other: _Spoken) -> float:
    """How unlike two readings of equal key are: 0 for none, beyond every budget for never one name."""
    pairs = zip(one.letters, other.letters, strict=True)
    total = sum(_consonants_apart(one, place, {*pair}) for place, pair in enumerate(pairs))
    return total + sum(
        _vowels_apart(one, place, a, b) for place, (a, b) in enumerate(zip(one.gaps, other.gaps, strict=True))
    )


def _consonants_apart(spoken: _Spoken, place: int, letters: set[str]) -> float:
    if letters & {"h", "kh"} and letters & {"g", "gh"}:  # Luhansk, Lugansk; not Gary, Harry
        count, opens = len(spoken.sounds), bool(spoken.gaps[0][0])
        if place == 0 and not opens:
            return 0.5 if count > 2 and spoken.is_slavic else _NEVER
        return 0.2 if count > 3 or opens or place == count - 1 else _NEVER
    return _WRITTEN.get(frozenset(letters), 0.0)


def _vowels_apart(spoken: _Spoken, place: int, one: Gap, other: Gap) -> float:
    if one[0] == other[0]:
        return _GLIDE * (one[1] != other[1])
    if "*" in (one[0], other[0]):
        return 0.3
    if max(len(one[0]), len(other[0])) > 1:
        return _NEVER
    pair = "".join(sorted(one[0] + other[0]))
    both = one[1] and other[1]
    if place == 0:
        return _LEADING.get(pair, _NEVER)
    before, sounds = spoken.sounds[place - 1], spoken.sounds
    if place == len(sounds):  # Zaporizhzhia, Zaporozhye; Andriy, Andrei
        return 0.4 if both and pair in ("ae", "ei") else _LAST.get(pair, _NEVER)
    after = sounds[place]
    if both and pair in _GLIDED:
        return _GLIDED[pair]
    if (pair == "io" and after in "vJlH") or (pair == "eo" and (before in "CSJ" or after == "v")):
        return 0.5  # Kharkiv, Kharkov; Chernobyl, Chornobyl
    if pair == "eo" and (one if one[0] == "o" else other)[1]:
        return 0.4  # Fyodor, Fedor
    if pair == "e" and after in "rln":  # Alexandr, Alexander
        return 0.8
    return _INSIDE.get(pair, _NEVER) + _GLIDE * (one[1] != other[1])
