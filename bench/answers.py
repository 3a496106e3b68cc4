"""`make eval-answers`: is the sentence that is given as the answer the right one, and is a no said in time?

Asks the questions whose answers are known and that the reader was not trained on, in an index of the
collection alone, in small parts of it, and one collection also among the news; with the reader, without
it, and by the plain way: the sentence nearest to the question by its vector, in the same index. Also, if
asked to, in other words than people wrote with the text before their eyes; nothing is fitted on those.

    python -m bench.answers [FOLDER...] [--fit|--refine|--curve] [--other-words] [--questions N] [--words N]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from bench.answerability import logistic
from bench.asking import Asked, among, collect, f1, kept_out, normal, ready_reader
from bench.collections import Collection, find_collections
from bench.levelling import refined
from bench.places import DATA, RESULTS, ROOT, commit
from bench.rewording import Others
from bench.sampling import add_words_option, sampled
from bench.wordnet import wordnet
from passage_index.model_files import default_cache
from search_api.answers.candidates import Evidence
from search_api.answers.choice import MODEL, model
from search_api.answers.confidence import evidence as confidence_evidence
from search_api.reader.model import SHIPPED

THRESHOLDS = (0.2, 0.5)
CURVE = tuple(round(0.05 * step, 2) for step in range(1, 19))  # confidences
ERRORS = (0.1, 0.2)  # risks for which the share that is answered is given
READER = ("own_answers", "own_share", "own_read", "size*own_answers", "size*own_read")
CONFIDENCE = (
    *("choice", "margin", "own_cosine", "own_coverage", "own_beside", "own_around", "own_typed"),
    *("passage", "sentence", "words", "information", "coverage", "both", "lead", "size"),
    *("size*both", "size*own_cosine", "size*own_coverage", "words*own_coverage"),
)
FEWEST = 5  # held-out questions of a kind, or the curve of errors leaves them out
LEXICAL = ("coverage", "beside", "around")
SHARED_WORDS = (1.0, 0.2, 0.0)
FITTED_ON = ("squadshifts_wiki", "squadshifts_amazon", "squadshifts_reddit", "qamr", "news")
KINDS = tuple((small, harder) for small in (False, True) for harder in (False, True))
CROWDED, CROWD = "squadshifts_wiki", "news"

Groups = dict[str, tuple[list[Asked], list[Asked]]]  # those that can be answered, those that cannot


def fit(groups: Groups) -> dict[str, float]:
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


def fit_confidence(groups: Groups, names: Sequence[str]) -> dict[str, Any]:
    """Is the best candidate right? By the fitted choice; large and small corpora count the same."""
    cases = []
    for name, (inside, outside) in groups.items():
        for small in (False, True):
            kept = [one for one in split((*inside, *outside), small) if not one.held_out and one.every]
            for one in kept if name in FITTED_ON else ():
                best = one.ranked()
                right = bool(one.right[one.every.index(best[0].candidate)])
                cases.append((confidence_evidence(one.found, best), right, 1 / len(kept)))
    return logistic(cases, names)


def refit(groups: Groups, target: Path) -> None:
    """Write the numbers anew, those with the reader and those without."""
    stored: dict[str, Any] = json.loads(target.read_text())
    for kind, names in (("plain", CONFIDENCE), ("read", (*CONFIDENCE, *READER))):
        those = groups if kind == "read" else unread(groups)
        stored[kind] = {"choice": fit(those)}
        _written(stored, target)
        stored[kind]["confidence"] = fit_confidence(those, names)
        _written(stored, target)
        stored[kind]["errors"] = errors(those)
        _written(stored, target)


def refine(groups: Groups, target: Path) -> None:
    """The confidence with a reader anew, beside the choice that is there (`levelling.py`)."""
    stored: dict[str, Any] = json.loads(target.read_text())
    stored["read"]["confidence"] = refined(groups, stored["read"]["confidence"])
    _written(stored, target)
    stored["read"]["errors"] = errors(groups)
    _written(stored, target)


def recount(groups: Groups, target: Path) -> None:
    """The curves of errors anew, beside the numbers that are there."""
    stored: dict[str, Any] = json.loads(target.read_text())
    for kind, those in (("plain", unread(groups)), ("read", groups)):
        stored[kind]["errors"] = errors(those)
    _written(stored, target)


def errors(groups: Groups) -> list[list[float]]:
    """[confidence, share of wrong ones among the answers given from it on], of the held-out half.

    Half of the questions have no answer; every set counts the same; the share never rises.
    """
    parts = []
    for name in (one for one in FITTED_ON if one in groups):
        for small in (False, True):
            both = [[one for one in split(asked, small) if one.held_out] for asked in groups[name]]
            if min(map(len, both)) < FEWEST:
                continue
            for kept in both:
                outcomes = [one.outcome()[:2] for one in kept]
                parts += [(sure, right, 1 / len(kept)) for sure, right in outcomes]
    sure, right, weight = (np.array(column) for column in zip(*parts, strict=True))
    shares = []
    for threshold in CURVE:
        given = sure >= threshold
        total = float(weight[given].sum())
        shares.append(float(weight[given & ~right].sum()) / total if total else 0.0)
    falling = np.minimum.accumulate(shares).round(3).tolist()
    return [[threshold, share] for threshold, share in zip(CURVE, falling, strict=True)]


def _written(stored: dict[str, Any], target: Path) -> None:
    target.write_text(json.dumps(stored, indent=1) + "\n")
    model.cache_clear()


def unread(groups: Groups) -> Groups:
    """The same as if there were no reader."""
    return {
        name: ([one.unread for one in inside], [one.unread for one in outside])
        for name, (inside, outside) in groups.items()
    }


def figures(inside: Sequence[Asked], outside: Sequence[Asked]) -> dict[str, float]:
    """Shares of the held-out questions; risk: wrong among those that were answered, of both kinds."""
    kept = [one for one in inside if one.held_out]
    refused = [one for one in outside if one.held_out]
    outcomes = [one.outcome() for one in kept]
    sure = np.array([one[0] for one in outcomes])
    right = np.array([one[1] for one in outcomes])
    unsure = np.array([one.outcome()[0] for one in refused])
    said = [one[2] for one in outcomes]
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
        rows[f"risk_at_{threshold}"] = 1 - float(right[given].sum()) / answers if answers else 0.0
    # The curve of risk against coverage, by the surest answers first, over both kinds of questions.
    every = np.concatenate([sure, unsure])
    good = np.concatenate([right, np.zeros(len(unsure), dtype=bool)])[np.argsort(-every, kind="stable")]
    risk = 1 - np.cumsum(good) / np.arange(1, len(good) + 1)
    for error in ERRORS:
        within = np.flatnonzero(risk <= error)
        answered = int(good[: within[-1] + 1].sum()) if len(within) else 0
        rows[f"answered_rightly_at_risk_{error}"] = answered / len(kept)
    return {name: round(value, 3) for name, value in rows.items()}


def split(asked: Sequence[Asked], small: bool, harder: bool = False) -> list[Asked]:
    """Those of small corpora, or the others; as they were written, or made harder."""
    return [one for one in asked if one.small == small and one.harder == harder]


def table_of(groups: Groups) -> dict[str, dict[str, float]]:
    """The figures of every collection and of its small parts, and of the same in other words."""
    return {
        f"{name}{', 3 to 40 articles' * small}{', in other words' * harder}": figures(
            split(inside, small, harder), split(outside, small, harder)
        )
        for name, (inside, outside) in groups.items()
        for small, harder in KINDS
        if all(any(one.held_out for one in split(asked, small, harder)) for asked in (inside, outside))
    }


def gathered(
    collections: Sequence[Collection],
    only: Sequence[str] | None,
    most: int,
    corpora: int | None,
    reader_name: str,
    others: Others | None,
) -> Groups:
    """All questions asked once, with the reader; with `others` in other words too.

    collections: with the questions alone that the reader was not trained on (`kept_out`).
    """
    reader, groups, cache = ready_reader(reader_name), {}, default_cache()
    every = {one.name: one for one in collections}
    for name, collection in every.items():
        if any(query.answers for query in collection.queries) and (not only or name in only):
            groups[name] = collect(collection, most, reader, others=others, corpora=corpora)
            print(name, *map(len, groups[name]), flush=True)
    if CROWDED in groups and CROWD in every:
        index = among(every[CROWDED], every[CROWD], cache)
        groups[f"{CROWDED} among the {CROWD}"] = collect(every[CROWDED], most, reader, index)
    return groups


def main() -> None:
    """Ask, fit if asked to, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--questions", type=int, default=400, help="of a collection, at most")
    add_words_option(parser)
    parser.add_argument(
        "--corpora", type=int, help="small parts of a collection, at most; all 18 if not given"
    )
    parser.add_argument(
        "--other-words", action="store_true", help="in other words too (rewording.py); needs npm"
    )
    parser.add_argument("--fit", action="store_true", help=f"write search_api/answers/{MODEL} anew")
    parser.add_argument("--refine", action="store_true", help="the confidence alone anew (levelling.py)")
    parser.add_argument("--curve", action="store_true", help="the curves of errors alone anew")
    parser.add_argument("--only", action="append", help="name of a collection; repeatable")
    parser.add_argument("--reader", default=SHIPPED, help="name or path of another reader")
    options = parser.parse_args()
    collections = [kept_out(one) for folder in options.folders for one in find_collections(folder)]
    if options.words is not None:
        collections = [sampled(one, options.questions, options.words, default_cache()) for one in collections]
    others = wordnet().others if options.other_words else None
    groups = gathered(collections, options.only, options.questions, options.corpora, options.reader, others)
    for wanted, change in ((options.refine, refine), (options.fit, refit), (options.curve, recount)):
        if wanted:
            change(groups, ROOT / "search_api" / "answers" / MODEL)
    sample = {"questions": options.questions, "words": options.words, "corpora": options.corpora}
    results = {
        "commit": commit(),
        "sample": sample,
        "sets": table_of(groups),
        "without_reader": table_of(unread(groups)),
    }
    print(json.dumps(results, indent=1))
    (RESULTS / "answers.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
