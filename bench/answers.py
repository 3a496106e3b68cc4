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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from bench.answerability import logistic, records, small_corpora, whole_articles
from bench.collections import Collection, Query, find_collections
from bench.places import DATA, RESULTS, ROOT, commit
from bench.quality import index_of
from passage_index.filters import parse_filter
from passage_index.model_files import default_cache
from search_api.answers.candidates import Candidate, Evidence, candidates
from search_api.answers.choice import MODEL, model, ranked, table
from search_api.answers.confidence import confidence
from search_api.answers.confidence import evidence as confidence_evidence
from search_api.finding import Finding
from search_api.hits import SearchRequest
from search_api.searcher import Searcher, open_searcher

THRESHOLDS = (0.3, 0.5, 0.7)
CONFIDENCE = (
    *("choice", "margin", "own_cosine", "own_coverage", "own_beside", "own_around", "own_typed"),
    *("passage", "sentence", "words", "information", "coverage", "both", "lead", "size"),
    *("size*both", "size*own_cosine", "size*own_coverage", "words*own_coverage"),
)
LEXICAL = ("coverage", "beside", "around")
SHARED_WORDS = (1.0, 0.2, 0.0)
FITTED_ON = ("squadshifts_wiki", "squadshifts_amazon", "squadshifts_reddit", "qamr", "news")


@dataclass(slots=True)
class Asked:
    """One question: its candidates' evidence (n, kinds), which are right, and what the plain way gives."""

    query: Query
    found: Finding
    every: list[Candidate]
    evidence: Any
    right: Any  # (n,) bool: the sentence holds an answer and is of an article known to answer
    plain_right: bool
    small: bool = False  # asked of a few articles

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


def ask(searcher: Searcher, query: Query, without: Sequence[str] = (), small: bool = False) -> Asked:
    """Collect the candidates of one question, with some articles left out; then nothing is right."""
    where = parse_filter({"article_id": {"$nin": list(without)}}) if without else None
    found = searcher.find(SearchRequest(query.text, filter=where))
    every = candidates(searcher.snapshot, found)
    right = [one.stored.article.id in query.relevant and holds(one.text, query.answers) for one in every]
    return Asked(
        query=query,
        found=replace(found, candidates=()),
        every=every,
        evidence=table(every),
        right=np.array(right, dtype=bool),
        plain_right=not without and plain(searcher, query),
        small=small,
    )


def spoken(one: Candidate) -> str:
    """The short answer: the span that fits, else the sentence."""
    return one.stored.article.text[one.span.start : one.span.end] if one.span else one.text


def plain(searcher: Searcher, query: Query) -> bool:
    """Is the sentence nearest by vector right? Of all sentences of the 200 nearest passages."""
    found = searcher.find(SearchRequest(query.text, mode="semantic"))
    if len(found.pool) == 0:
        return False
    position = int(np.argmax(found.pool.sentence))
    (stored,) = searcher.snapshot.fetch(found.pool.rows[[position]])
    assert found.vector is not None
    number, _ = searcher.snapshot.best_sentence(found.vector, int(found.pool.rows[position]))
    start, end = stored.passage.sentences[number]
    return stored.article.id in query.relevant and holds(stored.article.text[start:end], query.answers)


def fit(groups: dict[str, tuple[list[Asked], list[Asked]]]) -> dict[str, float]:
    """Weights under which the right sentences are likeliest (listwise softmax).

    Every set counts the same, asked of much and of little. Those who wrote the questions had the text
    before their eyes, so every question stands here three times, with what it shares in words weakened.
    """
    lexical = [Evidence._fields.index(name) for name in LEXICAL]
    cases = []
    for name in FITTED_ON:
        for small in (False, True):
            kept = [one for one in split(groups[name][0], small) if not one.held_out]
            kept = [one for one in kept if one.right.any() and not one.right.all()]
            for one in kept:
                for share in SHARED_WORDS:
                    evidence = one.evidence.copy()
                    evidence[:, lexical] *= share
                    cases.append((evidence, one.right, 1 / len(kept)))
    scale = np.concatenate([evidence for evidence, _, _ in cases]).std(axis=0) + 1e-9

    def loss(weights: Any) -> tuple[float, Any]:
        total, gradient = 1e-3 * float(weights @ weights), 2e-3 * weights
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


