"""Inputs as people have them give exactly the articles that they hold."""

from pathlib import Path

import pytest

from indexer.articles import Record
from tests.messy_cases import CASES, Case, Expected
from tests.reading import read, written


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_messy_inputs_give_the_articles_that_they_hold(tmp_path: Path, case: Case) -> None:
    found = read(written(tmp_path / case.name, case.data))
    assert [one for one in found if not isinstance(one, Record)] == []
    articles = [one.article for one in found]
    assert [
        Expected(
            article.text,
            article.title,
            str(article.published),
            wanted.language and article.language,
            article.metadata,
        )
        for article, wanted in zip(articles, case.articles, strict=True)
    ] == list(case.articles)
