"""Dates: what is read, with which precision, and what is refused because it could mean two things."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.dates import parse_published, split_date_line
from passage_index.types import PartialDate

DAY = "2023-11-09"


@pytest.mark.parametrize(
    "value",
    [
        "2023-11-09",
        " 2023-11-9 ",
        "2023/11/09",
        "2023.11.09",
        "2023-11-09T10:00:00Z",
        "2023-11-09T23:30:00.123456-05:00",
        "2023-11-09t10:00+0200",
        "2023-11-09 10:00:00 UTC",
        "20231109",
        "20231109T100000Z",
        "20231109100000",
        20231109,
        "Thu, 09 Nov 2023 23:59:59 -0800",
        "Thu, 09 Nov 23 10:00:00 GMT",
        "Thu Nov  9 10:00:00 2023",
        "Thu Nov 09 2023 10:00:00 GMT+0000 (Coordinated Universal Time)",
        "9 November 2023",
        "9th of November, 2023",
        "9-Nov-2023",
        "9. November 2023",
        "November 9, 2023",
        "NOV. 9, 2023",
        "Nov 9th 2023",
        "Thursday, November 9, 2023 at 3:40 p.m. ET",
        "Nov. 9, 2023, 3:40 p.m. ET",
        "9.11.2023",
        1699524000,
        "1699524000",
        1699524000.75,
        1699524000123,
        date(2023, 11, 9),
        datetime(2023, 11, 9, 23, 30, tzinfo=UTC),
        PartialDate.parse(DAY),
    ],
)
def test_parse_published_day(value: object) -> None:
    assert parse_published(value) == PartialDate.parse(DAY)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2023", "2023"),
        (2023, "2023"),
        (2023.0, "2023"),
        ("2023-11", "2023-11"),
        ("2023/11", "2023-11"),
        ("November 2023", "2023-11"),
        ("Sept. 2023", "2023-09"),
        ("13/11/2023", "2023-11-13"),
        ("11/13/2023", "2023-11-13"),
        ("11-11-2023", "2023-11-11"),
        ("2024-02-29", "2024-02-29"),
        ("May 1, 1000", "1000-05-01"),
    ],
)
def test_parse_published_precision_is_what_was_written(value: object, expected: str) -> None:
    assert str(parse_published(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, True, "", "  ", "yesterday", "9/11/2023", "09-11-2023", "2023-13-01", "2023-02-29",
        "31 April 2023", "0999-01-01", "2201-01-01", 999, 2201, 0, -1, 86_400, 10**30, float("nan"),
        float("inf"), 3.5, "2023.11", "202311", "11/2023", "Smarch 9, 2023", "9 November",
        "2023-11-09 by A. Writer", "٢٠٢٣-١١-٠٩", "2023-11-09" + " " * 100, [2023], b"2023-11-09",
    ],
)  # fmt: skip
def test_parse_published_unclear_is_none(value: object) -> None:
    assert parse_published(value) is None


@given(st.text(max_size=120) | st.integers() | st.floats())
def test_parse_published_anything_never_raises(value: object) -> None:
    found = parse_published(value)
    assert found is None or 1000 <= found.first.year <= 2200


@given(st.text(alphabet="0123456789 :,.-/TZnovthuGM+", max_size=60))
def test_parse_published_almost_dates_never_raises(value: str) -> None:
    parse_published(value)


@given(st.dates(date(1000, 1, 1), date(2200, 12, 31)))
def test_parse_published_reads_every_form_of_a_day_alike(day: date) -> None:
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
        day.month - 1
    ]
    forms = [f"{day.year:04d}-{day.month:02d}-{day.day:02d}", f"{day.day} {month} {day.year:04d}", day]
    assert {parse_published(form) for form in forms} == {PartialDate(day, day)}


@pytest.mark.parametrize(
    ("text", "published", "rest"),
    [
        ("date 2023-11-09 The mill burnt down.", "2023-11-09", "The mill burnt down."),
        ("Date: 2023-11-09\n\nThe mill burnt down.", "2023-11-09", "The mill burnt down."),
        ("Published: 12 March 2021\nThe mill burnt down.", "2021-03-12", "The mill burnt down."),
        ("PUBLISHED ON March 2021\nThe mill burnt down.", "2021-03", "The mill burnt down."),
        ("March 12, 2021\n\nThe mill burnt down.", "2021-03-12", "The mill burnt down."),
        ("2021-03-12\nThe mill burnt down.", "2021-03-12", "The mill burnt down."),
        ("Aug. 7, 2025, 3:40 p.m. ET\n\nThe mill burnt down.", "2025-08-07", "The mill burnt down."),
    ],
)
def test_split_date_line_takes_it_out(text: str, published: str, rest: str) -> None:
    assert split_date_line(text) == (PartialDate.parse(published), rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The mill burnt down on March 12, 2021.",
        "March 12, 2021 was a cold day.\nThe mill burnt down.",
        "March 2021\n\nThe mill burnt down.",  # a title as likely as a date
        "2021\n\nThe mill burnt down.",
        "20210312\n\nThe mill burnt down.",
        "Date: 9/11/2023\n\nThe mill burnt down.",
        "Updated: 12 March 2021\n\nThe mill burnt down.",
        "The mill burnt down.\n2021-03-12",
        "date 2023-13-45 The mill burnt down.",
        "2021-03-12",  # nothing would remain
        "Date: 2021-03-12",
        "datebook 2023-11-09 is sold out.",
    ],
)
def test_split_date_line_leaves_other_texts_alone(text: str) -> None:
    assert split_date_line(text) == (None, text)


def test_split_date_line_long_lines_of_blanks_and_digits_are_quick() -> None:
    for text in ("date " + " " * 200_000, "1" * 200_000, "Published " * 50_000, "May " * 50_000):
        assert split_date_line(text + "\nend")[0] is None
