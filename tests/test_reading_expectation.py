"""What a question asks for, and the spans of a text that could answer it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index.types import PartialDate
from search_api.reading.expectation import Expectation, expected
from search_api.reading.names import names
from search_api.reading.spans import AnswerSpan, spans
from search_api.reading.tokens import tokens


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who runs the mill?", "person"),
        ("The mill is run by whom?", "person"),
        ("Whose goats escaped?", "person"),
        ("which engineer built the dam", "person"),
        ("What was the name of the mayor of Osmay?", "person"),
        ("What is the keeper's last name?", "person"),
        ("Where did the ferry run aground?", "place"),
        ("In which village was the anchor found?", "place"),
        ("What is the capital of Brackwell?", "place"),
        ("Which company owns the quay?", "organisation"),
        ("What newspaper reported the theft?", "organisation"),
        ("How many residents may be evacuated?", "number"),
        ("How far is it to Tarnell?", "number"),
        ("What percentage of the voters stayed at home?", "number"),
        ("what was the price of the clock", "number"),
        ("What is the population of Osmay?", "number"),
        ("When did the dam crack?", "date"),
        ("In what year was the school opened?", "date"),
        ("At what time does the market open?", "date"),
        ("Why was the bridge closed?", "reason"),
        ("What caused the fire?", "reason"),
        ("How come nobody noticed?", "reason"),
        ("What was the reason for the delay?", "reason"),
        ("How did the goats escape?", "manner"),
        ("How is the dam cooled?", "manner"),
        ("Is the bridge open?", "yes-no"),
        ("Did the council vote?", "yes-no"),
        ("Can you tell me who runs the mill?", "person"),
        ("What is a footbridge?", "definition"),
        ("What does corvane mean?", "definition"),
        ("Who is Anna Moroz?", "definition"),
        ("Define osmosis", "definition"),
        ("What did the council decide?", "other"),
        ("What colour is the ferry?", "other"),
        ("tarnell dam crack", "other"),
        ("", "other"),
    ],
)
def test_type_of_a_question(question: str, kind: str) -> None:
    assert expected(question).type == kind


@pytest.mark.parametrize(
    ("question", "nouns", "measures"),
    [
        ("How many residents may be evacuated?", ("resident",), ("count", "share", "percent")),
        ("How many new cases of measles were there?", ("case",), ("count", "share", "percent")),
        ("How many of the old bridges fell?", ("bridge", "old"), ("count", "share", "percent")),
        ("How many miles is it?", ("mile",), ("length",)),
        ("How many years did it take?", ("year",), ("duration",)),
        ("How long was the convoy?", (), ("duration", "length")),
        ("How old is the keeper?", (), ("age", "duration")),
        ("What was the temperature at dawn?", ("temperature",), ("temperature",)),
    ],
)
def test_a_number_knows_what_it_counts(
    question: str, nouns: tuple[str, ...], measures: tuple[str, ...]
) -> None:
    found = expected(question)
    assert (found.type, found.nouns, found.measures) == ("number", nouns, measures)


def test_a_date_knows_how_exact_it_should_be() -> None:
    assert [expected(f"{what} was it?").detail for what in ("What year", "Which day", "What month", "When")] == [
        "year", "day", "month", "",
    ]  # fmt: skip


def best(question: str, text: str, published: str = "") -> tuple[str, float]:
    found = spans(text, expected(question), PartialDate.parse(published) if published else None)
    return text[found[0].start : found[0].end], found[0].score


@pytest.mark.parametrize(
    ("question", "text", "answer", "score"),
    [
        ("How many residents may leave?", "In 2023 53 villages with 11,000 residents may be cleared.", "11,000 residents", 1.0),
        ("How many people may leave?", "In 53 villages 11,000 residents may leave.", "11,000 residents", 0.9),
        ("How many goats were counted?", "Goats on the hill: 311, of 9 owners.", "311", 0.75),
        ("How many goats fled?", "Hundreds of goats fled, 3 sheep stayed.", "Hundreds", 0.8),
        ("What was paid for the clock?", "It went for $5 million.", "", 0.0),
        ("How much did the clock cost?", "The clock of 1901 cost $5 million.", "$5 million", 1.0),
        ("What percentage stayed at home?", "Of 900 voters 5.3 percent stayed.", "5.3 percent", 1.0),
        ("How far is the village?", "The village of 300 lies 12 miles off.", "12 miles", 1.0),
        ("How cold was it?", "It was -41.2 °C for 3 days.", "-41.2 °C", 1.0),
        ("When did it close?", "The mine, 300 m deep, closed on 3 May 1984.", "on 3 May 1984", 1.0),
        ("What year did it close?", "Opened last May, it closed in 1984.", "in 1984", 1.0),
        ("At what time did it open?", "It opened at 10 a.m. on Monday.", "10 a.m.", 1.0),
        ("Who runs the mill?", "In Tarnell the mill is run by Anna Moroz.", "Anna Moroz", 0.95),
        ("Who met Anna Moroz?", "Anna Moroz met Ivan Bondar there.", "Ivan Bondar", 0.95),
        ("Who found the anchor?", "Two divers found the anchor.", "", 0.0),
        ("Who found the anchor?", "The old sailor found it.", "The old sailor", 0.45),
        ("Where did it run aground?", "It ran aground near Osmay.", "Osmay", 0.8),
        ("Where is the dam?", "The dam lies on the Tarnell River.", "Tarnell River", 0.9),
        ("Which company owns it?", "It belongs to Corvane Holdings.", "Corvane Holdings", 1.0),
        ("Why was it closed?", "It was closed because of a crack in the deck; it reopened.", "a crack in the deck", 1.0),
        ("What caused the fire?", "A fallen lamp caused the fire.", "A fallen lamp", 0.8),
        ("How did they escape?", "They escaped by jumping over a fence.", "jumping over a fence", 1.0),
        ("What is a tarn?", "A tarn is a small lake in the hills.", "a small lake in the hills", 1.0),
        ("Who is Anna Moroz?", "Anna Moroz, the mayor of Osmay, left.", "the mayor of Osmay", 0.9),
        ("Is it open?", "It is open since 1984.", "", 0.0),
    ],
)  # fmt: skip
def test_best_span(question: str, text: str, answer: str, score: float) -> None:
    if not answer:
        assert not [one for one in spans(text, expected(question)) if one.score > 0.5]
        return
    assert best(question, text) == (answer, score)


def test_a_relative_date_is_a_span_with_or_without_the_articles_date() -> None:
    text = "The pier gave way on Thursday."
    assert best("When did the pier give way?", text) == ("on Thursday", 1.0)
    assert best("When did the pier give way?", text, "2023-11-09") == ("on Thursday", 1.0)


def test_spans_come_best_first_each_once_and_say_why() -> None:
    text = "11,000 residents of 53 villages, some 300 km away."
    found = spans(text, expected("How many residents were there?"))
    assert [(text[one.start : one.end], one.score) for one in found] == [
        ("11,000 residents", 1.0), ("53 villages", 0.5), ("300 km", 0.3),
    ]  # fmt: skip
    assert found[0] == AnswerSpan(0, 16, "number", 1.0, "a number followed by the asked noun")


@pytest.mark.parametrize(
    ("text", "expected_names"),
    [
        ("The Ministry of the Interior met Ivan van Dyke.", ["Ministry of the Interior", "Ivan van Dyke"]),
        ("President Abdel Fattah al-Sisi left New York.", ["President Abdel Fattah al-Sisi", "New York"]),
        ("Residents fled; the residents of O’Brien Street stayed.", ["O’Brien Street"]),
        ("On Monday WHO and Will Smith met in May.", ["WHO", "Will Smith"]),
        (
            "J. K. Orlan and Mr. Quill of Jean-Pierre & Sons.",
            ["J. K. Orlan", "Mr. Quill", "Jean-Pierre & Sons"],
        ),
        ("However, it rained. When? Yesterday.", []),
    ],
)
def test_names(text: str, expected_names: list[str]) -> None:
    found = tokens(text)
    assert [text[found[one.first].start : found[one.last - 1].end] for one in names(found)] == expected_names


@pytest.mark.parametrize(
    "word", ["to ", "because ", "is a ", "A ", "the mayor ", "1 ", "noon ", "caused ", "Of the "]
)
@pytest.mark.parametrize("question", ["Who?", "How many goats?", "When?", "Why?", "How?", "What is a goat?"])
def test_long_texts_of_one_thing_are_read_to_the_end(question: str, word: str) -> None:
    text = (word * 20_000)[:20_000]
    for one in spans(text, expected(question)):
        assert 0 <= one.start < one.end <= len(text) and 0 <= one.score <= 1


def test_a_long_question_is_read_as_far_as_need_be() -> None:
    assert expected("who " * 100_000).type == "person"
    assert expected("x" * 100_000) == Expectation("other", "", words=frozenset({"x" * 60, "x" * 20}))


WORDS = st.sampled_from(
    "who what which how many much when where why is was the of name year residents Anna Moroz 's did does mean "
    "? , because 11,000 in 2014 percent company city what's tell me a".split(" ")
)


@given(st.lists(WORDS, max_size=10), st.lists(WORDS, max_size=20))
@settings(deadline=None, max_examples=300)
def test_any_question_and_text_are_read_without_an_error(question: list[str], words: list[str]) -> None:
    text = " ".join(words)
    found = spans(text, expected(" ".join(question)))
    assert all(0 <= one.start < one.end <= len(text) and 0 <= one.score <= 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
