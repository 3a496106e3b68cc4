"""Filtered searches beside brute force: are they exact, are they full, and what do they cost.

Draws filters that let about 50, 10, 1 and .1 % of an index's passages through, by dates, by sources and by
a mixture of language, metadata and address, and asks questions taken from stored texts. The best 10 and
200 of each leg are compared with brute force: cosines over all stored vectors, and the whole ranking by
BM25 with what the filter refuses struck out; equal scores by public id.

    python -m bench.filters [INDEX] [--questions N]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the server has it

import argparse
import json
import platform
import re
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from passage_index.columns import EPOCH, Where
from passage_index.dense import Mask, from_bf16
from passage_index.filters import Filter, parse_filter
from passage_index.lexical import Words
from passage_index.model_files import default_cache
from passage_index.snapshot import Snapshot
from passage_index.types import Rows, Scores, Vectors
from search_api.hits import SearchRequest
from search_api.question import parse_words
from search_api.searcher import Searcher, open_searcher

SHARES = (0.5, 0.1, 0.01, 0.001)
FILTERS_EACH = 5  # different ones, that the questions take in turn
FIRST = 10
DEPTH = 200  # of a pool, as the server asks for it
BLOCK = 20_000  # rows multiplied at once
RESULTS = Path(__file__).parent / "results" / "filters.json"

_SIGNS = re.compile(r'["“”„«»+-]')  # which a question would read as orders

Draw = Callable[["Corpus", int, np.random.Generator], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """What filters are drawn from, one value a passage; '' for none."""

    days: list[int]  # of the dated ones, sorted
    titles: list[str]
    urls: list[str]
    sources: list[str]
    languages: list[str]
    keys: list[str]  # of all metadata


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what brute force says of every row: (rows,) cosines, BM25 of those that match."""

    text: str
    vector: Vectors
    words: Words
    cosines: Scores
    matching: Rows
    bm25: Scores


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, over all questions."""

    wanted: float
    kind: str
    passing: float  # share of passages, mean of the filters
    dense_10: float  # recall of the first ten
    dense_200: float  # of all that the leg gives to the pool
    lexical_10: float
    lexical_200: float
    hits: float  # returned by a search for ten, as a share of those that there are up to ten
    ms: float  # median of a whole hybrid search
    unfiltered_ms: float


def corpus_of(snapshot: Snapshot) -> Corpus:
    """Read every article's record once."""
    corpus = Corpus([], [], [], [], [], [])
    keys: set[str] = set()
    for segment in snapshot.segments:
        for article, passages in segment.texts.articles():
            count = len(passages)
            if article.published:
                corpus.days.extend([(article.published.first - EPOCH).days] * count)
            corpus.titles.extend([article.title] * count)
            corpus.urls.extend([article.url or ""] * count)
            corpus.sources.extend([article.source or ""] * count)
            corpus.languages.extend([article.language or ""] * count)
            keys |= article.metadata.keys()
    corpus.days.sort()
    corpus.keys.extend(sorted(keys))
    return corpus


def run_of(values: Sequence[Any], count: int, random: np.random.Generator) -> tuple[Any, Any]:
    """The first and last of `count` sorted values side by side, wherever they begin."""
    begin = int(random.integers(0, max(len(values) - count, 0) + 1))
    return values[begin], values[min(begin + count, len(values)) - 1]


def some(names: list[str], count: int, random: np.random.Generator) -> list[str]:
    """Names drawn until at least `count` passages have one of them."""
    sizes, chosen = Counter(names), []
    for name in random.permutation(sorted(sizes.keys() - {""})).tolist():
        chosen.append(name)
        if sum(sizes[one] for one in chosen) >= count:
            break
    return chosen


def by_date(corpus: Corpus, count: int, random: np.random.Generator) -> dict[str, Any]:
    """A range of days."""
    first, last = (str(EPOCH + timedelta(day)) for day in run_of(corpus.days, count, random))
    return {"published_at": {"$gte": first, "$lte": last}}


