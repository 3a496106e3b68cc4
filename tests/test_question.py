"""What is taken from a question: words that matter, phrases, and what must or must not occur."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index.lexical import LexicalReader, Words
from passage_index.lexical_writer import LexicalWriter
from search_api.question import Terms, matters, parse_words


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    folder = tmp_path_factory.mktemp("question") / "index"
    LexicalWriter(folder).close()
    return LexicalReader(folder).terms


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many residents may be evacuated?", "resid evacu"),
        ("What did the US and the WHO say to us?", "us who say"),
        ("Will May resign as May Day nears?", "may resign day near"),
        ("How cold was it on the 9th of May?", "cold 9th may"),
        ("HOW MANY RESIDENTS MAY BE EVACUATED", "resid evacu"),
        ("who are they", "who are they"),
        ("It", "it"),
        ("Quill’s 11,000 goats", "quill 11000 goat"),
        ("Скільки мешканців у Києві?", "скільки мешканців києві"),
        ("東京", "東 京"),
        ("goats goats Goats", "goat"),
        ("-41.2 °C at -5 or +380", "41.2 c 5 380"),
    ],
)
def test_words_that_matter_are_the_terms(terms: Terms, question: str, expected: str) -> None:
    assert parse_words(question, terms).terms == tuple(expected.split())
    assert parse_words(question, terms).required == parse_words(question, terms).excluded == ()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("the U.S. budget", "us u s budget"),
        ("COVID-19 and 11,000 cases of 1.5", "covid19 covid cases"),
        ("US", "us"),
        ("Synehubov’s", "synehubovs"),
        ("11,000", ""),
    ],
)
def test_words_are_looked_for_as_they_stand_too(terms: Terms, question: str, expected: str) -> None:
    assert parse_words(question, terms).compounds == tuple(expected.split())


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('what are "guided bombs" used for', [("guid", "bomb")]),
        ("what are “guided bombs” used for", [("guid", "bomb")]),
        ("що таке «керовані бомби»", [("керовані", "бомби")]),
        ("wer sind „die Grünen“", [("die", "grunen")]),
        ('+"guided bombs" and "to be"', [("guid", "bomb"), ("to", "be")]),
        ("+Kupiansk +re-election", [("kupiansk",), ("re", "elect")]),
        ('the 27" screen', []),
        ('""', []),
        ('"…" goats', []),
        ("C+ + c++ a+b", []),
    ],
)
def test_what_is_quoted_or_has_a_plus_must_occur(
    terms: Terms, question: str, phrases: list[tuple[str, ...]]
) -> None:
    words = parse_words(question, terms)
    assert list(words.required) == phrases and words.excluded == ()
    assert {term for phrase in phrases for term in phrase} - {"to", "be", "die"} <= set(words.terms)


@pytest.mark.parametrize(
    ("question", "phrases", "kept"),
    [
        ("bombs -guided", [("guid",)], "bomb"),
        ('bombs -"guided bombs" fell', [("guid", "bomb")], "bomb fell"),
        ("-goats", [("goat",)], ""),
        ('elections -"2022"', [("2022",)], "elect"),
        ("re-election on 2022-11-09", [], "re elect 2022 11 09"),
        ("bombs - guided – or not", [], "bomb guid"),
    ],
)
def test_what_has_a_minus_must_not_occur_and_is_not_looked_for(
    terms: Terms, question: str, phrases: list[tuple[str, ...]], kept: str
) -> None:
    words = parse_words(question, terms)
    assert list(words.excluded) == phrases and words.terms == tuple(kept.split()) and words.required == ()


def test_a_phrase_that_is_said_often_is_one(terms: Terms) -> None:
    words = parse_words("bombs -goats " + "-goats " * 500 + '"a mill" ' * 9, terms)
    assert words.excluded == (("goat",),) and words.required == (("a", "mill"),)


def test_capitals_matter_only_where_not_all_are_capitals() -> None:
    assert matters("US", "the US budget") and not matters("us", "tell us") and not matters("US", "TELL US")
    assert not matters("I", "Am I right") and matters("bombs", "bombs") and not matters("don’t", "don’t")


# Python and the analyzer know different versions of Unicode: what one of them does not know is left out.
ASSIGNED = st.characters(exclude_categories=["Cs", "Cn"])


@given(st.text(ASSIGNED, max_size=60) | st.text("\"“”„«»+-ab .'’", max_size=30))
@settings(deadline=None, max_examples=300)
def test_any_question_is_read_and_never_loses_its_last_word(terms: Terms, question: str) -> None:
    words = parse_words(question, terms)
    assert isinstance(words, Words) and all(words.required) and all(words.excluded)
    assert set(words.terms) <= set(terms(question.replace('"', " ").replace("“", " ")))
    if terms(question) and not words.excluded:
        assert words
