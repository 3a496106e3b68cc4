"""Questions with known answers, asked of our own engine: the sentences it weighed, and which were right.

Only questions that the reader was not trained on. collection -> [Asked]
"""

import random
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.answerability import records, small_corpora, whole_articles
from bench.collections import Collection, Query
from bench.quality import index_of
from bench.rewording import Others, foreign, reworded
from indexer.backup import backup
from indexer.build import BuildOptions
from indexer.growing import add
from indexer.progress import shown
from passage_index.filters import parse_filter
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from search_api.answers.candidates import Candidate, candidates
from search_api.answers.choice import Scored, ranked, table
from search_api.answers.confidence import confidence
from search_api.finding import Finding
from search_api.hits import SearchRequest
from search_api.reader.model import load_reader
from search_api.reader.reader import Reader
from search_api.searcher import Searcher, open_searcher
from training.split import TRAINED_ON, was_kept_out

READ_S = 60.0  # the reader is never late here


@dataclass(frozen=True)
class Asked:
    """One question: its candidates' evidence (n, kinds), which are right, and what the plain way gives."""

    query: Query
    found: Finding
    every: list[Candidate]
    evidence: Any
    right: Any  # (n,) bool: the sentence holds an answer and is of an article known to answer
    plain_right: bool
    small: bool = False  # asked of a few articles
    harder: bool = False  # put in other words, or made to ask what its article does not tell

    @property
    def held_out(self) -> bool:
        """Not fitted on."""
        return bool(zlib.crc32(self.query.text.encode()) % 2)

    @cached_property
    def unread(self) -> "Asked":
        """The same as if there were no reader."""
        nothing = {"answers": 0.0, "share": 0.0, "read": 0.0}
        every = [
            replace(one, marked=None, was_read=False, evidence=one.evidence._replace(**nothing))
            for one in self.every
        ]
        return replace(self, every=every, evidence=table(every))

    def ranked(self) -> list[Scored]:
        """The candidates by the numbers that are there."""
        return ranked(self.every)

    def outcome(self) -> tuple[float, bool, str]:
        """Confidence in the best one, whether it is right, and the short answer."""
        best = self.ranked()
        if not best:
            return 0.0, False, ""
        first = best[0].candidate
        return confidence(self.found, best), bool(self.right[self.every.index(first)]), spoken(first)


