"""The words of a segment: how they are counted and filed, what is near them, how they are completed."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index import vocabulary
from passage_index.errors import CorruptIndex
from passage_index.vocabulary import Completion, Vocabulary, VocabularyReader, VocabularyWriter, Word, form_of

ARTICLES = [
    (
        "Kharkiv under fire",
        "Shells fell on Kharkiv. Kharkiv’s mayor spoke; the mayor of Izium fled. KHARKIV!",
    ),
    ("Izyum again", "The road to Kharkiv is cut, says O’Neil. Evacuation trains leave Kharkiv at night."),
    (
        "A mayor speaks",
        "In Kharkov, as Russians call it, Ada Quill counts. An evacuation is due. 東京都庁 B52 x.",
    ),
    ("The road", "Ada Quill took the road. Málaga is far. Evacuation, said Ada Quill."),
]


def written(file: Path, articles: Sequence[tuple[str, str]]) -> VocabularyReader:
    writer = VocabularyWriter(file)
    for title, text in articles:
        writer.add(title, text)
    writer.close()
    return VocabularyReader(file)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    with closing(written(tmp_path_factory.mktemp("words") / "a.sqlite", ARTICLES)) as reader:
        yield Vocabulary([reader])


def spelled(words: Sequence[Word]) -> list[str]:
    return [word.written for word in words]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("kharkiv", Word("kharkiv", "Kharkiv", 2, 0)),
        ("mayor", Word("mayor", "mayor", 2, 2)),
        ("oneil", Word("oneil", "O’Neil", 1, 0)),
        ("malaga", Word("malaga", "Málaga", 1, 0)),
        ("evacuation", Word("evacuation", "Evacuation", 2, 1)),
        ("the", Word("the", "the", 2, 2)),
    ],
)
def test_a_word_is_counted_by_article_and_kept_as_most_write_it(
    whole: Vocabulary, form: str, expected: Word
) -> None:
    assert whole.words([form]) == {form: expected}


def test_what_is_no_word_of_letters_is_left_out(whole: Vocabulary) -> None:
    assert whole.words(["b52", "東京都庁", "x", "is", "’s", "kharkivs", ""]) == {}


def test_a_name_is_what_is_mostly_not_written_small(whole: Vocabulary) -> None:
    names = {form: word.is_name for form, word in whole.words(["kharkiv", "mayor", "quill", "road"]).items()}
    assert names == {"kharkiv": True, "mayor": False, "quill": True, "road": False}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Izium", ["Izyum"]),
        ("Ізюмі", ["Izium", "Izyum"]),
        ("Kharkov", ["Kharkiv"]),
        ("Харкова", ["Kharkiv", "Kharkov"]),
        ("Mayer", []),  # `mayor` is no name
        ("Kherson", []),
        ("", []),
    ],
)
def test_spellings_are_other_names_in_most_articles_first(
    whole: Vocabulary, asked: str, expected: list[str]
) -> None:
    assert spelled(whole.spellings(asked)) == expected


def test_a_far_spelling_is_left_out_behind_a_nearer_one_that_is_more_frequent(tmp_path: Path) -> None:
    texts = [("", "So Ukraine is."), ("", "And Ukraine is."), ("", "An Ocran it is.")]
    with closing(written(tmp_path / "a.sqlite", texts)) as reader:
        assert spelled(Vocabulary([reader]).spellings("Ukrayine")) == ["Ukraine"]
    with closing(written(tmp_path / "b.sqlite", [*texts, ("", "Ocran, Ocran!"), ("", "Ocran?")])) as reader:
        assert spelled(Vocabulary([reader]).spellings("Ukrayin")) == ["Ocran"]


@pytest.mark.parametrize(
    ("asked", "most", "expected"),
    [
        ("evacution", 2, [(1, "Evacuation")]),
        ("Kharkvi", 1, [(1, "Kharkiv")]),
        ("Kharkvo", 2, [(1, "Kharkov"), (2, "Kharkiv")]),
        ("uhill", 1, []),
        ("buill", 1, [(1, "Quill")]),
        ("uqill", 1, [(1, "Quill")]),
        ("uill", 1, [(1, "Quill")]),
        ("aquill", 1, [(1, "Quill")]),
        ("mayor", 1, []),
    ],
)
def test_near_are_words_within_so_many_slips(
    whole: Vocabulary, asked: str, most: int, expected: list[tuple[int, str]]
) -> None:
    assert [(count, word.written) for count, word in whole.near(asked, most)] == expected


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        ("KHA", [("Kharkiv", "name", 2), ("Kharkiv under fire", "title", 1), ("Kharkov", "name", 1)]),
        ("ada q", [("Ada Quill", "name", 2)]),
        ("mala", [("Málaga", "name", 1)]),
        ("o'n", [("O’Neil", "name", 1)]),
        ("the r", [("The road", "title", 1)]),
        ("in kh", []),  # `In` stands at the head of a sentence
        ("%", []),
        ("zzz", []),
    ],
)
def test_beginnings_are_completed_in_most_articles_first(
    whole: Vocabulary, beginning: str, expected: list[tuple[str, str, int]]
) -> None:
    assert [(one.text, one.kind, one.articles) for one in whole.beginning(beginning, 10)] == expected
    assert whole.beginning(beginning, 1) == whole.beginning(beginning, 10)[:1]


def test_segments_together_say_what_one_of_all_says(whole: Vocabulary, tmp_path: Path) -> None:
    halves = [written(tmp_path / "a.sqlite", ARTICLES[:2]), written(tmp_path / "b.sqlite", ARTICLES[2:])]
    parts = Vocabulary(halves)
    for form in ("kharkiv", "mayor", "evacuation", "road", "quill"):
        assert parts.words([form])[form].articles == whole.words([form])[form].articles
    assert spelled(parts.spellings("Харкова")) == spelled(whole.spellings("Харкова"))
    assert parts.near("evacution", 2)[0][1].plain == "evacuation"
    assert parts.beginning("kharkiv", 1) == [Completion("Kharkiv", "name", 2)]
    for reader in halves:
        reader.close()


def test_a_segment_of_an_older_version_has_no_words(tmp_path: Path) -> None:
    older = Vocabulary([VocabularyReader(tmp_path / "missing.sqlite")])
    assert older.words(["kharkiv"]) == {} and older.spellings("Izium") == [] and older.near("Izium", 1) == []
    assert older.beginning("k", 5) == []


def test_keys_that_other_rules_made_are_not_used(tmp_path: Path) -> None:
    written(tmp_path / "a.sqlite", ARTICLES).close()
    db = sqlite3.connect(tmp_path / "a.sqlite")
    db.execute("PRAGMA user_version=999")
    db.close()
    with closing(VocabularyReader(tmp_path / "a.sqlite")) as reader:
        assert Vocabulary([reader]).spellings("Kharkov") == []
        assert Vocabulary([reader]).words(["kharkiv"])["kharkiv"].articles == 2


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.sqlite"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(CorruptIndex, match=r"vocabulary\.sqlite cannot be read"):
        VocabularyReader(file)


def test_beyond_the_limit_what_was_met_once_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_COUNTED", 20)
    texts = [("", f"Kharkiv and word{'abcdefghijklmnopqrst'[i]}") for i in range(20)]
    texts += [("", "Then many words more came, all of them once, so that room was made for them here now.")]
    with closing(written(tmp_path / "a.sqlite", texts)) as reader:
        words = Vocabulary([reader]).words(["kharkiv", "worda"])
    assert words == {"kharkiv": Word("kharkiv", "Kharkiv", 20, 0)}


def test_the_same_articles_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.sqlite", "b.sqlite"):
        written(tmp_path / name, ARTICLES).close()
    assert (tmp_path / "a.sqlite").read_bytes() == (tmp_path / "b.sqlite").read_bytes()


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=200)), max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_text_can_be_written_and_asked(
    tmp_path_factory: pytest.TempPathFactory, articles: list[tuple[str, str]]
) -> None:
    with closing(written(tmp_path_factory.mktemp("any") / "a.sqlite", articles)) as reader:
        words = Vocabulary([reader])
        for title, text in articles:
            for beginning in (title, text[:20]):
                assert all(
                    form_of(one.text).startswith(form_of(beginning)) for one in words.beginning(beginning, 5)
                )
            for word in text.split()[:3]:
                words.spellings(word), words.near(word, 2)