def collect(collection: Collection, most: int) -> tuple[list[Asked], list[Asked]]:
    """At most so many questions of a collection and of small parts of it: those that can be answered, not."""
    cache = default_cache()
    searcher = open_searcher(index_of(collection, cache), cache)
    together = {} if collection.name == "news" else whole_articles(records(collection.corpus))
    queries = [query for query in collection.queries if query.answers]
    inside, outside = [], []
    for query in queries[:: max(1, len(queries) // most)][:most]:
        inside.append(ask(searcher, query))
        outside.append(
            ask(searcher, query, [each for one in query.relevant for each in together.get(one, [one])])
        )
    searcher.close()
    for searcher, own, others in small_corpora(collection, cache):
        inside += [ask(searcher, query, small=True) for query in own]
        outside += [ask(searcher, query, small=True) for query in others]
    return inside, outside


def fit_confidence(groups: dict[str, tuple[list[Asked], list[Asked]]]) -> dict[str, Any]:
    """Is the best candidate right? By the fitted choice; large and small corpora count the same."""
    cases = []
    for name, (inside, outside) in groups.items():
        for small in (False, True):
            kept = [
                one for one in (*inside, *outside) if one.small == small and not one.held_out and one.every
            ]
            for one in kept if name in FITTED_ON else ():
                best = ranked(one.every)
                right = bool(one.right[one.every.index(best[0].candidate)])
                cases.append((confidence_evidence(one.found, best), right, 1 / len(kept)))
    return logistic(cases, CONFIDENCE)


def figures(inside: Sequence[Asked], outside: Sequence[Asked]) -> dict[str, float]:
    """Shares of the held-out questions; risk: wrong among those that were answered, of both kinds."""
    kept = [one for one in inside if one.held_out]
    refused = [one for one in outside if one.held_out]
    best = [ranked(one.every) for one in kept]
    right = [
        bool(b) and bool(one.right[one.every.index(b[0].candidate)])
        for one, b in zip(kept, best, strict=True)
    ]
    said = [spoken(b[0].candidate) if b else "" for b in best]
    sure = np.array([confidence(one.found, b) for one, b in zip(kept, best, strict=True)])
    unsure = np.array([confidence(one.found, ranked(one.every)) for one in refused])
    rows: dict[str, float] = {
        "questions": len(kept),
        "right_sentence": float(np.mean(right)),
        "plain_right_sentence": float(np.mean([one.plain_right for one in kept])),
        "right_among_candidates": float(np.mean([bool(one.right.any()) for one in kept])),
        "exact_match": float(
            np.mean([normal(s) in map(normal, o.query.answers) for s, o in zip(said, kept, strict=True)])
        ),
        "f1": float(np.mean([f1(s, one.query.answers) for s, one in zip(said, kept, strict=True)])),
    }
    for threshold in THRESHOLDS:
        given, wrongly = sure >= threshold, unsure >= threshold
        answers = int(given.sum() + wrongly.sum())
        rows[f"answered_at_{threshold}"] = float(given.mean())
        rows[f"refused_at_{threshold}"] = float(1 - wrongly.mean())
        rows[f"risk_at_{threshold}"] = 1 - float(np.array(right)[given].sum()) / answers if answers else 0.0
    return {name: round(value, 3) for name, value in rows.items()}


def split(asked: Sequence[Asked], small: bool) -> list[Asked]:
    """Those of small corpora, or the others."""
    return [one for one in asked if one.small == small]


def main() -> None:
    """Ask, fit if asked to, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--questions", type=int, default=400, help="of a collection, at most")
    parser.add_argument("--fit", action="store_true", help=f"write search_api/answers/{MODEL} anew")
    parser.add_argument("--only", action="append", help="name of a collection; repeatable")
    options = parser.parse_args()
    groups = {}
    for collection in (one for folder in options.folders for one in find_collections(folder)):
        wanted = not options.only or collection.name in options.only
        if wanted and any(query.answers for query in collection.queries):
            groups[collection.name] = collect(collection, options.questions)
            print(collection.name, *map(len, groups[collection.name]), flush=True)
    target = ROOT / "search_api" / "answers" / MODEL
    if options.fit:
        stored: dict[str, Any] = {"choice": fit(groups)}
        target.write_text(json.dumps(stored, indent=1) + "\n")
        model.cache_clear()
        stored["confidence"] = fit_confidence(groups)
        target.write_text(json.dumps(stored, indent=1) + "\n")
        model.cache_clear()
    rows = {
        f"{name}, 3 to 40 articles" if small else name: figures(split(inside, small), split(outside, small))
        for name, (inside, outside) in groups.items()
        for small in (False, True)
    }
    print(target.read_text(), json.dumps(rows, indent=1))
    (RESULTS / "answers.json").write_text(json.dumps({"commit": commit(), "sets": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
