"""BM25 over passages and articles, by tantivy: the analyzer and the reader; lexical_writer.py fills them.

Stores nothing but terms and a number a record; texts come from the passage store. k1 is 1.2 and b
.75, as tantivy fixes them. Does not know vectors, filters or which words of a question matter.
text -> lexical/{passages,articles} -> (passage number, score)
"""

import json
import math
import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from passage_index.errors import FormatMismatch
from passage_index.holding import HeldTerms
from passage_index.types import PassageNos, Scores
from passage_index.unlocked import open_sealed

ANALYZER: dict[str, Any] = {"name": "words-2", "stemmer": "english", "k1": 1.2, "b": 0.75}

PASSAGES = "passages"
ARTICLES = "articles"
META = "meta.json"
LOOKED_UP = 1_000  # records that are named one by one in a query
REMEMBERED = 50_000  # terms whose frequency is kept

_POSSESSIVE = re.compile(r"['’]s\b")
# The sign first and what stands before it second: so the search leaps from sign to sign.
_APOSTROPHE = re.compile(r"['’ʼ](?<=\w.)(?=\w)")
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_COMPOUND = re.compile(r"(?<!\w)\w++(?:[-‐‑–./&]\w++)+")  # from the beginning of a word: linear
_JOINT = re.compile(r"[-‐‑–./&]")
_JOINED = re.compile(r"[-‐‑–./&]\w")


