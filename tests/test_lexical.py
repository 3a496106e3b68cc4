"""The word index: how words are cut, what finds what, and BM25 against the formula itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from passage_index import holding, lexical
from passage_index.lexical import LexicalReader, Words, compounds
from passage_index.lexical_writer import LexicalWriter
from search_api.question import parse_words
from tests.oracles import bm25

RANDOM = np.random.default_rng(3)


def written(folder: Path, texts: Sequence[str], titles: Sequence[str] | None = None) -> LexicalReader:
    """An index of texts, numbered from 100 on."""
    writer = LexicalWriter(folder)
    for number, text in enumerate(texts, start=100):
        writer.add(number, titles[number - 100] if titles else "", text)
    writer.close()
    return LexicalReader(folder)


@pytest.fixture(scope="module")
def cutter(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    return written(tmp_path_factory.mktemp("cutter") / "index", ["x"])


@pytest.mark.parametrize(
    ("text", "terms", "joined"),
    [
        ("More than 11,000 Residents", "more than 11000 resid", ""),
        ("1,234,567 or 3.2 or 12,34", "1234567 or 3.2 or 12 34", ""),
        ("COVID-19 re-election", "covid 19 re elect", "COVID19 reelection"),
        ("the U.S. and the U.S.A.", "the u s and the u s a", "US USA"),
        ("Ada's dogs’ O’Neil don't", "ada dog oneil dont", ""),
        ("AT&T and/or TCP/IP", "at t and or tcp ip", "ATT andor TCPIP"),
        ("Zürich, naïve, Málaga, Łódź", "zurich naiv malaga lodz", ""),
        ("п’ять кілометрів у Києві", "пять кілометрів у києві", ""),
        ("東京都の人口", "東 京 都 の 人 口", ""),
        ("e-mail@example.org", "e mail exampl org", "email exampleorg"),
        ("  —  …  ", "", ""),
    ],
)
def test_words_are_cut_into_terms(cutter: LexicalReader, text: str, terms: str, joined: str) -> None:
    assert cutter.terms(text) == terms.split()
    assert compounds(text) == joined.split()


def test_two_numbers_are_not_joined_to_a_third() -> None:
    assert compounds("1.5 million, 24/7, 2023-11-09, 3.2-metre, MH-17") == ["32metre", "MH17"]


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("11,000", "There are 11000 people."),
        ("11000", "There are 11,000 people."),
        ("U.S.", "The US has left."),
        ("US", "The U.S. has left."),
        ("COVID-19", "A case of covid19."),
        ("COVID19", "A case of COVID-19."),
        ("covid", "A case of COVID-19."),
        ("re-election", "His reelection is certain."),
        ("reelection", "His re-election is certain."),
        ("election", "His re-election is certain."),
        ("Quill", "Ada Quill's report"),
        ("Quill’s", "the report of Quill"),
        ("ONeil", "Captain O’Neil"),
        ("O'Neil", "Captain O’Neil"),
        ("Synehubov", "said Synehubov."),
        ("evacuated", "They evacuate villages."),
        ("naive", "a naïve plan"),
        ("東京", "東京都の人口"),
        ("п'ять", "п’ять кілометрів"),
    ],
)
def test_a_question_finds_a_passage_that_writes_it_otherwise(
    tmp_path: Path, question: str, passage: str
) -> None:
    reader = written(tmp_path / "index", ["Nothing of the kind.", passage, "Or 19 in all, at 1.1 metres."])
    words = parse_words(question, reader.terms)
    numbers, scores = reader.search(reader.any_of(words), 10)
    assert numbers[0] == 101 and scores[0] > 0


@pytest.mark.parametrize(
    ("question", "passage"),
    [("15", "It is 1.5 metres."), ("247", "Open 24/7."), ("000", "There are 11,000."), ("Kyi", "in Kyiv")],
)
def test_a_question_does_not_find_a_part_that_is_no_word(tmp_path: Path, question: str, passage: str) -> None:
    reader = written(tmp_path / "index", [passage])
    assert len(reader.search(reader.any_of(parse_words(question, reader.terms)), 10)[0]) == 0


VOCABULARY = [f"{letter}zz{number}" for letter in "kmpt" for number in range(10)]


@pytest.mark.parametrize("longest", [38, 900])
def test_bm25_is_the_formula(tmp_path: Path, longest: int) -> None:
    texts = [RANDOM.choice(VOCABULARY, RANDOM.integers(1, longest)).tolist() for _ in range(80)]
    reader = written(tmp_path / "index", [" ".join(text) for text in texts])
    for count in (1, 2, 5):
        asked = RANDOM.choice(VOCABULARY, count, replace=False).tolist()
        numbers, scores = reader.search(reader.any_of(Words(tuple(asked))), 80)
        oracle = bm25(texts, asked)
        assert {int(n) - 100 for n in numbers} == {i for i, score in enumerate(oracle) if score > 0}
        assert scores == pytest.approx([oracle[int(n) - 100] for n in numbers], rel=1e-4)
        assert sorted(scores, reverse=True) == scores.tolist()


def test_of_a_word_and_its_other_spellings_a_passage_has_the_best(tmp_path: Path) -> None:
    texts = [RANDOM.choice(VOCABULARY, RANDOM.integers(1, 60)).tolist() for _ in range(80)]
    reader = written(tmp_path / "index", [" ".join(text) for text in texts])
    other, third, alone = VOCABULARY[3], VOCABULARY[4], VOCABULARY[5]
    words = Words(("absent", alone), also={"absent": {other: 0.5, third: 1.0}})
    numbers, scores = reader.search(reader.any_of(words), 80)
    by_word = {one: bm25(texts, [one]) for one in (other, third, alone)}
    best = [max(0.5 * a, b) + c for a, b, c in zip(*by_word.values(), strict=True)]
    assert {int(n) - 100 for n in numbers} == {i for i, score in enumerate(best) if score > 0}
    assert scores == pytest.approx([best[int(n) - 100] for n in numbers], rel=1e-4)
    assert words.every == {"absent", alone, other, third}
    assert words.held({third, "else"}) == ["absent"] and words.held({alone, other}) == ["absent", alone]


def test_what_stands_in_a_living_record_is_held(tmp_path: Path) -> None:
    written(tmp_path / "index", ["a guided bomb fell", "re-election of the council"])
    writer = LexicalWriter(tmp_path / "index")
    writer.delete([100])
    writer.close()
    reader = LexicalReader(tmp_path / "index")
    assert reader.holds(reader.terms("the council")) and not reader.holds(reader.terms("council the"))
    assert not reader.holds(reader.terms("bomb")) and not reader.holds([])
    assert reader.is_joined("reelection") and not reader.is_joined("council")


def test_title_counts_as_text_and_stands_alone_too(tmp_path: Path) -> None:
    titles, texts = ["kzz1 kzz2", "", "mzz1"], ["mzz1 mzz2 mzz3", "kzz1", "pzz1 pzz1"]
    reader = written(tmp_path / "index", texts, titles)
    whole = [f"{title} {text}".split() for title, text in zip(titles, texts, strict=True)]
    every = np.array([100, 101, 102], dtype=np.uint64)
    asked = Words(("kzz1", "mzz1"))
    assert reader.scores(reader.any_of(asked), every) == pytest.approx(bm25(whole, asked.terms), rel=1e-4)
    by_title = bm25([title.split() for title in titles], asked.terms)
    assert reader.scores(reader.any_of(asked, "title"), every) == pytest.approx(by_title, rel=1e-4)


@pytest.mark.parametrize("looked_up", [3, 1000])
def test_scores_of_given_records_are_those_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_up: int
) -> None:
    monkeypatch.setattr(lexical, "LOOKED_UP", looked_up)
    texts = [" ".join(RANDOM.choice(VOCABULARY, 30)) for _ in range(200)]
    reader = written(tmp_path / "index", texts)
    query = reader.any_of(Words(tuple(VOCABULARY[:2]), (VOCABULARY[5],)))
    numbers, scores = reader.search(query, 200)
    by_number = dict(zip(numbers.tolist(), scores.tolist(), strict=True))
    assert 100 < len(numbers) < 200
    asked = np.concatenate([RANDOM.permutation(np.arange(100, 300)), [150, 150, 7]]).astype(np.uint64)
    assert reader.scores(query, asked).tolist() == [by_number.get(int(number), 0.0) for number in asked]
    some = asked[:20]
    among, own = reader.search_among(query, np.unique(some), 5)
    best = sorted((by_number.get(int(n), 0.0) for n in some), reverse=True)[:5]
    assert own.tolist() == best and {int(n) for n in among} <= {int(n) for n in some}
    assert reader.search_among(query, np.empty(0, dtype=np.uint64), 5)[0].tolist() == []


def test_phrases_stand_in_order_and_all_of_them(tmp_path: Path) -> None:
    texts = [
        "Guided bombs fell on Kupiansk.",
        "Bombs, guided by none.",
        "Guided bombs fell.",
        "Kupiansk, 1-0.",
    ]
    reader = written(tmp_path / "index", texts)

    def holding(*phrases: str) -> list[int]:
        return sorted(int(n) - 100 for n in reader.holding([reader.terms(phrase) for phrase in phrases]))

    assert holding("guided bombs") == [0, 2]
    assert holding("Kupiansk") == [0, 3]
    assert holding("guided bombs", "kupiansk") == [0]
    assert holding("bombs guided") == [1]
    assert holding("fell Kupiansk") == [] and holding("unknown words") == []


def test_best_gives_what_ties_with_the_last(tmp_path: Path) -> None:
    reader = written(tmp_path / "index", ["kzz1 mzz1 pzz1"] * 30 + ["kzz1 kzz1 pzz1"] * 3 + ["tzz1"])
    query = reader.any_of(Words(("kzz1",)))
    assert len(reader.best(query, 2)[0]) == 3 and sorted(reader.best(query, 3)[0]) == [130, 131, 132]
    assert sorted(reader.best(query, 5)[0]) == list(range(100, 133))
    assert len(reader.best(query, 100)[0]) == 33
    assert len(written(tmp_path / "many", ["kzz1"] * 100).best(query, 2)[0]) == 100


def test_deleted_records_are_not_found_and_counted_apart(tmp_path: Path) -> None:
    written(tmp_path / "index", ["kzz1", "kzz1 mzz1", "mzz1"])
    writer = LexicalWriter(tmp_path / "index")
    writer.delete([101])
    writer.close()
    reader = LexicalReader(tmp_path / "index")
    assert reader.all_numbers().tolist() == [100, 102] and reader.count() == 2
    assert reader.search(reader.any_of(Words(("kzz1", "mzz1"))), 5)[0].tolist() in ([100, 102], [102, 100])
    assert lexical.counted_records(tmp_path / "index") in ((3, 1), (2, 0))


def test_no_words_find_nothing(cutter: LexicalReader) -> None:
    assert cutter.search(cutter.any_of(Words(())), 5)[0].tolist() == []
    assert cutter.scores(cutter.any_of(Words(())), np.array([100], dtype=np.uint64)).tolist() == [0.0]
    assert not Words(()) and Words((), ("us",)) and Words(("us",))


def test_words_held_in_texts_are_those_that_the_analyzer_finds(tmp_path: Path) -> None:
    LexicalWriter(tmp_path / "index").close()
    reader = LexicalReader(tmp_path / "index")
    texts = [
        "In 1,204 towns the mayors’ offices — and O’Neil's — re-opened; COVID-19 wasn't over.",
        "3.5 percent (of U.S. GDP)\nwent to “Übung”, naïve_as_it_was…",
        "",
        "東京 and Київ, e\u0301tude/étude №5",
    ]
    every = [set(reader.terms(text)) for text in texts]
    wanted = {"1204", "offic", "oneil", "19", "3.5", "u", "naiv", "京", "київ", "etud", "5", "nowhere"}
    assert reader.held_in(texts, wanted) == [terms & wanted for terms in every]
    assert [len(terms & wanted) for terms in every] == [4, 3, 0, 4]


def test_words_held_are_the_same_when_all_that_was_remembered_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LexicalWriter(tmp_path / "index").close()
    reader = LexicalReader(tmp_path / "index")
    texts, wanted = ["Towns flooded.", "A flooding of the town", "Nothing here"], {"town", "flood"}
    monkeypatch.setattr(holding, "REMEMBERED", 2)
    for _ in range(3):
        assert reader.held_in(texts, wanted) == [frozenset(wanted), frozenset(wanted), frozenset()]


def test_words_by_rows_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LexicalWriter(tmp_path / "index").close()
    held, asked = LexicalReader(tmp_path / "index").held, list[int]()
    texts = {1: ["Goats ate.", "The fire\nspread."], 2: ["Fires, goats"], 3: ["Nothing"]}

    def read(rows: list[int]) -> list[list[str]]:
        asked.extend(rows)
        return [texts[row] for row in rows]

    wanted = {"goat", "fire"}
    both, one = frozenset(wanted), [frozenset({"goat"}), frozenset({"fire"})]
    assert held.held_by([2, 1], wanted, read) == [[both], one]
    assert held.held_by([1, 3, 2], wanted, read) == [one, [frozenset()], [both]] and asked == [2, 1, 3]
    monkeypatch.setattr(holding, "REMEMBERED_ROWS", 2)
    assert held.held_by([3, 3], {"noth"}, read) == [[frozenset({"noth"})]] * 2
    held.held_by([4], wanted, lambda rows: [["Goats"]])
    assert held.held_by([1], wanted, read) == [one] and asked == [2, 1, 3, 1]
