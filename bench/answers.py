"""`make eval-answers`: is the sentence that is given as the answer the right one, and is a no said in time?

Asks the questions whose answers are known, in an index of the collection alone or among the news, and
compares with the plain way: the sentence nearest to the question by its vector, in the same index.

    python -m bench.answers [FOLDER...] [--fit] [--questions N]
"""

import argparse
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from bench.collections import Collection, Query, find_collections
from bench.places import DATA, RESULTS, ROOT, commit
from bench.quality import index_of
from passage_index.model_files import default_cache
from search_api.answers.candidates import Candidate, Evidence, candidates
from search_api.answers.choice import MODEL, table
from search_api.hits import SearchRequest
from search_api.searcher import Searcher, open_searcher

FITTED_ON = ("squadshifts_wiki", "squadshifts_amazon", "squadshifts_reddit", "news")


@dataclass(slots=True)
class Asked:
    """One question: its candidates' evidence (n, kinds), which are right, and what the plain way gives."""

    query: Query
    evidence: Any
    right: Any  # (n,) bool: the sentence holds an answer and is of an article known to answer
    texts: list[str]
    spans: list[str]
    plain_right: bool

    @property
    def held_out(self) -> bool:
        """Not fitted on."""
        return bool(zlib.crc32(self.query.text.encode()) % 2)


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


def ask(searcher: Searcher, query: Query) -> Asked:
    """Collect the candidates of one question."""
    found = searcher.find(SearchRequest(query.text))
    every = candidates(searcher.snapshot, found)
    right = np.array(
        [one.stored.article.id in query.relevant and holds(one.text, query.answers) for one in every]
    )
    return Asked(
        query=query,
        evidence=table(every),
        right=right,
        texts=[one.text for one in every],
        spans=[spoken(one) for one in every],
        plain_right=plain(searcher, query),
    )


def spoken(one: Candidate) -> str:
    """The short answer: the span that fits, else the sentence."""
    return one.stored.article.text[one.span.start : one.span.end] if one.span else one.text


def plain(searcher: Searcher, query: Query) -> bool:
    """Is the sentence nearest by vector right? Of all sentences of the 200 nearest passages."""
    found = searcher.find(SearchRequest(query.text, mode="semantic"))
    position = int(np.argmax(found.pool.sentence))
    (stored,) = searcher.snapshot.fetch(found.pool.rows[[position]])
    assert found.vector is not None
    number, _ = searcher.snapshot.best_sentence(found.vector, int(found.pool.rows[position]))
    start, end = stored.passage.sentences[number]
    return stored.article.id in query.relevant and holds(stored.article.text[start:end], query.answers)


def fit(groups: dict[str, list[Asked]]) -> dict[str, float]:
    """Weights under which the right sentences are likeliest (listwise softmax); every set counts the same."""
    cases = [
        (one.evidence, one.right, 1 / len(asked))
        for name, asked in groups.items()
        if name in FITTED_ON
        for one in asked
        if not one.held_out and one.right.any() and not one.right.all()
    ]
    scale = np.concatenate([evidence for evidence, _, _ in cases]).std(axis=0) + 1e-9

    def loss(weights: Any) -> tuple[float, Any]:
        total, gradient = 1e-4 * float(weights @ weights), 2e-4 * weights
        for evidence, right, weight in cases:
            scaled = evidence / scale
            sums = scaled @ weights
            every, good = logsumexp(sums), logsumexp(sums[right])
            chance, chosen = np.exp(sums - every), np.where(right, np.exp(sums - good), 0)
            total += weight * (every - good)
            gradient = gradient + weight * ((chance - chosen) @ scaled)
        return total, gradient

    found = minimize(
        loss, np.zeros(len(Evidence._fields)), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    return dict(zip(Evidence._fields, np.round(found.x / scale, 4).tolist(), strict=True))


def figures(asked: Sequence[Asked], weights: dict[str, float]) -> dict[str, float]:
    """Shares of the held-out questions."""
    vector = np.array([weights[name] for name in Evidence._fields])
    ours, exact, overlap, kept = [], [], [], [one for one in asked if one.held_out]
    for one in kept:
        best = int(np.argmax(one.evidence @ vector)) if len(one.evidence) else None
        ours.append(best is not None and bool(one.right[best]))
        span = one.spans[best] if best is not None else ""
        exact.append(normal(span) in {normal(answer) for answer in one.query.answers})
        overlap.append(f1(span, one.query.answers))
    return {
        "questions": len(kept),
        "right_sentence": round(float(np.mean(ours)), 3),
        "plain_right_sentence": round(float(np.mean([one.plain_right for one in kept])), 3),
        "right_among_candidates": round(float(np.mean([bool(one.right.any()) for one in kept])), 3),
        "exact_match": round(float(np.mean(exact)), 3),
        "f1": round(float(np.mean(overlap)), 3),
    }


def collect(collection: Collection, index: Path, most: int) -> list[Asked]:
    """Ask at most so many questions of an index."""
    searcher = open_searcher(index)
    queries = [query for query in collection.queries if query.answers]
    asked = [ask(searcher, query) for query in queries[:: max(1, len(queries) // most)][:most]]
    searcher.close()
    return asked


def main() -> None:
    """Ask, fit if asked to, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--questions", type=int, default=600, help="of a collection, at most")
    parser.add_argument("--fit", action="store_true", help=f"write search_api/answers/{MODEL} anew")
    parser.add_argument("--only", action="append", help="name of a collection; repeatable")
    options = parser.parse_args()
    groups = {}
    for folder in options.folders:
        for collection in find_collections(folder):
            if any(query.answers for query in collection.queries) and collection.name in (
                options.only or [collection.name]
            ):
                index = index_of(collection, default_cache())
                groups[collection.name] = collect(collection, index, options.questions)
                print(collection.name, len(groups[collection.name]), flush=True)
    target = ROOT / "search_api" / "answers" / MODEL
    stored = json.loads(target.read_text()) if target.exists() else {}
    if options.fit:
        stored["choice"] = fit(groups)
        target.write_text(json.dumps(stored, indent=1) + "\n")
    rows = {name: figures(asked, stored["choice"]) for name, asked in groups.items()}
    print(json.dumps({"weights": stored["choice"], "sets": rows}, indent=1))
    (RESULTS / "answers.json").write_text(json.dumps({"commit": commit(), "sets": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
