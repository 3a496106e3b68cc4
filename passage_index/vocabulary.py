"""How the articles of one segment spell their words: counted, filed by what spellings share, completed.

    words    every word of letters, as most articles write it, and in how many it stands
    keys     names by what their spellings have in common (names.py)
    phrases  titles, and names of several words that two articles hold

A name is a word that is mostly not written small. Deleted articles are counted until their segment is
merged. Knows nothing of questions. (title, text) -> vocabulary.sqlite -> Word, Completion
"""

import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract_iter

from passage_index.names import KEYS, apart, keys, plain
from passage_index.sealed import SealedDatabase

Kind = Literal["name", "word", "title"]

SHORTEST = 3  # letters of a word that is kept; what has digits or ideographs is left out
LONGEST = 40
MOST_NAME_WORDS = 4
MOST_TITLE_CHARS = 120
MOST_COUNTED = 1_000_000  # different spellings held in memory: beyond, those met once are forgotten
SHOUTED = 5
SMALL_SHARE = 0.5  # a word that fewer articles write small, beside those that do not, is a name
MUCH_NEARER = 0.35  # in the measure of names.py

_CAPITALS = "".join(letter for letter in map(chr, range(0x530)) if letter.isupper())
_LETTER = r"[^\W\d_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
_WORD = re.compile(rf"{_LETTER}+(?:['’ʼ](?![sS]\b){_LETTER}+)*")  # without the ’s of a possessive
# Only from the beginning of a word, or a word of a million capitals takes the square of its length.
_RUN = re.compile(rf"(?<![^\W\d_])[{_CAPITALS}][^\W\d_]++(?:[ -][{_CAPITALS}][^\W\d_]++)+")
_APOSTROPHE = re.compile(r"['’ʼ]")
_BLANKS = re.compile(r"\s+")
_SCHEMA = """
CREATE TABLE words (plain TEXT PRIMARY KEY, written TEXT, articles INTEGER, small INTEGER) WITHOUT ROWID;
CREATE TABLE keys (key TEXT, plain TEXT, PRIMARY KEY (key, plain)) WITHOUT ROWID;
CREATE TABLE phrases (plain TEXT PRIMARY KEY, written TEXT, articles INTEGER, kind TEXT) WITHOUT ROWID;
"""
_LAST = chr(sys.maxunicode)
_SCRIPTS = ("abcdefghijklmnopqrstuvwxyz", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяёыэ")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the corpus, all ways of writing it with or without capitals and accents together."""

    plain: str
    written: str  # as most articles have it
    articles: int  # that hold it so written
    small: int  # that hold it written small

    @property
    def is_name(self) -> bool:
        """True if it is mostly not written small."""
        return self.small < SMALL_SHARE * self.articles


@dataclass(frozen=True, slots=True)
class Completion:
    """What a beginning can be completed to."""

    text: str
    kind: Kind
    articles: int


class VocabularyWriter:
    """Counts the words of a segment's articles; `close` writes them. About 150 bytes a spelling."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._spellings: Counter[str] = Counter()
        self._runs: Counter[str] = Counter()
        self._titles: Counter[str] = Counter()

    def add(self, title: str, text: str) -> None:
        """One article."""
        both = f"{title}\n{text}"
        self._spellings.update(set(_WORD.findall(both)))
        self._runs.update(set(_RUN.findall(both)))
        title = _BLANKS.sub(" ", title).strip()
        if SHORTEST <= len(title) <= MOST_TITLE_CHARS:
            self._titles[title] += 1
        for counted in (self._spellings, self._runs):
            if len(counted) > MOST_COUNTED:
                _forget_the_rare(counted)

    def close(self) -> None:
        """Write and seal the file."""
        words = {word.plain: word for word in _words(self._spellings)}
        db = sqlite3.connect(self._file, isolation_level=None)
        try:
            db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA user_version={KEYS};")
            db.executescript(f"BEGIN; {_SCHEMA}")
            rows = ((one.plain, one.written, one.articles, one.small) for one in words.values())
            db.executemany("INSERT INTO words VALUES (?, ?, ?, ?)", rows)
            names = (one for one in words.values() if one.small < one.articles)
            filed = ((key, one.plain) for one in names for key in sorted(keys(one.written)))
            db.executemany("INSERT INTO keys VALUES (?, ?)", filed)
            db.executemany("INSERT OR IGNORE INTO phrases VALUES (?, ?, ?, ?)", self._phrases(words))
            db.execute("COMMIT")
        finally:
            db.close()

    def _phrases(self, words: dict[str, Word]) -> Iterator[tuple[str, str, int, str]]:
        """Names of several words that two articles hold, without an ordinary word in front; titles."""
        names: Counter[str] = Counter()
        for run, count in self._runs.items():
            parts = run.split(" ")
            if len(parts) > MOST_NAME_WORDS + 1:  # a headline in capitals
                continue
            while parts and not ((word := words.get(form_of(parts[0]))) and word.is_name):
                del parts[0]
            if 1 < len(parts) <= MOST_NAME_WORDS:
                names[" ".join(parts)] += count
        for counted, kind, fewest in ((names, "name", 2), (self._titles, "title", 1)):
            for phrase, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])):
                if count >= fewest:
                    yield form_of(phrase), phrase, count, kind


def _words(spellings: Counter[str]) -> Iterator[Word]:
    """Spellings that differ in capitals, accents and apostrophes only, together, by the plain form."""
    counts: dict[str, dict[str, int]] = {}
    for spelling, count in spellings.items():
        form = form_of(spelling)
        if SHORTEST <= len(form) <= LONGEST:
            counts.setdefault(form, {})[spelling] = count
    for form in sorted(counts):
        counted = counts[form]
        shouted = len(form) > SHOUTED  # a long word in capitals is a heading, a short one may be a name
        written = max(counted, key=lambda one: (not (shouted and one.isupper()), counted[one], one))
        small = sum(count for one, count in counted.items() if one.islower())
        yield Word(form, written, max(counted.values()), small)


def form_of(word: str) -> str:
    """What a word is known by: small letters without accents and apostrophes. `O’Neil` -> `oneil`."""
    return plain(_APOSTROPHE.sub("", word))


def _forget_the_rare(counted: Counter[str]) -> None:
    for one in [one for one, count in counted.items() if count == 1]:
        del counted[one]


class VocabularyReader:
    """Reads one segment's vocabulary.sqlite; where an older version wrote the segment there is none."""

    def __init__(self, file: Path) -> None:
        self._db = SealedDatabase(file) if file.exists() else None
        self._filed = bool(self._db and self._db.first("PRAGMA user_version")[0] == KEYS)

    def close(self) -> None:
        """Let go of the file."""
        if self._db:
            self._db.close()

    def words(self, forms: Collection[str]) -> list[Word]:
        """The words that are there of these plain forms."""
        sql = f"SELECT plain, written, articles, small FROM words WHERE plain IN ({_marks(forms)})"
        return [Word(*row) for row in self._rows(sql, *forms)]

    def filed_under(self, wanted: Collection[str]) -> set[str]:
        """Plain forms of the names that have one of these keys. None where other rules made the keys."""
        sql = f"SELECT DISTINCT plain FROM keys WHERE key IN ({_marks(wanted)})"
        return {row[0] for row in self._rows(sql, *wanted)} if self._filed else set()

    def of_length(self, first: str, shortest: int, longest: int) -> set[str]:
        """Plain forms that begin with `first`, by their length in letters."""
        # As one string: to make thousands of rows takes longer than to find them.
        sql = """
            SELECT group_concat(plain, char(10)) FROM words
            WHERE plain >= ? AND plain < ? AND length(plain) BETWEEN ? AND ?"""
        ((listed,),) = self._rows(sql, first, first + _LAST, shortest, longest) or [("",)]
        return set((listed or "").split())

    def beginning(self, prefix: str, most: int) -> list[Completion]:
        """What begins with a plain prefix, in most articles first."""
        sql = f"""
            SELECT written, CASE WHEN small < {SMALL_SHARE} * articles THEN 'name' ELSE 'word' END, articles
            FROM words WHERE plain >= :from AND plain < :to
            UNION ALL SELECT written, kind, articles FROM phrases WHERE plain >= :from AND plain < :to
            ORDER BY articles DESC, written LIMIT :most"""
        if self._db is None:
            return []
        asked = {"from": prefix, "to": prefix + _LAST, "most": most}
        with self._db.connection() as connection:
            return [Completion(*row) for row in connection.execute(sql, asked)]

    def _rows(self, sql: str, *parameters: object) -> list[Any]:
        return self._db.query(sql, parameters) if self._db else []


class Vocabulary:
    """The vocabularies of all segments of a generation as one."""

    def __init__(self, parts: Sequence[VocabularyReader]) -> None:
        self._parts = parts

    def words(self, forms: Collection[str]) -> dict[str, Word]:
        """The words that are there of these plain forms, by form."""
        found: dict[str, Word] = {}
        for word in (word for part in self._parts for word in part.words(forms)):
            other = found.get(word.plain)
            found[word.plain] = word if other is None else _together(word, other)
        return found

    def spellings(self, word: str) -> list[Word]:
        """Names that may be the same one as `word`, spelled otherwise; in most articles first.

        Without those that are much farther off than another one that is more frequent.
        """
        filed = set[str]().union(*(part.filed_under(keys(word)) for part in self._parts))
        words = sorted(
            self.words(filed - {form_of(word)}).values(), key=lambda one: (-one.articles, one.plain)
        )
        kept, nearest = [], inf
        for one in words:
            distance = apart(word, one.written) if one.is_name else None
            if distance is not None and distance <= nearest + MUCH_NEARER:
                kept.append(one)
                nearest = min(nearest, distance)
        return kept

    def near(self, word: str, most: int) -> list[tuple[int, Word]]:
        """(edits, word) of what is at most so many edits away, nearest first, then in most articles.

        Words with another first letter are found within one edit only.
        """
        form = form_of(word)
        shape = form[:1], len(form) - most, len(form) + most
        forms = set[str]().union(*(part.of_length(*shape) for part in self._parts))
        forms |= self.words(_begun_otherwise(form)).keys()
        close = extract_iter(form, forms - {form}, scorer=OSA.distance, score_cutoff=most)
        distances = {other: int(distance) for other, distance, _ in close}
        found = self.words(distances)
        return sorted(
            ((distances[one.plain], one) for one in found.values()),
            key=lambda pair: (pair[0], -pair[1].articles, pair[1].plain),
        )

    def beginning(self, prefix: str, most: int) -> list[Completion]:
        """What begins with a prefix, capitals and accents aside; in most articles first."""
        start, found = form_of(prefix), dict[tuple[str, Kind], int]()
        for one in (one for part in self._parts for one in part.beginning(start, most)):
            found[one.text, one.kind] = found.get((one.text, one.kind), 0) + one.articles
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return [Completion(*named, articles) for named, articles in ranked[:most]]


def _together(one: Word, other: Word) -> Word:
    """A word of two segments; the one that has it more often decides how it is written."""
    more = max(one, other, key=lambda word: (word.articles, word.written))
    return Word(one.plain, more.written, one.articles + other.articles, one.small + other.small)


def _begun_otherwise(form: str) -> set[str]:
    """What one edit of the first letter can make of a word."""
    first, rest = form[:1], form[1:]
    letters = next((script for script in _SCRIPTS if first in script), "")
    others = {letter + end for letter in letters for end in (form, rest)}
    return (others | {rest, rest[:1] + first + rest[1:]}) - {form}


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
