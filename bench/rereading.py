"""`make eval-rerank`: what the reader's judgement of the first passages is worth, and what it costs.

Asks questions that the reader was not trained on, as a search does, has the first passages read once, and
ranks them anew at several depths. Figures and milliseconds beside those without.

    python -m bench.rereading [FOLDER...] [--questions N] [--words N] [--only NAME]
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.asking import kept_out, ready_reader
from bench.collections import Collection, Query, find_collections
from bench.places import DATA, RESULTS, commit
from bench.quality import ANSWER_AT, Outcome, compare, figures, index_of
from bench.sampling import add_words_option, sampled
from passage_index.model_files import default_cache
from passage_index.types import Scores
from search_api.finding import blended
from search_api.hits import SearchRequest
from search_api.reader.model import SHIPPED
from search_api.reader.narrowing import windows
from search_api.reader.reader import Reader
from search_api.reader.reranking import WEIGHT
from search_api.searcher import Searcher, open_searcher

DEPTHS = (10, 20, 50)
TIMED = 40  # questions of a collection
SHOWN = 100  # passages whose articles are judged
WITHOUT = "without"


@dataclass(frozen=True, slots=True)
class Read:
    """One question's first passages in their order, and what the reader makes of the first of them."""

    query: Query
    articles: list[str]  # (passages,)
    holds: list[bool]  # whether an answer stands in the passage
    fused: Scores  # (passages,)
    answers: Scores  # (max(DEPTHS),) or fewer
    ms: dict[int, float]  # to read so many


def read(searcher: Searcher, reader: Reader, query: Query, is_timed: bool) -> Read:
    """Search, and have the first passages read; where it is timed, at every depth."""
    found = searcher.find(SearchRequest(query.text))
    first = found.ranked[:SHOWN]
    stored = searcher.snapshot.fetch(found.pool.rows[first])
    parts = windows(searcher.snapshot, found, first[: max(DEPTHS)])
    ms = {}
    for depth in DEPTHS if is_timed else DEPTHS[-1:]:
        begun = time.perf_counter()
        readings, warning = reader.read(query.text, parts[:depth])
        ms[depth] = (time.perf_counter() - begun) * 1000
        assert not warning, warning
    folded = [one.text.casefold() for one in stored]
    return Read(
        query,
        [one.article.id for one in stored],
        [any(answer.casefold() in text for answer in query.answers) for text in folded],
        found.fused[first],
        np.array([one.answerable for one in readings]),
        ms,
    )


def order_at(one: Read, depth: int) -> list[int]:
    """Positions, best first, with so many of the first ranked anew."""
    few = min(depth, len(one.answers))
    first = np.argsort(-blended(one.fused[:few], one.answers[:few], WEIGHT), kind="stable")
    return [*first.tolist(), *range(few, len(one.articles))]


def outcome(asked: Sequence[Read]) -> Outcome:
    """The rankings at every depth, as bench.quality judges them."""
    out = Outcome()
    for one in asked:
        for name, depth in ((WITHOUT, 0), *((str(depth), depth) for depth in DEPTHS)):
            ranked = order_at(one, depth)
            articles = list(dict.fromkeys(one.articles[i] for i in ranked))
            out.runs.setdefault(name, {})[one.query.id] = {a: 1 / (i + 1) for i, a in enumerate(articles)}
            if one.query.answers:
                held = [one.holds[i] for i in ranked]
                out.answers.setdefault(name, {})[one.query.id] = [any(held[:k]) for k in ANSWER_AT]
    return out


def judge(
    collection: Collection, reader: Reader, most: int, timed: int = TIMED
) -> tuple[dict[str, Any], list[Read]]:
    """Every figure of one collection."""
    cache = default_cache()
    searcher = open_searcher(index_of(collection, cache), cache)
    chosen = collection.queries[:: max(1, len(collection.queries) // most)][:most]
    asked = [read(searcher, reader, query, number < timed) for number, query in enumerate(chosen)]
    searcher.close()
    ranked, queries = outcome(asked), [one.query for one in asked]
    _, base = figures(queries, ranked, WITHOUT)
    rows: dict[str, Any] = {}
    for name in ranked.runs:
        means, each = figures(queries, ranked, name)
        p, lost = compare(each, base)
        rows[name] = {key: round(value, 4) for key, value in means.items()} | {"p": p, "lost": round(lost, 4)}
        if name != WITHOUT:
            rows[name]["ms_p50"] = round(float(np.median([one.ms[int(name)] for one in asked[:timed]])), 1)
    return {"queries": len(queries), "depths": rows}, asked


def table(results: dict[str, Any]) -> str:
    """Markdown, one row a collection and depth."""
    columns = ["nDCG@10", "Success@1", "answer@1", "answer@5", "p", "lost", "ms_p50"]
    lines = ["| collection | passages read | " + " | ".join(columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for name, result in results.items():
        for depth, row in result["depths"].items():
            cells = [f"{row[c]:.3f}" if c in row and c != "ms_p50" else str(row.get(c, "")) for c in columns]
            lines.append(f"| {name} ({result['queries']}) | {depth} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Judge, print and write bench/results/rereading.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--questions", type=int, default=150, help="of a collection, at most")
    add_words_option(parser)
    parser.add_argument("--timed", type=int, default=TIMED, help="questions of a collection that are timed")
    parser.add_argument("--only", action="append", help="name of a collection; repeatable")
    parser.add_argument("--reader", default=SHIPPED, help="name or path of another reader")
    options = parser.parse_args()
    reader, results = ready_reader(options.reader), {}
    for collection in (one for folder in options.folders for one in find_collections(folder)):
        if not options.only or collection.name in options.only:
            kept = kept_out(collection)
            if options.words is not None:
                kept = sampled(kept, options.questions, options.words, default_cache())
            results[collection.name], _ = judge(kept, reader, options.questions, options.timed)
            print(table({collection.name: results[collection.name]}), flush=True)
    sample = {"questions": options.questions, "words": options.words}
    written = {"commit": commit(), "sample": sample, "collections": results}
    (RESULTS / "rereading.json").write_text(json.dumps(written, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