def normal(text: str) -> str:
    """As SQuAD's own evaluation compares answers: no case, articles or punctuation."""
    text = re.sub(r"\b(a|an|the)\b", " ", text.casefold())
    return " ".join(re.sub(r"[^\w\s]", " ", text).split())


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers stands in the text."""
    return any(f" {normal(answer)} " in f" {normal(text)} " for answer in answers if normal(answer))


def f1(text: str, answers: Sequence[str]) -> float:
    """The best overlap of words with one of the answers."""
    best, said = 0.0, normal(text).split()
    for answer in answers:
        gold = normal(answer).split()
        shared = sum((Counter(said) & Counter(gold)).values())
        if shared:
            best = max(best, 2 * shared / (len(said) + len(gold)))
    return best


def ask(
    searcher: Searcher, query: Query, without: Sequence[str] = (), small: bool = False, text: str = ""
) -> Asked:
    """Collect the candidates of one question, with some articles left out; then nothing is right.

    text: another way to put the question.
    """
    where = parse_filter({"article_id": {"$nin": list(without)}}) if without else None
    found = searcher.find(SearchRequest(text or query.text, filter=where))
    every, _, warnings = candidates(
        searcher.snapshot, found, searcher.reader.read if searcher.reader else None
    )
    assert not warnings, warnings
    right = [one.stored.article.id in query.relevant and holds(one.text, query.answers) for one in every]
    return Asked(
        query=query,
        found=replace(found, candidates=()),
        every=every,
        evidence=table(every),
        right=np.array(right, dtype=bool),
        plain_right=not without and plain(searcher, query),
        small=small,
        harder=bool(text),
    )


def harder(
    searcher: Searcher, query: Query, others: Others, other: str, small: bool = False
) -> tuple[list[Asked], list[Asked]]:
    """The question in other words, and another one in its words that its article does not answer.

    other: a question that words of the second are taken from.
    """
    article = searcher.snapshot.article(next(iter(query.relevant)))
    if article is None:
        return [], []
    passage, dice = f"{article.title} {article.text}", random.Random(zlib.crc32(query.text.encode()))
    inside, outside = [], []
    again = reworded(query.text, passage, others, dice)
    if again != query.text:
        inside.append(ask(searcher, query, small=small, text=again))
    changed = foreign(query.text, passage, other, dice)
    if changed:
        nothing = replace(query, answers=(), relevant={})
        outside.append(replace(ask(searcher, nothing, small=small, text=changed), query=query))
    return inside, outside


def spoken(one: Candidate) -> str:
    """The short answer: the span that fits, else the sentence."""
    span = one.shortest
    return one.stored.article.text[span.start : span.end] if span else one.text


def plain(searcher: Searcher, query: Query) -> bool:
    """Is the sentence nearest by vector right? Of all sentences of the 200 nearest passages."""
    found = searcher.find(SearchRequest(query.text, mode="semantic"))
    if len(found.pool) == 0:
        return False
    position = int(np.argmax(found.pool.sentence))
    (stored,) = searcher.snapshot.fetch(found.pool.rows[[position]])
    assert found.vector is not None
    (number,) = searcher.snapshot.nearest_sentences(found.vector, found.pool.rows[[position]])
    start, end = stored.passage.sentences[number]
    return stored.article.id in query.relevant and holds(stored.article.text[start:end], query.answers)


def kept_out(collection: Collection) -> Collection:
    """The collection with the questions alone that the reader was not trained on."""
    if collection.name not in TRAINED_ON:
        return collection
    kept = {row["_id"] for row in records(collection.corpus) if was_kept_out(collection.name, row)}
    queries = [one for one in collection.queries if kept.issuperset(one.relevant)]
    return replace(collection, queries=queries)


def collect(
    collection: Collection,
    most: int,
    reader: Reader,
    index: Path | None = None,
    others: Others | None = None,
    corpora: int | None = None,
) -> tuple[list[Asked], list[Asked]]:
    """At most so many questions of a collection and of small parts of it: those that can be answered, not.

    index: another one that holds the collection too; then no small parts. others: other words for a word;
    with them, all are also put in other words, and changed into ones without an answer. corpora: small
    parts, at most.
    """
    cache = default_cache()
    searcher = open_searcher(index or index_of(collection, cache), cache)
    searcher.reader = reader
    together = {} if collection.name == "news" else whole_articles(records(collection.corpus))
    queries = collection.queries
    inside, outside = [], []
    for query in queries[:: max(1, len(queries) // most)][:most]:
        inside.append(ask(searcher, query))
        outside.append(
            ask(searcher, query, [each for one in query.relevant for each in together.get(one, [one])])
        )
    _add_harder(searcher, inside, outside, others)
    searcher.close()
    for searcher, own, foreigners in () if index else islice(small_corpora(collection, cache), corpora):
        searcher.reader = reader
        these = [ask(searcher, query, small=True) for query in own]
        those = [ask(searcher, query, small=True) for query in foreigners]
        _add_harder(searcher, these, those, others)
        inside, outside = inside + these, outside + those
    return inside, outside


def _add_harder(searcher: Searcher, inside: list[Asked], outside: list[Asked], others: Others | None) -> None:
    for number, one in enumerate(list(inside) if others else []):
        assert others
        more, less = harder(searcher, one.query, others, inside[number - 1].query.text, one.small)
        inside += more
        outside += less


def among(collection: Collection, crowd: Collection, cache: Path) -> Path:
    """An index of the crowd's articles with the collection's among them: a copy, by hard links, added to."""
    index = cache / "bench" / f"{collection.index or collection.name}-among-{crowd.index or crowd.name}"
    if not (index / "CURRENT").exists():
        with shown() as progress:
            backup(index_of(crowd, cache), index, progress)
            options = BuildOptions(cache=cache, merge=False)
            add([collection.corpus], index, load_encoder(cache=cache), options, progress)
    return index


def ready_reader(name: str) -> Reader:
    """The reader, loaded."""
    reader = Reader(lambda: load_reader(name), READ_S)
    reader.wait_until_loaded()
    assert not reader.fault, reader.fault
    return reader
