"""What is marked: the question's words as the index knows them, and the nearest sentence, at true offsets."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passage_index.holding import WordMemory
from passage_index.lexical import LexicalReader, Words
from passage_index.lexical_writer import LexicalWriter
from passage_index.types import Article, Passage, StoredPassage
from search_api.highlights import sentence_highlight, terms_and_joined, word_highlights
from search_api.question import parse_words

TEXT = (
    "Перше речення. More than 11,000 residents of U.S. suburbs — O’Neil's, too — "
    "were evacuated 🙂 for re-election."
)
START = 15


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    folder: Path = tmp_path_factory.mktemp("highlights") / "index"
    LexicalWriter(folder).close()
    return LexicalReader(folder)


def passage() -> StoredPassage:
    """The second half of an article, so that offsets are not the passage's own."""
    article = Article("a", TEXT)
    sentences = ((START, 62), (63, len(TEXT)))
    return StoredPassage(Passage("a", START, len(TEXT), sentences), TEXT[START:], article)


@pytest.mark.parametrize(
    ("question", "marked"),
    [
        ("How many residents may be evacuated?", ["residents", "evacuated"]),
        ("11000 resident", ["11,000", "residents"]),
        ("11,000", ["11,000"]),
        ("US suburb", ["U.S", "suburbs"]),
        ("U.S. suburb", ["U.S", "suburbs"]),
        ("ONEIL", ["O’Neil's"]),
        ("reelection or election", ["re-election"]),
        ("Перше", []),
        ("goats", []),
        ("-residents", []),
        ('"more than" residents', ["residents"]),
    ],
)
def test_words_of_the_question_are_marked(lexical: LexicalReader, question: str, marked: list[str]) -> None:
    stored = passage()
    words = parse_words(question, lexical.terms)
    memory = WordMemory(lambda word: terms_and_joined(word, lexical.terms))
    found, again = word_highlights([stored, stored], words, memory)
    assert found == again
    assert [TEXT[one.start : one.end] for one in found] == marked
    assert {one.kind for one in found} <= {"word"}


@given(st.text("ab_é-.' \n", max_size=40))
def test_a_word_is_marked_where_it_stands_alone(text: str) -> None:
    stored = StoredPassage(Passage("a", 0, len(text), ((0, len(text)),)), text, Article("a", text))
    alone = [match.span() for match in re.finditer(r"\w+(?:[-.']\w+)*", text) if match[0].startswith("a")]
    memory = WordMemory(lambda word: [word[0]])
    (found,) = word_highlights([stored], Words(("a",)), memory)
    assert [(one.start, one.end) for one in found] == alone


def test_the_best_sentence_is_marked_at_its_place_in_the_article() -> None:
    for best, span in enumerate(passage().passage.sentences):
        mark = sentence_highlight(passage(), best)
        assert (mark.start, mark.end, mark.kind) == (*span, "sentence")
