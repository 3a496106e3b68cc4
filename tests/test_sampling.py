"""A part of a collection: which questions and articles, and always the same ones."""

import json
from pathlib import Path

from bench.collections import Collection, Query, load_collection
from bench.sampling import sampled


def _collection(folder: Path, articles: int = 40) -> Collection:
    folder.mkdir()
    rows = [
        {"_id": f"a{n}", "title": "", "text": "ten words stand in each of these, if well counted"}
        for n in range(articles)
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    questions = [
        {"_id": f"q{n}", "question": f"What of {n}?", "answers": ["ten"], "docs": [f"a{n}"]}
        for n in range(10)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions))
    return load_collection(folder)


def test_what_answers_is_always_there_and_others_up_to_the_words(tmp_path: Path) -> None:
    whole = _collection(tmp_path / "set")
    part = sampled(whole, 4, 120, tmp_path / "cache")
    kept = {json.loads(line)["_id"] for line in part.corpus.read_text().splitlines()}
    assert len(part.queries) == 4 and {one for query in part.queries for one in query.relevant} <= kept
    assert len(kept) == 12 and part.name == "set" and part.index == "set-4-120"
    assert sampled(whole, 4, 120, tmp_path / "other").corpus.read_text() == part.corpus.read_text()


def test_what_answers_stays_though_it_has_more_words(tmp_path: Path) -> None:
    part = sampled(_collection(tmp_path / "set"), 10, 30, tmp_path / "cache")
    assert len(part.corpus.read_text().splitlines()) == 10


def test_a_small_collection_stays_whole(tmp_path: Path) -> None:
    whole = _collection(tmp_path / "set")
    part = sampled(whole, 100, 400, tmp_path / "cache")
    assert (part.corpus, part.index) == (whole.corpus, "") and len(part.queries) == 10
    assert all(isinstance(query, Query) for query in part.queries)
