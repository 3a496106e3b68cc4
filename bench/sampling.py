"""A part of a collection, for machines on which the whole would take too long: fewer questions and articles.

Both are drawn by one seed. Rankings among
fewer articles are easier, so figures of a part are compared with figures of the same part only.
Collection -> Collection
"""

import json
import random
import shutil
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from bench.answerability import records
from bench.collections import Collection, questions_file

SEED = 7


def add_words_option(parser: ArgumentParser) -> None:
    """`--words`, for `sampled`."""
    parser.add_argument("--words", type=int, help="of a collection's articles, at most; all if not given")


def sampled(collection: Collection, questions: int, words: int, cache: Path) -> Collection:
    """At most so many questions, and the articles that answer them with others up to so many words in all.

    The articles stand as a file in `cache`. A collection of no more words stays whole, but for its questions.
    """
    dice = random.Random(SEED)
    queries = dice.sample(collection.queries, min(questions, len(collection.queries)))
    rows = records(collection.corpus)
    length = {row["_id"]: len(row["text"].split()) for row in rows}
    if sum(length.values()) <= words:
        return replace(collection, queries=queries)
    wanted = {one for query in queries for one in query.relevant if one in length}
    left = words - sum(length[one] for one in wanted)
    for one in dice.sample(sorted(length.keys() - wanted), len(length) - len(wanted)):
        left -= length[one]
        if left < 0:
            break
        wanted.add(one)
    name = f"{collection.name}-{len(queries)}-{words}"
    corpus = cache / "bench" / "samples" / name / "corpus.jsonl"
    corpus.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row) + "\n" for row in rows if row["_id"] in wanted)
    corpus.write_text("".join(lines), encoding="utf-8")
    asked = questions_file(collection.corpus.parent)
    if asked is not None:
        shutil.copyfile(asked, corpus.with_name(asked.name))  # training looks for it there
    return replace(collection, corpus=corpus, queries=queries, index=name)
