"""`make eval`: how well each way of ranking finds what was judged relevant, collection by collection.

Builds an index of every collection found (vectors come from the journal after the first time), asks
every question once, and ranks the same pool by BM25, by vectors, by reciprocal ranks, by a plain
convex sum and by ours. Figures by ir-measures; significance by a paired bootstrap against the sum.

    python -m bench.quality [FOLDER...] [--sample N] [--only NAME]
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from ir_measures import AP, R, Success, nDCG

from bench.collections import Collection, Query, find_collections
from bench.places import DATA, RESULTS, commit
from indexer.build import BuildOptions, build
from indexer.chunking import Chunking
from indexer.progress import shown
from passage_index import directory
from passage_index.backend import Pool
from passage_index.columns import Where
from passage_index.errors import NotFound, SearchEngineError
from passage_index.lexical import ANALYZER
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from passage_index.types import Scores
from search_api.fusion import order
from search_api.question import parse_words
from search_api.ranking import rank
from search_api.searcher import Searcher, open_searcher
from search_api.spelling import Speller

DEPTH = 1000  # passages each leg gives, so that 100 articles can be judged
MEASURES = [nDCG @ 10, AP, R @ 100, Success @ 1, Success @ 5, Success @ 20]
ANSWER_AT = (1, 5, 20)
BASELINE = "convex"
LOST = 0.1  # a question counts as lost when its figure is lower than the baseline's by more than this
RRF_K = 60

Rank = Callable[[Pool], Scores]
OURS = "ours"


def _ranks(scores: Scores) -> Scores:
    out = np.empty(len(scores))
    out[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return out


def rrf(pool: Pool) -> Scores:
    """Reciprocal rank fusion, k = 60 (Cormack et al. 2009)."""
    return 1 / (RRF_K + _ranks(pool.dense)) + (pool.lexical > 0) / (RRF_K + _ranks(pool.lexical))


def min_max(scores: Scores) -> Scores:
    """Scale to 0..1 within the pool; a leg without any evidence stays 0."""
    span = np.ptp(scores) if len(scores) else 0.0
    return (scores - scores.min()) / span if span else np.zeros(len(scores))


def convex(pool: Pool) -> Scores:
    """Half and half of the min-max scaled passage scores."""
    return 0.5 * min_max(pool.dense) + 0.5 * min_max(pool.lexical)


METHODS: dict[str, Rank] = {
    "bm25": lambda pool: pool.lexical,
    "dense": lambda pool: pool.dense,
    "rrf": rrf,
    "convex": convex,
}


@dataclass(slots=True)
class Outcome:
    """All rankings of one collection."""

    runs: dict[str, dict[str, dict[str, float]]] = field(
        default_factory=dict
    )  # method -> query -> article -> score
    answers: dict[str, dict[str, list[bool]]] = field(
        default_factory=dict
    )  # method -> query -> held at ANSWER_AT
    ms: list[float] = field(default_factory=list)


def index_of(collection: Collection, cache: Path) -> Path:
    """The collection's index, built unless it stands there from this file, cut and analysed as now."""
    index = cache / "bench" / (collection.index or collection.name)
    stamp = index / "corpus.txt"
    source = f"{collection.corpus.resolve()} {collection.corpus.stat().st_size}"
    try:
        manifest = directory.current(index).manifest
        made_by = (dict(manifest.chunking), dict(manifest.analyzer), manifest.knows_words)
        current = made_by == (asdict(Chunking()), ANALYZER, True)
    except SearchEngineError:
        current = False
    if not current or not stamp.exists() or stamp.read_text() != source:
        encoder = load_encoder(cache=cache, streams=os.cpu_count() or 1)
        with shown() as progress:
            print(build([collection.corpus], index, encoder, BuildOptions(cache=cache), progress))
        stamp.write_text(source)
    return index


def run(searcher: Searcher, queries: list[Query]) -> Outcome:
    """Ask every question; rank its pool by every method."""
    outcome, speller = Outcome(), Speller(searcher.snapshot, searcher.questions.pieces)
    for query in queries:
        begun = time.perf_counter()
        words = speller.respelled(query.text, parse_words(query.text, searcher.snapshot.lexical.terms)).words
        vector = searcher.questions.encode(query.text)
        pool = searcher.snapshot.pool(vector, words, Where(), DEPTH)
        rankings = {OURS: rank(searcher.snapshot, pool, vector, words, "hybrid")}
        outcome.ms.append((time.perf_counter() - begun) * 1000)
        rankings = {name: method(pool) for name, method in METHODS.items()} | rankings
        for name, scores in rankings.items():
            ranked = order(scores, pool.ids)
            articles = _articles(searcher, pool, ranked)
            outcome.runs.setdefault(name, {})[query.id] = {a: 1 / (i + 1) for i, a in enumerate(articles)}
            if query.answers:
                top = searcher.snapshot.fetch(pool.rows[ranked[: max(ANSWER_AT)]])
                held = [any(_holds(s.text, a) for a in query.answers) for s in top]
                outcome.answers.setdefault(name, {})[query.id] = [any(held[:k]) for k in ANSWER_AT]
    return outcome


