"""Passages cut to the sentences round their best one: which are kept, and where they stand."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.build import BuildOptions, build
from passage_index.snapshot import open_snapshot
from passage_index.types import Article, Passage, StoredPassage
from search_api.answers.candidates import candidates
from search_api.hits import SearchRequest
from search_api.reader.narrowing import CHARS, narrowed, windows, worth
from search_api.reader.reading import Reading, reading
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.growing import record, written

SENTENCE = "word " * 19 + "end. "


def stored(count: int, before: str = "Something else stands in front. ") -> StoredPassage:
    text = before + SENTENCE * count
    starts = [len(before) + i * len(SENTENCE) for i in range(count)]
    sentences = tuple((start, start + len(SENTENCE) - 1) for start in starts)
    passage = Passage("a", sentences[0][0], sentences[-1][1], sentences)
    return StoredPassage(
        passage, text[passage.start : passage.end], Article(id="a", text=text, title="Title")
    )


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], (0, 3)),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9], (3, 6)),
        ([0.1, 0.2, 0.3, 0.9, 0.5, 0.4, 0.1], (2, 5)),
        ([0.1, 0.2, 0.8, 0.9, 0.5, 0.1, 0.1], (1, 4)),
    ],
)
def test_the_better_neighbours_are_kept_while_there_is_room(
    values: list[float], kept: tuple[int, int]
) -> None:
    assert len(SENTENCE) == 100 and CHARS // len(SENTENCE) == 4
    whole = stored(7)
    part = narrowed(whole, np.array(values))
    first, last = kept
    assert part.passage.sentences == whole.passage.sentences[first : last + 1]
    assert part.text == whole.article.text[part.passage.start : part.passage.end]
    assert (part.passage.start, part.passage.end) == (
        part.passage.sentences[0][0],
        part.passage.sentences[-1][1],
    )


def test_a_short_passage_stays_whole_and_a_long_sentence_stands_alone() -> None:
    short = stored(3)
    assert narrowed(short, np.array([0.1, 0.9, 0.2])) == short
    text = "A b. " + "long " * 200 + "c. D e."
    sentences = ((0, 4), (5, 1007), (1008, 1012))
    long = StoredPassage(Passage("a", 0, 1012, sentences), text, Article(id="a", text=text))
    assert narrowed(long, np.array([0.1, 0.9, 0.2])).passage.sentences == ((5, 1007),)


def test_words_in_common_count_beside_the_vectors() -> None:
    assert worth(np.array([0.5, 0.4], dtype=np.float32), [0.0, 1.0]).tolist() == pytest.approx([0.5, 0.7])


@pytest.fixture
def searcher(tmp_path: Path) -> Iterator[Searcher]:
    filling = [f"The weather of day {n} was calm and grey over all of the quiet fields." for n in range(12)]
    articles = [record(1, " ".join([*filling, "Goats are licensed in Ansgard by the old council."]))]
    articles += [
        record(n, f"Report {n}: gale force {n} in Ansgard over quiet fields.") for n in range(10, 14)
    ]
    build([written(tmp_path / "in.jsonl", articles)], tmp_path / "index", FakeEncoder(), BuildOptions())
    opened = Searcher(open_snapshot(tmp_path / "index"), FakeEncoder())
    yield opened
    opened.close()


def _unsure(question: str, passages: Sequence[StoredPassage]) -> tuple[list[Reading], str]:
    """Marks the first words of what it is given, whatever they are."""
    places = [(one.passage.start, one.passage.start + 5) for one in passages]
    values = np.zeros((1, 2), dtype=np.float32)
    return [reading((0.0, 0.0), values, 0.0, [start], [end]) for start, end in places], ""


def test_passages_of_the_pool_are_cut_where_there_is_a_vector(searcher: Searcher) -> None:
    found = searcher.find(SearchRequest("Which goats are licensed?"))
    parts = windows(searcher.snapshot, found, found.ranked)
    whole = searcher.snapshot.fetch(found.pool.rows[found.ranked])
    assert parts != whole and max(len(one.text) for one in whole) > CHARS
    assert all(len(one.text) <= CHARS for one in parts)
    assert "Goats are licensed" in parts[0].text
    assert [one.article.id for one in parts] == [one.article.id for one in whole]
    words_alone = searcher.find(SearchRequest("Which goats are licensed?", mode="keyword"))
    first = words_alone.ranked[:1]
    assert windows(searcher.snapshot, words_alone, first) == searcher.snapshot.fetch(
        words_alone.pool.rows[first]
    )


def test_sentences_that_were_not_read_stay_candidates(searcher: Searcher) -> None:
    found = searcher.find(SearchRequest("Which goats are licensed?"))
    every, judged, warnings = candidates(searcher.snapshot, found, _unsure)
    of_first = [one for one in every if one.stored.article.id == "a-1"]
    assert (
        len(of_first) == 13
        and warnings == ()
        and len(judged) == len(found.ranked)
        and all(one.was_read for one in every)
    )
    unread = [one for one in of_first if one.marked is None]
    assert unread and all(one.evidence.share == 0 for one in unread)


def test_for_an_answer_the_first_passages_are_read_whole_and_the_others_cut(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search_api.answers.candidates.WHOLE", 1)
    found = searcher.find(SearchRequest("Which goats are licensed?"))
    given: list[StoredPassage] = []

    def read(question: str, passages: Sequence[StoredPassage]) -> tuple[list[Reading], str]:
        given.extend(passages)
        return _unsure(question, passages)

    candidates(searcher.snapshot, found, read)
    whole = searcher.snapshot.fetch(found.pool.rows[found.ranked])
    assert given[0] == whole[0] and len(whole[0].text) > CHARS
    assert given[1:] != whole[1:] and all(len(one.text) <= CHARS for one in given[1:])


def test_names_are_looked_for_in_the_whole_article(searcher: Searcher) -> None:
    found = searcher.find(SearchRequest("Who licensed the goats of Ansgard and of Velmora?"))
    every = candidates(searcher.snapshot, found).every
    assert {one.evidence.named for one in every} == {0.5}
    plain = candidates(searcher.snapshot, searcher.find(SearchRequest("who licensed goats?"))).every
    assert {one.evidence.named for one in plain} == {1.0}


def test_a_yes_or_no_is_looked_for_where_the_matter_is_spoken_of(searcher: Searcher) -> None:
    question = "Are goats licensed by the council?"
    every = candidates(searcher.snapshot, searcher.find(SearchRequest(question)), _unsure).every
    of_first = [one for one in every if one.stored.article.id == "a-1"]
    assert sum(one.evidence.share for one in of_first if one.position == of_first[0].position) <= 1.0001
    assert all(one.evidence.share > 0 for one in of_first)
    assert "Goats" in max(of_first, key=lambda one: one.evidence.share).text
