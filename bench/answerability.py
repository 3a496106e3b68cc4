"""`make eval-answerable`: can the engine tell that a corpus does not answer? And the fit of that judgement.

Every question is asked twice: of the whole collection, and with the articles left out that answer it. Also
of small corpora of 3 to 40 articles, drawn with their own questions and with those of others. Half of
the questions, by the checksum of their text, make the model; the figures are of the other half.

    python -m bench.answerability [FOLDER...] [--fit]      without --fit the model that is there is judged
"""

import argparse
import gzip
import hashlib
import json
import random
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.collections import Collection, Query, find_collections
from bench.places import DATA, RESULTS, ROOT, commit
from bench.quality import index_of
from indexer.build import BuildOptions, build
from passage_index.filters import parse_filter
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from search_api.answerability import MODEL, answer_probability, evidence, value
from search_api.fusion import Mode
from search_api.hits import SearchRequest
from search_api.searcher import Searcher, open_searcher

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
QUESTIONS = 300  # of a collection, at most
SIZES = (3, 4, 6, 10, 20, 40) * 3  # articles of the small corpora
OWN, CLOSE, ALL = 12, 6, 12  # questions of a small corpus; of its neighbours, and of others altogether
# Labels of the news and of short posts are noisy: another article may answer as well.
WEIGHTS = {"squadshifts_wiki": 4.0, "news": 1.0, "squadshifts_reddit": 0.7}
SMALL_WEIGHT, OTHER_WEIGHT = 0.5, 0.5
LEFT_OUT = ("cranfield", "scifact")  # not questions with an answer; judged, not fitted on
NAMES: dict[Mode, tuple[str, ...]] = {
    "hybrid": (
        *("passage", "sentence", "meaning", "rise", "words", "information", "coverage", "both", "lead"),
        "size",
        *("size*both", "size*coverage", "size*sentence", "size*information", "size*lead", "words*coverage"),
    ),
    "semantic": ("passage", "sentence", "rise", "lead", "size", "size*sentence", "size*lead"),
    "keyword": ("information", "words", "lead", "size", "size*information", "size*lead"),
}  # fmt: skip


