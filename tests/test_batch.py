"""Batch runs: lines that TREC tools read, strictly falling scores, one line an article, odd questions too."""

import io
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passage_index.errors import InputError
from passage_index.types import Scores
from search_api.batch import Answering, _field, read_queries, run_batch
from search_api.hits import SearchRequest
from search_api.rerank import Reranker
from search_api.searcher import Searcher
from tests.conftest import ARTICLES
from tests.growing import written

QUESTIONS = [
    {"_id": "q1", "text": "Which bridge was closed?"},
    {"id": 2, "question": "barometer on day 11"},
    {"_id": "q-3", "text": "?!"},
    {"_id": "q4", "text": "Скільки років будували міст"},
]


def run(searcher: Searcher, file: Path, depth: int = 100) -> tuple[str, list[Any]]:
    """The run's text, and the passages' rows."""
    out, passages = io.StringIO(), io.StringIO()
    count = run_batch(Answering(searcher, depth), file, out, passages)
    rows = [json.loads(line) for line in passages.getvalue().splitlines()]
    assert count == len(rows)
    return out.getvalue(), rows


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    return written(tmp_path / "queries.jsonl", QUESTIONS)  # type: ignore[arg-type]


def test_a_run_is_read_by_trec_tools_and_ranks_as_a_search_does(searcher: Searcher, queries: Path) -> None:
    text, _ = run(searcher, queries)
    scored = list(ir_measures.read_trec_run(text))
    assert [one.query_id for one in scored] == [*["q1"] * 34, *["2"] * 34, *["q4"] * 34]
    for name, question in (("q1", "Which bridge was closed?"), ("2", "barometer on day 11")):
        ours = [one for one in scored if one.query_id == name]
        assert all(a.score > b.score for a, b in pairwise(ours))
        request = SearchRequest(question, limit=1000, collapse=False, group_by_article=True, depth=1000)
        hits = searcher.search(request).hits
        expected = [hit.stored.article.id for hit in hits]
        assert [unquote(one.doc_id) for one in ours] == expected and len(expected) == len(ARTICLES)
    for line in text.splitlines():
        name, q0, _article, rank, score, tag = line.split(" ")
        assert (q0, tag) == ("Q0", "article-search") and float(score) == pytest.approx(
            1 / int(rank), abs=1e-8
        )


@pytest.mark.parametrize(
    ("article_id", "field"),
    [
        ("plain/id-1.txt", "plain/id-1.txt"),
        ("a folder/50% ü?#.txt", "a%20folder/50%25%20ü?#.txt"),
        ("already%20encoded", "already%2520encoded"),
        ("wide\u2003and\u00a0hard", "wide%E2%80%83and%C2%A0hard"),
    ],
)
def test_an_id_becomes_one_field_that_can_be_undone(article_id: str, field: str) -> None:
    assert _field(article_id) == field and unquote(field) == article_id and len(field.split()) == 1


@given(st.text(min_size=1))
def test_any_id_comes_back(article_id: str) -> None:
    field = _field(article_id)
    assert unquote(field) == article_id and field.split() == [field]


def test_a_run_is_reranked_and_warnings_are_counted(searcher: Searcher, queries: Path) -> None:
    class Goats:
        max_tokens = 9

        def score(self, question: str, texts: Sequence[str]) -> tuple[Scores, int]:
            if "closed" in question:
                raise RuntimeError("failed")
            return np.array([float("goats" in text) for text in texts]), 0

    out = io.StringIO()
    with closing(Reranker(Goats, 60.0)) as reranker:
        answering = Answering(searcher, 5, reranker, rerank=100)
        assert run_batch(answering, queries, out) == 4
    firsts = {
        line.split(" ")[0]: line.split(" ")[2] for line in out.getvalue().splitlines() if " 1 1.0" in line
    }
    assert firsts["2"] == firsts["q4"] == "undated" != firsts["q1"]
    assert answering.warnings == {"the reranker failed; the hits are in the order they have without it": 1}


@pytest.mark.parametrize("depth", [1, 5])
def test_depth_bounds_articles_and_passages(searcher: Searcher, queries: Path, depth: int) -> None:
    text, rows = run(searcher, queries, depth)
    whole, _ = run(searcher, queries)
    assert text.splitlines() == [line for line in whole.splitlines() if int(line.split(" ")[3]) <= depth]
    assert [len(row["passages"]) for row in rows] == [depth, depth, 0, depth]


def test_passages_are_ranked_whole_and_can_be_checked(searcher: Searcher, queries: Path) -> None:
    _, rows = run(searcher, queries)
    assert [(row["_id"], row["question"]) for row in rows] == [
        (str(one.get("_id", one.get("id"))), one.get("text", one.get("question"))) for one in QUESTIONS
    ]
    first = rows[0]["passages"]
    assert [one["rank"] for one in first] == list(range(1, len(ARTICLES) + 3))
    for one in first:
        article = searcher.snapshot.article(one["article_id"])
        assert article is not None and article.text[one["start"] : one["end"]] == one["text"]
        stored = searcher.snapshot.passage(one["id"])
        assert stored is not None and stored.text == one["text"] and 0 <= one["score"] <= 1
    assert {one["article_id"] for one in first[:2]} == {"bridge", "bridge-copy"}  # nothing is folded here


def test_equal_scores_still_fall(searcher: Searcher, tmp_path: Path) -> None:
    """Twins tie; a reader that sorts by score must keep our order."""
    text, _ = run(searcher, written(tmp_path / "q.jsonl", [{"_id": "q", "text": "weather"}]))
    scores = [float(line.split(" ")[4]) for line in text.splitlines()]
    assert len(scores) == len(ARTICLES) and all(a > b for a, b in pairwise(scores))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{no json", r"q\.jsonl:2 is not a JSON object"),
        ("[1]", r"q\.jsonl:2 is not a JSON object"),
        ('{"text": "goats"}', r"q\.jsonl:2 needs `_id` and `text`"),
        ('{"_id": "a"}', r"q\.jsonl:2 needs `_id` and `text`"),
        ('{"_id": "a", "text": 5}', r"q\.jsonl:2 needs `_id` and `text`"),
        ('{"_id": "a b", "text": "goats"}', r"q\.jsonl:2: a query id must not hold blanks"),
        ('{"_id": "", "text": "goats"}', r"q\.jsonl:2"),
        ("\udcff", "cannot be read as UTF-8"),
    ],
)
def test_a_query_that_cannot_be_read_is_named_by_its_line(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_bytes(b'{"_id": "first", "text": "goats"}\n' + line.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(InputError, match=message):
        list(read_queries(file))


def test_blank_lines_are_passed_over_and_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('\n{"_id": "a", "text": "goats"}\n\n  \n')
    assert list(read_queries(tmp_path / "q.jsonl")) == [("a", "goats")]
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        list(read_queries(tmp_path / "none.jsonl"))


def test_the_run_does_not_depend_on_folding(searcher: Searcher, queries: Path) -> None:
    request = SearchRequest("Which bridge was closed?", limit=1, collapse=True)
    assert searcher.search(request).hits[0].duplicates
    assert searcher.search(replace(request, collapse=False)).hits[0].duplicates == ()
    articles = [line.split(" ")[2] for line in run(searcher, queries)[0].splitlines()]
    assert articles[:2] == ["bridge", "bridge-copy"] or articles[:2] == ["bridge-copy", "bridge"]
