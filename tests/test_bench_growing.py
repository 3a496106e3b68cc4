"""The bench of growth: percentiles as defined, articles that come back as they were, tables from figures."""

import random
from pathlib import Path

import pytest

from bench.held_out import _drawn, held_out, written_articles
from bench.pacing import Answer, figures
from bench.tables import faults_section, growing_section, put
from indexer.articles import Record, read_articles
from indexer.build import build
from indexer.living import LivingArticles
from passage_index import directory
from passage_index.errors import InputError
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import record, written


def test_percentiles_are_nearest_ranks_and_errors_are_counted() -> None:
    answers = [Answer(float(n), n / 1000, 200 if n % 50 else 503) for n in range(200, 0, -1)]
    assert figures(answers) == {
        "requests": 200, "errors": 4, "p50_ms": 100.0, "p99_ms": 198.0, "worst_ms": 200.0
    }  # fmt: skip
    assert figures(answers[-1:]) == {
        "requests": 1, "errors": 0, "p50_ms": 1.0, "p99_ms": 1.0, "worst_ms": 1.0
    }  # fmt: skip
    assert figures([]) == {"requests": 0, "errors": 0}


def test_an_article_written_out_is_read_back_as_it_is_stored(tmp_path: Path) -> None:
    build([written(tmp_path / "all.jsonl", ARTICLES)], tmp_path / "index", FakeEncoder())
    with LivingArticles(directory.current(tmp_path / "index")) as living:
        stored = [article for article, _ in living.articles()]
    file = written_articles(tmp_path / "out.jsonl", stored)
    assert [one.article for one in read_articles([file]) if isinstance(one, Record)] == stored


def test_questions_are_words_that_follow_each_other_in_an_article(tmp_path: Path) -> None:
    articles = [
        record(n, f"The storm broke bridge {n} and then it rained on the old town.") for n in range(9)
    ]
    build([written(tmp_path / "all.jsonl", articles)], tmp_path / "index", FakeEncoder())
    with LivingArticles(directory.current(tmp_path / "index")) as living:
        texts = {article.text for article, _ in living.articles()}
        picked, questions = _drawn((one for one, _ in living.articles()), {2, 5}, random.Random(1))
    assert len(picked) == 2 and len(questions) == 9
    assert all(len(one.split()) == 8 and any(one in text for text in texts) for one in questions)


def test_too_small_an_index_is_refused(tmp_path: Path) -> None:
    build([written(tmp_path / "all.jsonl", ARTICLES)], tmp_path / "index", FakeEncoder())
    with pytest.raises(InputError, match="at least 2,880 are needed"):
        held_out(tmp_path / "index", tmp_path, 1000, 20)


def test_tables_are_made_of_the_figures() -> None:
    row = {"what": "SIGKILL", "tried": 1200, "hit": 1100, "losses": 0, "failures": ["one"]}
    result = {
        "size": "full", "commit": "abc", "cpus": 2, "kernel": "6", "python": "3.11", "seconds": 1500,
        "rows": [row, {**row, "what": "damage", "failures": []}],
    }  # fmt: skip
    section = faults_section(result)
    assert "| SIGKILL | 1,200 | 1,100 | 0 | 1 |\n| damage | 1,200 | 1,100 | 0 | 0 |" in section
    assert "| **all** | 2,400 | 2,200 | 0 | 1 |\n\nMade by `make test-faults-full` at commit abc" in section
    assert "in 25 minutes on 2 cores" in section
    rest = {
        "requests": 600,
        "errors": 0,
        "p50_ms": 20.0,
        "p99_ms": 40.0,
        "worst_ms": 50.0,
        "load": [0.1, 0.4],
    }
    runs = [{"seconds": 1.04, "followed_after_s": 0.5}, {"seconds": 2.0, "followed_after_s": 0.7}]
    grown = {
        "commit": "abc", "cores": 2, "index": {"articles": 26125, "passages": 330201}, "per_second": 10.0,
        "added_articles": 1000, "server_bytes": [{"own": 6e8, "mapped": 9e8}, {"own": 7e8, "mapped": 9.5e8}],
        "phases": {"rest": rest, "add": {**rest, "p50_ms": 30.0, "errors": 2, "runs": runs}},
    }  # fmt: skip
    section = growing_section(grown)
    assert "| rest | 600 | 0 | 20 ms | 40 ms | 1.0 | 1.0 | 0.1 to 0.4 |  |  |" in section
    took = "| 1.0 to 2.0 s (2 times) | 0.5 to 0.7 s (2 times) |"
    assert f"| add | 600 | 2 | 30 ms | 40 ms | 1.5 | 1.0 | 0.1 to 0.4 {took}" in section
    assert "The server had 600 MB of memory before and 700 MB after, and 950 MB of" in section
    assert put("a <!-- x:begin -->old<!-- x:end --> z", "x", "new") == (
        "a <!-- x:begin -->\nnew\n<!-- x:end --> z"
    )