@dataclass(slots=True)
class Group:
    """Questions of one kind: the evidence for each by mode, and whether an answer was in the index."""

    name: str
    weight: float
    rows: dict[Mode, list[dict[str, float]]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    probability: dict[Mode, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    answered: list[bool] = field(default_factory=list)
    held_out: list[bool] = field(default_factory=list)

    def ask(self, searcher: Searcher, query: Query, without: Sequence[str], answered: bool) -> None:
        """Add what is found for a question, with some articles left out."""
        where = parse_filter({"article_id": {"$nin": list(without)}}) if without else None
        found = [searcher.find(SearchRequest(query.text, mode=mode, filter=where)) for mode in MODES]
        if any(len(one.pool) == 0 for one in found):
            return
        for mode, one in zip(MODES, found, strict=True):
            self.rows[mode].append(evidence(one.pool, one.parts))
            self.probability[mode].append(answer_probability(one.pool, one.parts, mode))
        self.answered.append(answered)
        self.held_out.append(bool(zlib.crc32(query.text.encode()) % 2))


def records(file: Path) -> list[dict[str, Any]]:
    """The lines of a corpus."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def whole_articles(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By article id, all ids that bear its title: paragraphs of one article; alone if it has none."""
    by_title: dict[str, list[str]] = {}
    for row in rows:
        by_title.setdefault(row.get("title") or row["_id"], []).append(row["_id"])
    few = {title: ids for title, ids in by_title.items() if len(ids) < len(rows) / 4}
    return {row["_id"]: few.get(row.get("title") or row["_id"], [row["_id"]]) for row in rows}


def asked_of_all(collection: Collection, cache: Path) -> Iterator[Group]:
    """With everything and without the answering articles; where articles stand in paragraphs, both ways."""
    together = {} if collection.name == "news" else whole_articles(records(collection.corpus))
    parted = any(len(ids) > 1 for ids in together.values())
    weight = WEIGHTS.get(collection.name, 0.0 if collection.name in LEFT_OUT else OTHER_WEIGHT)
    out = Group(f"{collection.name}, article out", weight)
    paragraph = Group(f"{collection.name}, only the paragraph out", 0.0)
    searcher = open_searcher(index_of(collection, cache))
    step = max(1, len(collection.queries) // QUESTIONS)
    for query in collection.queries[::step][:QUESTIONS]:
        known = list(query.relevant)
        groups = (out, paragraph) if parted else (out,)
        for group in groups:
            group.ask(searcher, query, (), True)
        out.ask(searcher, query, [each for one in known for each in together.get(one, [one])], False)
        if parted:
            paragraph.ask(searcher, query, known, False)
    searcher.close()
    yield from (out, paragraph) if parted else (out,)


def asked_of_few(collection: Collection, cache: Path) -> Group:
    """Small corpora, each with questions on its articles, on their neighbours and on others."""
    weight = 0.0 if collection.name in LEFT_OUT else SMALL_WEIGHT
    group = Group(f"{collection.name}, 3 to 40 articles", weight)
    for searcher, own, others in small_corpora(collection, cache):
        for queries, answered in ((own, True), (others, False)):
            for query in queries:
                group.ask(searcher, query, (), answered)
    return group


def small_corpora(collection: Collection, cache: Path) -> Iterator[tuple[Searcher, list[Query], list[Query]]]:
    """Each with questions that it answers and some that it does not; closed when the next is asked for."""
    dice = random.Random(collection.name)
    rows = {row["_id"]: row for row in records(collection.corpus)}
    together = {} if collection.name == "news" else whole_articles(list(rows.values()))
    questions: dict[str, list[Query]] = {}
    for query in collection.queries:
        for one in query.relevant:
            questions.setdefault(one, []).append(query)
    encoder = load_encoder(cache=cache, streams=2)
    for size in SIZES:
        drawn = dice.sample(sorted(questions), max(1, size // 3))
        near = [each for one in drawn for each in together.get(one, [one])]
        more = dice.sample(sorted(questions), size)
        chosen = list(dict.fromkeys([*dice.sample(near, len(near)), *more]))[:size]
        own = [query for one in chosen for query in questions.get(one, [])]
        beside = [query for one in near if one not in chosen for query in questions.get(one, [])]
        close = dice.sample(beside, min(CLOSE, len(beside)))
        drawn_far = dice.sample(collection.queries, min(ALL * 3, len(collection.queries)))
        far = [query for query in drawn_far if not set(query.relevant) & set(chosen)][: ALL - len(close)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "articles.jsonl"
            file.write_text("\n".join(json.dumps(rows[one]) for one in chosen), encoding="utf-8")
            build([file], Path(folder) / "index", encoder, BuildOptions(cache=cache))
            searcher = open_searcher(Path(folder) / "index", cache)
            yield searcher, dice.sample(own, min(OWN, len(own))), [*close, *far]
            searcher.close()


def fit(groups: Sequence[Group], mode: Mode) -> dict[str, Any]:
    """A logistic fit of the halves that make the model; every group as much as its weight says."""
    cases = [
        (group.rows[mode][i], group.answered[i], group.weight / group.held_out.count(False))
        for group in groups
        for i, held in enumerate(group.held_out)
        if group.weight and not held
    ]
    return logistic(cases, NAMES[mode])


def logistic(cases: Sequence[tuple[dict[str, float], bool, float]], names: Sequence[str]) -> dict[str, Any]:
    """Bias and weights of these figures, fitted to (figures, outcome, weight of the case)."""
    from sklearn.linear_model import LogisticRegression

    table = np.array([[value(row, name) for name in names] for row, _, _ in cases])
    weight = np.array([one for _, _, one in cases])
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.5, max_iter=2000)
    model.fit(
        (table - mean) / scale, [outcome for _, outcome, _ in cases], sample_weight=weight / weight.mean()
    )
    raw = model.coef_[0] / scale
    bias = float(model.intercept_[0] - (raw * mean).sum())
    return {"bias": round(bias, 5), "weights": dict(zip(names, np.round(raw, 5).tolist(), strict=True))}


def figures(group: Group, mode: Mode, half: bool = True) -> dict[str, float]:
    """AUROC, Brier score and expected calibration error (ten bins) of one half, the held-out one."""
    from sklearn.metrics import roc_auc_score

    kept = np.array(group.held_out) == half
    p, y = np.array(group.probability[mode])[kept], np.array(group.answered)[kept]
    bins = np.minimum((p * 10).astype(int), 9)
    error = sum(abs(p[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))
    nearest = [row["passage"] for row, taken in zip(group.rows[mode], kept, strict=True) if taken]
    return {
        "questions": int(kept.sum()),
        "auroc": round(float(roc_auc_score(y, p)), 3),
        "auroc_of_largest_cosine": round(float(roc_auc_score(y, nearest)), 3),
        "brier": round(float(((p - y) ** 2).mean()), 3),
        "calibration_error": round(float(error), 3),
        "told_answered": round(float((p[y] >= 0.5).mean()), 3),
        "told_unanswered": round(float((p[~y] < 0.5).mean()), 3),
    }


def pooled(groups: Sequence[Group]) -> Group:
    """All groups that the model was fitted on, as one."""
    every = Group("all that were fitted on", 0.0)
    for group in groups:
        if group.weight:
            every.answered += group.answered
            every.held_out += group.held_out
            for mode in MODES:
                every.rows[mode] += group.rows[mode]
                every.probability[mode] += group.probability[mode]
    return every


def judged(groups: Sequence[Group], models: dict[Mode, dict[str, Any]]) -> None:
    """Put the probabilities by these models into the groups."""
    for group in groups:
        for mode, model in models.items():
            sums = [
                model["bias"] + sum(w * value(row, name) for name, w in model["weights"].items())
                for row in group.rows[mode]
            ]
            group.probability[mode] = (1 / (1 + np.exp(-np.clip(sums, -50, 50)))).round(4).tolist()


def main() -> None:
    """Ask, fit if asked to, print a table, write bench/results/answerability.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--fit", action="store_true", help=f"write search_api/{MODEL} anew")
    options = parser.parse_args()
    cache, groups, data = default_cache(), [], {}
    for folder in options.folders:
        for collection in find_collections(folder):
            print(collection.name, flush=True)
            data[collection.name] = hashlib.sha256(collection.corpus.read_bytes()).hexdigest()
            groups += [*asked_of_all(collection, cache), asked_of_few(collection, cache)]
    if options.fit:
        models = {mode: fit(groups, mode) for mode in MODES}
        target = ROOT / "search_api" / MODEL
        target.write_text(json.dumps({"data_sha256": data, "modes": models}, indent=1) + "\n")
        judged(groups, models)
    rows = {g.name: {m: figures(g, m) for m in MODES} for g in (*groups, pooled(groups))}
    (RESULTS / "answerability.json").write_text(
        json.dumps({"commit": commit(), "groups": rows}, indent=1) + "\n"
    )
    print(table(rows))


def table(rows: dict[str, dict[Mode, dict[str, float]]]) -> str:
    """The hybrid figures, for docs."""
    names = list(next(iter(rows.values()))["hybrid"])
    lines = [
        "| | " + " | ".join(name.replace("_", " ") for name in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for group, by_mode in rows.items():
        lines.append(f"| {group} | " + " | ".join(str(by_mode["hybrid"][name]) for name in names) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
