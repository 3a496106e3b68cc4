"""Quantities: values in base units, what is counted, what is no quantity, and which figures disagree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.reading.comparing import agreement, comparable
from search_api.reading.nouns import is_plural, singular
from search_api.reading.numbers import numbers
from search_api.reading.quantities import Quantity, quantities
from search_api.reading.tokens import tokens


def told(text: str) -> list[str]:
    """Each quantity in one line: words | low..high unit noun bound."""
    lines = []
    for one in quantities(text):
        amount = f"{one.low:g}" if one.low == one.high else f"{one.low:g}..{one.high:g}"
        what = " ".join(
            part for part in (one.unit, one.noun, one.bound if one.bound != "exactly" else "") if part
        )
        lines.append(f"{text[one.start : one.end]} | {one.kind} {amount} {what}".strip())
    return lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("More than 11,000 residents may leave.", ["11,000 residents | count 11000 resident over"]),
        ("About 12,500 local residents left.", ["12,500 local residents | count 12500 resident about"]),
        ("It hit 53 settlements.", ["53 settlements | count 53 settlement"]),
        ("Forty-two goats fled.", ["Forty-two goats | count 42 goat"]),
        ("Two hundred and fifty thousand people fled.", ["Two hundred and fifty thousand people | count 250000 person"]),
        ("A dozen eggs and half a million bees.", ["A dozen eggs | count 12 egg", "half a million bees | count 500000 bee"]),
        ("Nearly 300 wounded soldiers and 40 wounded.", ["300 wounded soldiers | count 300 soldier under", "40 wounded | count 40 wounded"]),
        ("A grant of 2.1 million, 0.4 million less than planned.", ["2.1 million | count 2.1e+06", "0.4 million | count 400000"]),
        ("A load of 41.5 t, and 2-3-4-5.", ["41.5 t | mass 41500 kg", "2-3 | count 2..3", "4-5 | count 4..5"]),
        ("At least 3 of the 20 cows died.", ["3 | count 3 over", "20 cows | count 20 cow"]),
        ("11,000 of the residents left.", ["11,000 of the residents | count 11000 resident"]),
        ("It cost US$5 million.", ["US$5 million | money 5e+06 USD"]),
        ("It cost €3bn or £2.50.", ["€3bn | money 3e+09 EUR", "£2.50 | money 2.5 GBP"]),
        ("It cost UAH 5 million.", ["UAH 5 million | money 5e+06 UAH"]),
        ("It cost 2 to 3 million dollars.", ["2 to 3 million dollars | money 2e+06..3e+06 USD"]),
        ("It cost half a million pounds and weighs 300 pounds.", ["half a million pounds | money 500000 GBP", "300 pounds | mass 136.078 kg"]),
        ("Wages rose 5.3 percent, then 5.3% and 5 per cent.", ["5.3 percent | percent 5.3 %", "5.3% | percent 5.3 %", "5 per cent | percent 5 %"]),
        ("It fell by half a percentage point.", ["half a percentage point | percent 0.5 points"]),
        ("Two-thirds of the residents left.", ["Two-thirds of the residents | share 0.666667 resident"]),
        ("One in five people left.", ["One in five people | share 0.2 person"]),
        ("Between 10 and 20 km of road.", ["10 and 20 km | length 10000..20000 m"]),
        ("Some 10–20 people stayed.", ["10–20 people | count 10..20 person about"]),
        ("A 13-kilometre convoy.", ["13-kilometre | length 13000 m"]),
        ("A pond of 5 square kilometres and 2 hectares.", ["5 square kilometres | area 5e+06 m²", "2 hectares | area 20000 m²"]),
        ("It ran at 120 km/h, or 70 mph.", ["120 km/h | speed 33.3333 m/s", "70 mph | speed 31.2928 m/s"]),
        ("It was -41.2 °C and 86 degrees Fahrenheit.", ["-41.2 °C | temperature -41.2 °C", "86 degrees Fahrenheit | temperature 30 °C"]),
        ("Water at 30C, turned by 30 degrees.", ["30C | temperature 30 °C", "30 degrees | temperature 30 degrees"]),
        ("A 54-year-old man, and another, aged 60.", ["54-year-old | age 54 years", "60 | age 60 years"]),
        ("It lasted three days and 2 hours.", ["three days | duration 259200 s", "2 hours | duration 7200 s"]),
        ("Виїхали 11 000 мешканців, або 30 відсотків.", ["11 000 мешканців | count 11000 мешканців", "30 відсотків | percent 30 %"]),
        ("Це коштує 5 млн грн.", ["5 млн грн | money 5e+06 UAH"]),
    ],
)  # fmt: skip
def test_quantity(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "On 9 November 2022 it fell.",
        "It opened in 2014, in the 1990s or on 2023-11-09.",
        "At 3:40 p.m. and at 10 a.m. it rang.",
        "Covid-19 came with Q3 and No. 5.",
        "A Boeing 737 landed.",
        "They won 2-1.",
        "He was the 12th, and one of them.",
        "The first half; a quarter past.",
        "Hundreds of people came.",
        "It left at 11.40 on Saturday, and 06:15 was too late.",
        "See No. 7-441.",
    ],
)
def test_what_is_no_quantity_is_left_out(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("11,000 residents", "12,500 residents", "different"),
        ("11,000 residents", "about 12,000 residents", "same"),
        ("11,000 residents", "11,300 residents", "close"),
        ("more than 11,000 residents", "12,500 residents", "same"),
        ("nearly 300 people", "280 people", "same"),
        ("10 to 20 cows", "15 cows", "same"),
        ("10 km", "10,000 metres", "same"),
        ("2 hours", "90 minutes", "different"),
        ("11,000 residents", "11,000 goats", None),
        ("11,000", "11,000", None),
        ("$5 million", "€5 million", None),
        ("two-thirds of the residents", "half of the residents", "different"),
        ("5 percent", "5 percentage points", None),
    ],
)
def test_agreement(one: str, other: str, expected: str | None) -> None:
    (left,), (right,) = quantities(one), quantities(other)
    assert agreement(left, right) == agreement(right, left) == expected
    assert comparable(left, right) == (expected is not None)


@pytest.mark.parametrize(
    ("plural", "expected"),
    [("residents", "resident"), ("Cities", "city"), ("boxes", "box"), ("churches", "church"), ("people", "person"),
     ("buses", "bus"), ("police", "police"), ("goat", "goat"), ("glass", "glass"), ("houses", "house"), ("bus", "bus")],
)  # fmt: skip
def test_singular(plural: str, expected: str) -> None:
    assert singular(plural) == expected
    assert is_plural(plural.lower()) == (plural.lower() != expected or plural == "police")


def test_vague_numbers_are_numbers_and_no_quantities() -> None:
    text = "Tens of thousands left, dozens stayed."
    found = tokens(text)
    read = [(text[found[one.first].start : found[one.last - 1].end], one.form) for one in numbers(found)]
    assert read == [("dozens", "vague")] or read[-1] == ("dozens", "vague")
    assert quantities(text) == []


def test_the_number_alone_has_its_own_span() -> None:
    text = "🦊 About US$5.5 million was paid."
    (one,) = quantities(text)
    assert text[one.start : one.end] == "US$5.5 million" and text[slice(*one.number)] == "5.5 million"
    assert one == Quantity(one.start, one.end, one.number, 5_500_000, 5_500_000, "money", "USD", "", "about")
    assert one.value == 5_500_000


@pytest.mark.parametrize(
    "word",
    [
        "1",
        "1,",
        "1 ",
        "5 million ",
        "one in ",
        "two hundred and ",
        "-",
        "$",
        "a ",
        "half a ",
        "1-",
        "1-2-3-4-5-6-7-8-9-",
    ],
)
def test_a_hundred_thousand_characters_of_one_thing_are_read_to_the_end(word: str) -> None:
    text = (word * 100_000)[:99_970] + " and 17 hungry goats."
    assert quantities(text)[-1].noun == "goat"


WORDS = st.sampled_from(
    "11,000 5.3 5,3 1/3 2-1 three forty - two hundred million half a dozen third thirds in out of between and to "
    "residents people $ € US £ km square degrees C % percent point years old aged about more than 9 November 2014 "
    ". , °C 000 999999999999999 hundreds tens pounds".split(" ")
)


@given(st.lists(WORDS, max_size=16), st.sampled_from(["", " "]))
@settings(deadline=None, max_examples=300)
def test_any_words_are_read_without_an_error(words: list[str], between: str) -> None:
    text = between.join(words)
    read = quantities(text)
    ends = [0, *(one.end for one in read)]
    assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, read, strict=False))
    assert all(one.low <= one.high and one.start <= one.number[0] < one.number[1] <= one.end for one in read)