@dataclass(frozen=True, slots=True)
class Words:
    """What a question asks of the words in a passage, as index terms (`LexicalReader.terms`)."""

    terms: tuple[str, ...]
    compounds: tuple[str, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()  # phrases that must stand in the passage
    excluded: tuple[tuple[str, ...], ...] = ()  # phrases that must not
    also: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Of a term: others that count as it does, times a weight; a passage has the best of them."""

    @property
    def every(self) -> frozenset[str]:
        """All terms that are looked for, as single words or joined."""
        others = (other for also in self.also.values() for other in also)
        return frozenset([*self.terms, *self.compounds, *others])

    def held(self, found: Container[str]) -> list[str]:
        """The terms that stand among those found, as they are or by one that counts as they do."""
        return [term for term in self.terms if any(one in found for one in (term, *self.also.get(term, ())))]

    def __bool__(self) -> bool:
        return bool(self.terms or self.compounds)


def require_same_analyzer(analyzer: Mapping[str, Any], index: Path) -> None:
    """Raises FormatMismatch unless the words of an index were cut as they are cut here."""
    if dict(analyzer) != ANALYZER:
        raise FormatMismatch(
            f"the words in {index} were cut by analyzer {analyzer.get('name')!r}, this version uses "
            f"{ANALYZER['name']!r}; `indexer merge --index {index}` makes the word indexes anew"
        )


def schema() -> Any:
    """The fields of a word index; nothing is stored but the number."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=False, indexed=True, fast=True)
    for name in ("body", "title", "whole"):
        builder.add_text_field(name, stored=False, tokenizer_name=name)
    return builder.build()


def analyzers() -> dict[str, Any]:
    """How each field of a word index is cut, by its name."""

    def analyzer(tokenizer: Any, *filters: Any) -> Any:
        builder = tantivy.TextAnalyzerBuilder(tokenizer)
        for one in (tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold(), *filters):
            builder = builder.filter(one)
        return builder.build()

    words = tantivy.Tokenizer.regex(r"\p{N}+(?:\.\p{N}+)+|[\p{L}\p{M}\p{N}]+")
    stemmed = analyzer(words, tantivy.Filter.remove_long(80), tantivy.Filter.stemmer("english"))
    return {"body": stemmed, "title": stemmed, "whole": analyzer(tantivy.Tokenizer.whitespace())}


def searchable(text: str) -> str:
    """Text as the analyzer gets it: possessives dropped, `11,000` one number, ideographs apart."""
    text = _POSSESSIVE.sub("", text)
    text = _APOSTROPHE.sub("", text)
    text = _THOUSANDS.sub("", text)
    return _IDEOGRAPH.sub(r" \1 ", text)


def compounds(text: str) -> list[str]:
    """Words with joints, without them: `COVID-19` -> `COVID19`, `U.S` -> `US`; numbers are left. Linear."""
    worth_a_look = "\n".join(word for word in text.split() if _JOINED.search(word))
    joined = (_JOINT.sub("", match) for match in _COMPOUND.findall(worth_a_look))
    return [word for word in joined if not word.isdecimal()]


def counted_records(folder: Path) -> tuple[int, int]:
    """What BM25 counts in a tantivy index: all records, and how many of them are deleted."""
    segments = json.loads((folder / META).read_text(encoding="utf-8"))["segments"]
    deletes = (segment["deletes"] or {} for segment in segments)
    deleted = sum(int(one.get("num_deleted_docs", 0)) for one in deletes)
    return sum(int(segment["max_doc"]) for segment in segments), deleted


class LexicalReader:
    """One tantivy index of a generation, opened as it stood."""

    def __init__(self, folder: Path) -> None:
        self._index = register(open_sealed(folder))
        self._counted = counted_records(folder)[0]
        self._searcher = self._index.searcher()
        self._schema = self._index.schema
        self._analyzer, self._joined = analyzers()["body"], analyzers()["whole"]
        frequency = self._searcher.doc_freq
        self._frequency = lru_cache(REMEMBERED)(lambda term: int(frequency("body", term)))
        self.held = HeldTerms(searchable, self._analyzer.analyze)

    def count(self) -> int:
        """Records that a search can return."""
        return int(self._searcher.num_docs)

    def terms(self, text: str) -> list[str]:
        """The words of a text as they stand in the index, in order, repeats kept."""
        return list(self._analyzer.analyze(searchable(text)))

    def held_in(self, texts: Sequence[str], wanted: Collection[str]) -> list[frozenset[str]]:
        """Of each text the `wanted` terms that stand in it, as `terms` would find them. (n,).

        One call for all texts: words once met are remembered, which is what makes it cheap.
        """
        return self.held.held_in(texts, wanted)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """What BM25 takes each term to be worth: high for the rare, highest for those in no record."""
        records, counts = self.count(), self.frequencies(terms)
        return {term: math.log(1 + max(records - n + 0.5, 0.5) / (n + 0.5)) for term, n in counts.items()}

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many records each term stands, deleted ones that are not merged away counted."""
        return {term: self._frequency(term) for term in terms}

    def any_of(self, words: Words, field: str = "body") -> Any:
        """A query whose score is the sum of BM25 over the words, joined ones in both ways of writing."""
        terms = dict.fromkeys(words.terms)
        if field == "body":
            terms |= dict.fromkeys(term for word in words.compounds for term in self.terms(word))
        should = [(tantivy.Occur.Should, self._best_of(field, term, words)) for term in terms]
        if field == "body":
            whole = dict.fromkeys(term for word in words.compounds for term in self._joined.analyze(word))
            should += [(tantivy.Occur.Should, self._term("whole", term)) for term in whole]
        return tantivy.Query.boolean_query(should) if should else tantivy.Query.empty_query()

    def holding(self, phrases: Iterable[Sequence[str]]) -> PassageNos:
        """Numbers of all records that hold every phrase, (n,), in no order."""
        return self._holding(tantivy.Occur.Must, phrases)

    def holding_any(self, phrases: Iterable[Sequence[str]]) -> PassageNos:
        """Numbers of all records that hold one of the phrases or more, (n,), in no order."""
        return self._holding(tantivy.Occur.Should, phrases)

    def _holding(self, occur: Any, phrases: Iterable[Sequence[str]]) -> PassageNos:
        query = tantivy.Query.boolean_query([(occur, self._phrase(phrase)) for phrase in phrases])
        return self.search(query, self.count())[0]

    def holds(self, phrase: Sequence[str]) -> bool:
        """Whether any record that a search can return holds the phrase."""
        if len(phrase) == 1 and self.count() == self._counted:  # no deleted record is counted
            return self._frequency(phrase[0]) > 0
        return bool(phrase) and len(self.search(self._phrase(phrase), 1)[0]) > 0

    def is_joined(self, word: str) -> bool:
        """Whether a word stands somewhere with a joint in it, as `reelection` in `re-election`."""
        return any(self._searcher.doc_freq("whole", term) for term in self._joined.analyze(word))

    def _phrase(self, terms: Sequence[str]) -> Any:
        if len(terms) == 1:
            return self._term("body", terms[0])
        return tantivy.Query.phrase_query(self._schema, "body", list(terms))

    def _best_of(self, field: str, term: str, words: Words) -> Any:
        others = words.also.get(term, {}).items()
        scored = [tantivy.Query.boost_query(self._term(field, other), weight) for other, weight in others]
        own = self._term(field, term)
        return tantivy.Query.disjunction_max_query([own, *scored]) if scored else own

    def _term(self, field: str, term: str | int) -> Any:
        return tantivy.Query.term_query(self._schema, field, term)

    def _one_of(self, numbers: list[int]) -> Any:
        """Any of these records. To look a few up one by one is quicker than to seek a set among all."""
        if len(numbers) > LOOKED_UP:
            return tantivy.Query.term_set_query(self._schema, "number", numbers)
        one_by_one = [(tantivy.Occur.Should, self._term("number", number)) for number in numbers]
        return tantivy.Query.boolean_query(one_by_one)

    def search(self, query: Any, k: int) -> tuple[PassageNos, Scores]:
        """The k best records, best first: numbers (n,) and BM25 scores (n,)."""
        hits = self._searcher.search(query, limit=max(k, 1), count=False).hits[:k]
        if not hits:
            return np.empty(0, dtype=np.uint64), np.empty(0)
        found, addresses = zip(*hits, strict=True)
        numbers = np.array(self._searcher.fast_field_values("number", list(addresses)), dtype=np.uint64)
        scores: Scores = np.array(found, dtype=np.float64)
        return numbers, np.round(scores, 5)

    def best(self, query: Any, k: int) -> tuple[PassageNos, Scores]:
        """As `search`, (n,) and (n,), with all that ties with the last: a caller can choose among them."""
        asked = k + 1
        while True:
            numbers, scores = self.search(query, asked)
            if len(numbers) <= k:
                return numbers, scores
            tied = int(np.searchsorted(-scores, -scores[k - 1], side="right"))
            if tied < len(numbers) or len(numbers) < asked:
                return numbers[:tied], scores[:tied]
            asked *= 4

    def all_numbers(self) -> PassageNos:
        """The numbers of all records that a search can return, (n,), rising."""
        return np.sort(self.search(tantivy.Query.all_query(), self.count())[0])

    def search_among(self, query: Any, numbers: PassageNos, k: int) -> tuple[PassageNos, Scores]:
        """As `search`, over the given records only. numbers: (m,) -> (n,), (n,)."""
        if len(numbers) == 0:
            return self.search(tantivy.Query.empty_query(), k)
        among = self._one_of(numbers.tolist())
        silent = tantivy.Query.const_score_query(among, 0.0)
        both = [(tantivy.Occur.Must, query), (tantivy.Occur.Must, silent)]
        return self.search(tantivy.Query.boolean_query(both), k)

    def scores(self, query: Any, numbers: PassageNos) -> Scores:
        """BM25 of each given record, 0 where the query does not match: (n,)."""
        unique, places = np.unique(numbers, return_inverse=True)
        found, scores = self.search_among(query, unique, len(unique))
        by_number: npt.NDArray[np.float64] = np.zeros(len(unique))
        by_number[np.searchsorted(unique, found)] = scores
        return by_number[places]


def register(index: Any) -> Any:
    """The same index, knowing how its fields are cut into words."""
    for name, analyzer in analyzers().items():
        index.register_tokenizer(name, analyzer)
    return index