def _articles(searcher: Searcher, pool: Pool, ranked: list[int]) -> list[str]:
    """Article ids by their best passage, at most 100."""
    first: dict[int, int] = {}
    for position in ranked:
        first.setdefault(int(pool.article[position]), position)
        if len(first) == 100:
            break
    return [stored.article.id for stored in searcher.snapshot.fetch(pool.rows[list(first.values())])]


def _holds(text: str, answer: str) -> bool:
    return answer.casefold() in text.casefold()


def figures(queries: list[Query], outcome: Outcome, method: str) -> tuple[dict[str, float], dict[str, float]]:
    """(every measure's mean, the main measure question by question) of one method."""
    qrels = {query.id: query.relevant for query in queries}
    means = {str(m): v for m, v in ir_measures.calc_aggregate(MEASURES, qrels, outcome.runs[method]).items()}
    each = {
        one.query_id: one.value for one in ir_measures.iter_calc([nDCG @ 10], qrels, outcome.runs[method])
    }
    if method in outcome.answers:
        held = np.array(list(outcome.answers[method].values()))
        means |= {f"answer@{k}": float(held[:, i].mean()) for i, k in enumerate(ANSWER_AT)}
    return means, each


def compare(each: dict[str, float], base: dict[str, float], draws: int = 2000) -> tuple[float, float]:
    """(two-sided p of a paired bootstrap, share of questions lost) against the baseline."""
    difference = np.array([each[query] - base[query] for query in base])
    draw = np.random.default_rng(1).integers(0, len(difference), (draws, len(difference)))
    means = difference[draw].mean(axis=1)
    p = 2 * min(float((means <= 0).mean()), float((means >= 0).mean()))
    return min(p, 1.0), float((difference < -LOST).mean())


def judge(collection: Collection, cache: Path, sample: int | None) -> dict[str, Any]:
    """Every figure of one collection."""
    queries = (
        collection.queries[:: max(1, len(collection.queries) // sample)] if sample else collection.queries
    )
    searcher = open_searcher(index_of(collection, cache), cache)
    try:
        outcome = run(searcher, queries)
        passages = searcher.snapshot.manifest.passages
    finally:
        searcher.close()
    rows = {}
    _, base = figures(queries, outcome, BASELINE)
    for method in [*METHODS, OURS]:
        means, each = figures(queries, outcome, method)
        p, lost = compare(each, base)
        rows[method] = {
            **{name: round(value, 4) for name, value in means.items()},
            "p": p,
            "lost": round(lost, 4),
        }
    return {
        "queries": len(queries), "passages": passages, "methods": rows,
        "ms_p50": round(float(np.median(outcome.ms)), 1),
    }  # fmt: skip


def table(results: dict[str, Any]) -> str:
    """Markdown, one row a collection and method."""
    columns = [
        "nDCG@10",
        "AP",
        "R@100",
        "Success@1",
        "Success@5",
        "Success@20",
        "answer@1",
        "answer@5",
        "p",
        "lost",
    ]
    lines = ["| collection | method | " + " | ".join([*columns, "ms"]) + " |"]
    lines.append("|" + "---|" * (len(columns) + 3))
    for name, result in results.items():
        for method, row in result["methods"].items():
            cells = [f"{row[c]:.3f}" if c in row else "" for c in columns]
            cells.append(str(result["ms_p50"]) if method == OURS else "")
            lines.append(f"| {name} ({result['queries']}) | {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Judge every collection found and write bench/results/quality-<commit>.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--sample", type=int, help="about so many questions a collection")
    parser.add_argument("--only", action="append", help="name of a collection; repeatable")
    parser.add_argument("--out", type=Path, help="where the JSON goes")
    arguments = parser.parse_args()
    found = [one for folder in arguments.folders if folder.exists() for one in find_collections(folder)]
    if not found:
        raise NotFound(
            f"no collection below {', '.join(map(str, arguments.folders))}; see bench/collections.py"
        )
    at, cache, results = commit(), default_cache(), {}
    for collection in found:
        if not arguments.only or collection.name in arguments.only:
            judged = judge(collection, cache, arguments.sample)
            results[collection.name] = {**judged, "commit": at}
            print(table({collection.name: results[collection.name]}), flush=True)
    out = arguments.out or RESULTS / f"quality-{at or 'unknown'}.json"
    out.parent.mkdir(exist_ok=True)
    machine = {"machine": platform.machine(), "python": platform.python_version(), "commit": at}
    out.write_text(json.dumps({**machine, "collections": results}, indent=1) + "\n")
    print(f"\n{table(results)}\n\nwritten to {out}")


if __name__ == "__main__":
    main()
