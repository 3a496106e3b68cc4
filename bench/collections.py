"""Test collections: articles, questions and judgements, in BEIR's form or with answer strings.

    FOLDER/corpus.jsonl(.gz) or articles.jsonl.gz     _id, title, text
    FOLDER/queries.jsonl or questions.jsonl(.gz)      _id, text or question; answers, docs or doc_id
    FOLDER/qrels.tsv                                  query-id, corpus-id, score (a first line of names)

folder -> Collection
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPORA = ("corpus.jsonl.gz", "corpus.jsonl", "articles.jsonl.gz", "articles.jsonl")
QUESTIONS = ("queries.jsonl", "queries.jsonl.gz", "questions.jsonl", "questions.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Query:
    """One question with what is known of its answer."""

    id: str
    text: str
    answers: tuple[str, ...]
    relevant: dict[str, int]  # article id -> grade


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus file and the questions that can be judged on it. index: its folder's name, if not the name."""

    name: str
    corpus: Path
    queries: list[Query]
    index: str = ""


def find_collections(root: Path) -> Iterator[Collection]:
    """Every folder at or below `root` that holds a collection, by name."""
    for folder in sorted({file.parent for name in CORPORA for file in root.rglob(name)}):
        collection = load_collection(folder)
        if collection.queries:
            yield collection


def load_collection(folder: Path) -> Collection:
    """Read one folder. Questions without a judgement or an answerable mark are left out."""
    corpus = _first(folder, CORPORA)
    questions = questions_file(folder)
    grades = _grades(folder / "qrels.tsv")
    queries = [_query(row, grades) for row in _rows(questions)] if questions else []
    assert corpus is not None
    return Collection(folder.name, corpus, [query for query in queries if query.relevant])


def questions_file(folder: Path) -> Path | None:
    """Where a collection has its questions, if it has any."""
    return _first(folder, QUESTIONS)


def _query(row: dict[str, Any], grades: dict[str, dict[str, int]]) -> Query:
    query_id = str(row["_id"])
    relevant = grades.get(query_id) or {}
    if not relevant:
        known = [row["doc_id"]] if "doc_id" in row else row.get("docs", [])
        relevant = dict.fromkeys(map(str, known), 1)
    return Query(query_id, row.get("text") or row["question"], tuple(row.get("answers", ())), relevant)


def _grades(file: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    if file.exists():
        for line in file.read_text().splitlines()[1:]:
            query_id, article_id, grade = line.split("\t")[:3]
            if int(grade) > 0:
                grades.setdefault(query_id, {})[article_id] = int(grade)
    return grades


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)
