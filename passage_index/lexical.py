"""BM25 over passages and over articles, by tantivy: the analyzer, the writer and the reader.

Stores nothing but terms and a number a record; texts come from the passage store. k1 is 1.2 and b
.75, as tantivy fixes them. Does not know vectors, filters or which words of a question matter.
text -> lexical/{passages,articles} -> (passage number, score)
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from passage_index.types import PassageNos, Scores

ANALYZER: dict[str, Any] = {"name": "words-2", "stemmer": "english", "k1": 1.2, "b": 0.75}

PASSAGES = "passages"
ARTICLES = "articles"
_HEAP_BYTES = 64_000_000

_POSSESSIVE = re.compile(r"['’]s\b")
_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ](?=\w)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_COMPOUND = re.compile(r"\w+(?:[-‐‑–./&]\w+)+")
_JOINT = re.compile(r"[-‐‑–./&]")


@dataclass(frozen=True, slots=True)
class Words:
    """What a question asks of the words in a passage, as index terms (`LexicalReader.terms`)."""

    terms: tuple[str, ...]
    compounds: tuple[str, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()  # phrases that must stand in the passage
    excluded: tuple[tuple[str, ...], ...] = ()  # phrases that must not

    def __bool__(self) -> bool:
        return bool(self.terms or self.compounds)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=False, indexed=True, fast=True)
    for field in ("body", "title", "whole"):
        builder.add_text_field(field, stored=False, tokenizer_name=field)
    return builder.build()


def _analyzers() -> dict[str, Any]:
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
    """Words with joints, without them: `COVID-19` -> `COVID19`, `U.S` -> `US`. Linear."""
    return [_JOINT.sub("", match) for match in _COMPOUND.findall(text)]


class LexicalWriter:
    """Fills one new tantivy index; `close` commits it and waits for its merges."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._index = _register(tantivy.Index(_schema(), path=str(folder)))
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def add(self, number: int, title: str, text: str) -> None:
        """One record; `number` is what a search gives back."""
        document = tantivy.Document()
        document.add_unsigned("number", number)
        title, text = searchable(title), searchable(text)
        document.add_text("body", f"{title}\n{text}" if title else text)
        document.add_text("title", title)
        document.add_text("whole", " ".join(compounds(f"{title} {text}")))
        self._writer.add_document(document)

    def close(self) -> None:
        """Commit; the index is whole afterwards."""
        self._writer.commit()
        self._writer.wait_merging_threads()


class LexicalReader:
    """One tantivy index of a generation, opened as it stood."""

    def __init__(self, folder: Path) -> None:
        self._index = _register(tantivy.Index.open(str(folder)))
        self._searcher = self._index.searcher()
        self._schema = self._index.schema
        self._analyzer = _analyzers()["body"]

    def count(self) -> int:
        """Records that a search can return."""
        return int(self._searcher.num_docs)

    def terms(self, text: str) -> list[str]:
        """The words of a text as they stand in the index, in order, repeats kept."""
        return list(self._analyzer.analyze(searchable(text)))

    def bound(self, words: Words, field: str = "body") -> float:
        """No record's BM25 can exceed this: the sum of idf * (k1 + 1) over the terms, in the index or not."""
        records = self.count()
        counts = (self._searcher.doc_freq(field, term) for term in dict.fromkeys(words.terms))
        idf = sum(math.log(1 + (records - n + 0.5) / (n + 0.5)) for n in counts)
        return idf * (float(ANALYZER["k1"]) + 1)

    def any_of(self, words: Words, field: str = "body") -> Any:
        """A query whose score is the sum of BM25 over the words."""
        should = [(tantivy.Occur.Should, self._term(field, term)) for term in dict.fromkeys(words.terms)]
        if field == "body":
            should += [(tantivy.Occur.Should, self._term("whole", word)) for word in words.compounds]
        return tantivy.Query.boolean_query(should) if should else tantivy.Query.empty_query()

    def holding(self, phrases: Iterable[Sequence[str]]) -> PassageNos:
        """Numbers of all records that hold every phrase, in no order."""
        must = [(tantivy.Occur.Must, self._phrase(phrase)) for phrase in phrases]
        return self.search(tantivy.Query.boolean_query(must), self.count())[0]

    def _phrase(self, terms: Sequence[str]) -> Any:
        if len(terms) == 1:
            return self._term("body", terms[0])
        return tantivy.Query.phrase_query(self._schema, "body", list(terms))

    def _term(self, field: str, term: str) -> Any:
        return tantivy.Query.term_query(self._schema, field, term)

    def search(self, query: Any, k: int) -> tuple[PassageNos, Scores]:
        """The k best records, best first: numbers (n,) and BM25 scores (n,)."""
        found = self._searcher.search(query, limit=max(k, 1), count=False).hits[:k]
        values = self._searcher.fast_field_values("number", [address for _, address in found])
        numbers = np.array(values, dtype=np.uint64)
        scores: Scores = np.array([score for score, _ in found], dtype=np.float64)
        return numbers, np.round(scores, 5)

    def search_among(self, query: Any, numbers: PassageNos, k: int) -> tuple[PassageNos, Scores]:
        """As `search`, over the given records only."""
        if len(numbers) == 0:
            return self.search(tantivy.Query.empty_query(), k)
        among = tantivy.Query.term_set_query(self._schema, "number", [int(number) for number in numbers])
        silent = tantivy.Query.const_score_query(among, 0.0)
        both = [(tantivy.Occur.Must, query), (tantivy.Occur.Must, silent)]
        return self.search(tantivy.Query.boolean_query(both), k)

    def scores(self, query: Any, numbers: PassageNos) -> Scores:
        """BM25 of each given record, 0 where the query does not match: (n,)."""
        unique = np.unique(numbers)
        found, scores = self.search_among(query, unique, len(unique))
        by_number: npt.NDArray[np.float64] = np.zeros(len(unique))
        by_number[np.searchsorted(unique, found)] = scores
        return by_number[np.searchsorted(unique, numbers)]


def _register(index: Any) -> Any:
    for name, analyzer in _analyzers().items():
        index.register_tokenizer(name, analyzer)
    return index