def by_source(corpus: Corpus, count: int, random: np.random.Generator) -> dict[str, Any]:
    """Some sources, and of their articles a run of titles."""
    chosen = some(corpus.sources, count, random)
    theirs = sorted(t for t, source in zip(corpus.titles, corpus.sources, strict=True) if source in chosen)
    first, last = run_of(theirs, count, random)
    return {"source": {"$in": chosen}, "title": {"$gte": first, "$lte": last}}


def by_mixture(corpus: Corpus, count: int, random: np.random.Generator) -> dict[str, Any]:
    """Some languages and a run of addresses (often a site and its section), or some metadata."""
    chosen = some(corpus.languages, count, random)
    theirs = sorted(u for u, name in zip(corpus.urls, corpus.languages, strict=True) if name in chosen)
    first, last = run_of(theirs, count, random)
    within = {"language": {"$in": chosen}, "url": {"$gte": first, "$lte": last}}
    return {"$or": [within, *({f"metadata.{key}": {"$exists": True}} for key in corpus.keys[:3])]}


DRAWS: dict[str, Draw] = {"dates": by_date, "sources": by_source, "mixture": by_mixture}


def _on_disk(searcher: Searcher) -> Snapshot:
    assert isinstance(searcher.snapshot, Snapshot)
    return searcher.snapshot


def questions_of(searcher: Searcher, count: int, random: np.random.Generator) -> list[Asked]:
    """First sentences of stored passages, each with the brute-force ranking of the whole index."""
    snapshot = _on_disk(searcher)
    rows = random.permutation(snapshot.manifest.passages)[: 3 * count]
    texts: list[str] = []
    for stored in snapshot.fetch(rows):
        start, end = stored.passage.sentences[0]
        text = _SIGNS.sub(" ", stored.article.text[start:end])
        if len(text.split()) >= 4 and len(texts) < count:
            texts.append(text)
    vectors = np.stack([searcher.questions.encode(text) for text in texts])
    words = [parse_words(text, snapshot.lexical.terms) for text in texts]
    return [
        Asked(text, vector, own_words, own, *ranked(snapshot, own_words))
        for text, vector, own_words, own in zip(
            texts, vectors, words, cosines(snapshot, vectors), strict=True
        )
    ]


def cosines(snapshot: Snapshot, vectors: Vectors) -> Scores:
    """(questions, rows) cosines to every stored vector, to six digits."""
    parts = []
    for segment in snapshot.segments:
        codes = segment.vectors.codes
        for start in range(0, len(codes), BLOCK):
            stored = from_bf16(codes[start : start + BLOCK]).astype(np.float64)
            parts.append(np.round(vectors.astype(np.float64) @ stored.T, 6))
    return np.concatenate(parts, axis=1)


def ranked(snapshot: Snapshot, words: Words) -> tuple[Rows, Scores]:
    """All rows that match the words, (n,), and their BM25, (n,)."""
    numbers, scores = snapshot.lexical.search(snapshot.lexical.any_of(words), snapshot.lexical.count())
    return snapshot._rows.rows_of(numbers), scores


def recalls(snapshot: Snapshot, wanted: tuple[Rows, Scores], found: tuple[Rows, Scores]) -> list[float]:
    """Of the FIRST and of the DEPTH best by brute force, how many the leg found; none where none are."""
    out = []
    for depth in (FIRST, DEPTH):
        ours, theirs = (set(snapshot._rows.best(*ranking, depth).tolist()) for ranking in (found, wanted))
        out.append(len(ours & theirs) / len(theirs) if theirs else np.nan)
    return out


