"""Expressions of time in sentences: the days they mean, what stays open, and that no text holds the rules up."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index.types import PartialDate
from search_api.reading.dates import EventDate, event_dates
from tests.date_cases import FIRST, SECOND, Case

THURSDAY = PartialDate.parse("2023-11-09")


def found(text: str, published: str = "2023-11-09") -> dict[str, EventDate]:
    """The expressions of a text by their words."""
    read = event_dates(text, PartialDate.parse(published) if published else None)
    return {text[one.start : one.end]: one for one in read}


def days(one: EventDate) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}..{one.last}"


@pytest.mark.parametrize("case", [*FIRST, *SECOND], ids=lambda case: f"{case[0]} {case[1]}")
def test_expression_means_these_days(case: Case) -> None:
    published, text, expression, expected, precision = case
    read = found(text, published)
    assert expression in read
    one = read[expression]
    assert (days(one) if one.resolved else "") == expected
    assert one.precision == precision
    assert (one.first is None) == (one.last is None)


@pytest.mark.parametrize(
    ("text", "expression", "explanation"),
    [
        ("It burnt on Thursday.", "on Thursday", "the latest Thursday on or before the article's date 2023-11-09"),
        ("It will open on Monday.", "on Monday", "the first Monday on or after the article's date 2023-11-09"),
        ("It fell last month.", "last month", "the month before the article's date 2023-11-09"),
        ("It fell in 2014.", "in 2014", "as written"),
        ("It ran from May 2014 to June 2016.", "from May 2014 to June 2016", "as written"),
        ("The next day it fell.", "The next day", "counted from another event in the text"),
    ],
)  # fmt: skip
def test_explanation_says_how_in_plain_words(text: str, expression: str, explanation: str) -> None:
    assert found(text)[expression].explanation == explanation


def test_explanation_of_what_stays_open_says_why() -> None:
    text = "It fell yesterday."
    assert found(text, "")["yesterday"].explanation == "counted from the article's date, which is not known"
    assert (
        found(text, "2023-11")["yesterday"].explanation
        == "counted from the article's date, of which only 2023-11 is known"
    )
    unsure = found("He left last Wednesday.")["last Wednesday"]
    assert unsure.first is None and unsure.explanation.endswith("it could be another one, so it is left open")


@pytest.mark.parametrize(
    ("published", "text", "expected"),
    [
        ("2023-11", "Two men were arrested today.", "2023-11-01..2023-11-30 month"),
        ("2023", "The minister resigned this morning.", "2023-01-01..2023-12-31 year"),
        ("2023-11", "Fares rose earlier this month.", "2023-11-01..2023-11-30 month"),
        ("2023-11", "The well ran dry two years ago.", "2021-01-01..2021-12-31 year"),
        ("2023", "The well was closed in March.", "None"),
        ("2023-11", "The road has been shut since Monday.", "None"),
        ("2023-11", "It was signed on 3 May 2020.", "2020-05-03 day"),
    ],
)
def test_of_a_month_or_a_year_only_what_is_certain(published: str, text: str, expected: str) -> None:
    (one,) = found(text, published).values()
    assert (f"{days(one)} {one.precision}" if one.resolved else "None") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Black Friday sales fell.",
        "She writes for the Sunday Times.",
        "Theresa May spoke to the choir.",
        "They march through the town.",
        "Every Tuesday the band plays.",
        "On Mondays the museum is closed.",
        "The second half was dull.",
        "A quarter of the residents left.",
        "Some 1950 soldiers stood there.",
        "The third quarter of the match was dull.",
        "It costs 2014.50 crowns.",
        "Bears sleep through winter, as they survive the winter.",
        "Flight 9/11 of 31 April was a joke.",
        "The previous 85-year sentence stands.",
        "Room 2.10.4 is shut.",
    ],
)
def test_what_is_no_time_is_left_alone(text: str) -> None:
    assert found(text) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Обстріл стався 9 листопада 2022 року.", ["2022-11-09"]),
        ("Взрыв произошёл 3 мая 2021 года.", ["2021-05-03"]),
        ("Пожежа сталася вчора.", ["2023-11-08"]),
        ("В четверг мост закрыли.", ["2023-11-09"]),
        ("У понеділок міст закрили.", ["2023-11-06"]),
        ("Минулого року врожай був кращий.", ["2022-01-01..2022-12-31"]),
    ],
)
def test_ukrainian_and_russian_at_a_modest_level(text: str, expected: list[str]) -> None:
    assert [days(one) for one in found(text).values()] == expected


@pytest.mark.parametrize(
    ("published", "text", "expression", "expected"),
    [
        ("2023-08-22", "Olander expects it to open on Thursday.", "on Thursday", "2023-08-24"),
        ("2023-08-22", "It was to have been loaded on Friday.", "on Friday", "2023-08-25"),
        ("2023-10-20", "It disappeared last September.", "last September", "None"),
        ("2023-10-10", "A tape surfaced weeks before the November 8 election.", "November 8", "2023-11-08"),
        ("2023-10-17", "The tape had told much just before January 6.", "January 6", "2023-01-06"),
        ("2023-02-20", "He resigned in March.", "in March", "None"),
        ("2023-11-08", "The mill is sponsoring Thursday’s debate.", "Thursday", "2023-11-09"),
        ("2023-11-09", "Are you going away this weekend?", "this weekend", "2023-11-11..2023-11-12"),
        ("2023-11-13", "Crowds came this weekend.", "this weekend", "2023-11-11..2023-11-12"),
        ("2023-11-09", "It failed in the winter of 2020-21.", "in the winter of 2020-21", "2020-12-01..2021-02-28"),
        ("2023-11-09", "It was built in the winter of 2020.", "in the winter of 2020", "None"),
        ("2023-11-09", "It was the coldest of the 18th and 19th centuries.", "18th and 19th centuries", "1701-01-01..1900-12-31"),
        ("2023-11-09", "The wall dates from around 660 BCE.", "around 660 BCE", "None"),
        ("2023-11-09", "A 2019 study by the club found otters.", "2019", "2019-01-01..2019-12-31"),
        ("2024-01-03", "It fell on Wednesday, Dec. 20.", "on Wednesday, Dec. 20", "2023-12-20"),
    ],
)  # fmt: skip
def test_turns_of_phrase_of_newspapers(published: str, text: str, expression: str, expected: str) -> None:
    one = found(text, published)[expression]
    assert (days(one) if one.resolved else "None") == expected


def test_a_weekday_beside_a_date_must_agree() -> None:
    assert found("It fell on Tuesday, Nov. 7.")["on Tuesday, Nov. 7"].first == date(2023, 11, 7)
    assert found("It fell on Friday, Nov. 7.")["on Friday, Nov. 7"].first is None
    assert found("It fell on Friday, Nov. 7, 2023.")["on Friday, Nov. 7, 2023"].first == date(2023, 11, 7)


def test_offsets_are_code_points_and_spans_do_not_overlap() -> None:
    text = "🦊🦊 On Monday the fox came; on 9 November 2022 it left, since May 2021 it had stayed."
    read = event_dates(text, THURSDAY)
    assert [text[one.start : one.end] for one in read] == [
        "On Monday",
        "on 9 November 2022",
        "since May 2021",
    ]


@pytest.mark.parametrize(
    "word",
    ["on Thursday ", "from May to ", "9 November ", "the end of the ", "1", "1-", " ", "\n", "early in the ",
     "between 2014 and ", "'", "a", "last next ", "since ", "two weeks ago "],
)  # fmt: skip
def test_a_hundred_thousand_characters_of_one_thing_are_read_to_the_end(word: str) -> None:
    text = (word * 100_000)[:99_990] + " in 1931."
    read = event_dates(text, THURSDAY)
    assert text[read[-1].start : read[-1].end].endswith("1931")


WORDS = st.sampled_from(
    "on in at the since from to between and by until of last next this early late end Monday Thursday March May "
    "9 31 2014 2023-11-09 99 0 1990s two weeks ago days year quarter second summer weekend yesterday overnight "
    "will was closed , . - – ’s Christmas Day Q3 9999 AD century 13th hours night".split()
)


@given(
    st.lists(WORDS, max_size=14),
    st.sampled_from([None, "2023-11-09", "2023-11", "2023", "0001-01-01", "9999"]),
)
@settings(deadline=None, max_examples=300)
def test_any_words_are_read_without_an_error(words: list[str], published: str | None) -> None:
    text = " ".join(words)
    read = event_dates(text, PartialDate.parse(published) if published else None)
    ends = [0, *(one.end for one in read)]
    assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, read, strict=False))
    assert all(one.first <= one.last for one in read if one.first and one.last)