def measured(searcher: Searcher, asked: list[Asked], filters: list[Filter], wanted: float, kind: str) -> Row:
    """Ask every question under one of the filters; compare and time."""
    snapshot = _on_disk(searcher)
    wheres = [Where(filter=one) for one in filters]
    masks = [_mask(snapshot, where) for where in wheres]
    dense, lexical, hits, ms, plain_ms = [], [], [], [], []
    for number, one in enumerate(asked):
        where, mask = wheres[number % len(wheres)], masks[number % len(wheres)]
        allowed, matching = np.flatnonzero(mask), mask[one.matching]
        pool = snapshot.pool(one.vector, Words(()), where, DEPTH)
        dense.append(recalls(snapshot, (allowed, one.cosines[allowed]), (pool.rows, pool.dense)))
        pool = snapshot.pool(None, one.words, where, DEPTH)
        truth = one.matching[matching], one.bm25[matching]
        lexical.append(recalls(snapshot, truth, (pool.rows, pool.lexical)))
        request = SearchRequest(one.text, limit=FIRST, collapse=False, filter=where.filter)
        returned, own_ms = timed(searcher, request)
        hits.append(returned / min(len(allowed), FIRST))
        ms.append(own_ms)
        plain_ms.append(timed(searcher, replace(request, filter=None))[1])
    (dense_10, dense_200), (lexical_10, lexical_200) = np.nanmean([dense, lexical], axis=1).tolist()
    return Row(
        wanted=wanted,
        kind=kind,
        passing=float(np.mean([mask.mean() for mask in masks])),
        dense_10=dense_10,
        dense_200=dense_200,
        lexical_10=lexical_10,
        lexical_200=lexical_200,
        hits=statistics.mean(hits),
        ms=round(statistics.median(ms), 1),
        unfiltered_ms=round(statistics.median(plain_ms), 1),
    )


def _mask(snapshot: Snapshot, where: Where) -> Mask:
    mask = snapshot._rows.living(snapshot._wanted(where, Words(())))
    assert mask is not None and mask.any()
    return mask


def timed(searcher: Searcher, request: SearchRequest) -> tuple[int, float]:
    """How many hits, and milliseconds. The question's vector is known by then, as for a second page."""
    begun = time.perf_counter()
    hits = len(searcher.search(request).hits)
    return hits, (time.perf_counter() - begun) * 1000


def table(rows: list[Row]) -> str:
    """As docs/quality.md has it."""
    lines = [
        "| let through | by | vectors @10 | @200 | words @10 | @200 | hits returned | ms | ms unfiltered |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {100 * row.passing:.2f} % | {row.kind} | {row.dense_10:.4f} | {row.dense_200:.4f} "
        f"| {row.lexical_10:.4f} | {row.lexical_200:.4f} "
        f"| {100 * row.hits:.0f} % | {row.ms} | {row.unfiltered_ms} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table and write bench/results/filters.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index", nargs="?", type=Path, default=default_cache() / "bench" / "news")
    parser.add_argument("--questions", type=int, default=50)
    arguments = parser.parse_args()
    random = np.random.default_rng(7)
    searcher = open_searcher(arguments.index)
    corpus, asked = corpus_of(_on_disk(searcher)), questions_of(searcher, arguments.questions, random)
    rows = []
    for share in SHARES:
        count = max(round(searcher.snapshot.manifest.passages * share), 1)
        for kind, draw in DRAWS.items():
            if (kind == "dates" and not corpus.days) or (kind == "sources" and not any(corpus.sources)):
                continue  # nothing to draw from
            drawn = [parse_filter(draw(corpus, count, random)) for _ in range(FILTERS_EACH)]
            rows.append(measured(searcher, asked, [one for one in drawn if one], share, kind))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    figures = {
        "commit": commit, "machine": platform.machine(), "cores": os.cpu_count(),
        "index": arguments.index.name, "passages": searcher.snapshot.manifest.passages,
        "questions": len(asked), "filters_each": FILTERS_EACH, "rows": [asdict(row) for row in rows],
    }  # fmt: skip
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{table(rows)}")
    searcher.close()


if __name__ == "__main__":
    main()
