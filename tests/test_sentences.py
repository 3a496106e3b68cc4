"""Sentences and paragraphs: hard cases by example, the rest as properties of any text."""

import time
import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.sentences import split_paragraphs, split_sentences

# Each case is a text with a | where a sentence ends.
ENGLISH = [
    "The U.S. Army left.| He stayed in the U.S.| The army came back.",
    "Dr. Adams and Mr. J. K. Lowe met Sen. Bob Hale on Jan. 5.| Nobody knew.",
    "Ms. Arno paid $3.5 million for No. 5 on St. John Street.| It was too much.",
    "The gates open at 5 p.m. ET and close at 9 p.m. Friday.| Tickets are gone.",
    "Doors close at 9 p.m.| The lights go out later.",
    "He was elected in Washington, D.C.| A lawyer, she objected.",
    "Sen. Ruth Olm, R-S.C., and Rep. Ed Lund, D-N.Y., agreed.| Others did not.",
    "J.D. Marlow won.| P.J. Osk lost.",
    "It grew 2.5 percent, vs. 1.9 percent in Sept. 2021.| Analysts cheered.",
    '"We will rebuild," he said.| "It takes time."',
    "“We will rebuild.”| “When?” she asked.| “Now!” he cried.| She left.",
    '"It is over."| He left.| "Why?" she asked.',
    'The mayor said: "We go. We go now."| Then he went.',
    "“It rained. Then it stopped,” he said.| It rained again.",
    'She called it "a fine day,” he said.| "Finer than most," said Al Orr in a statement.| "We agree."',
    "Wait... what?| He paused...| Then he spoke.",
    "The shells hit the artillery.|The city slept.",
    "He said it.[1]| She denied it.[2][3]| Both left.",
    "See www.example.org/a.B for more.| Or write to Ann.Lee@example.org today.",
    "He asked me.| I said no.| Then we left in May.| June was dry.",
    "1. First we walk.| 2. Then we run.",
    "Yahoo! Inc. sold its shares.| Apple Inc. did not.",
    "(He has denied the charge.)| The court did not ask.",
    "Is that so?!| Yes.",
    "10:35 a.m. The bridge is closed.",
    "The firm, e.g. its Lt. Gov. Kay Moss unit, i.e. the old one, closed.| So it goes.",
    "The play “What now?” opened on Nov. 9, 2023.| Critics liked it.",
    "He has no plan B.| Nor has she.",
    "Avg. commute time: 27 mins.| Pct. with a degree: 18.",
    "The no-break\u00a0space ended it.\u00a0|Nobody\u00a0saw it.",
    'He said .| "Is it so?"',
]
UKRAINIAN = [
    "Президент В. Орленко заявив про це.| «Ми відбудуємо. Це точно», — сказав він.",
    "Це сталося на вул. Садовій, 5, у м. Липове.| Ніхто не постраждав.",
    "Міст збудували у 2019 р.| Потім його закрили.",
    "Ремонт коштує 3,5 млн грн.| Це дорого.| Хто заплатить?",
    "Площу назвали ім. Т. Г. Шевченка.| Мешканці раді...",
]
OTHERS = [
    ("zh", "今天天气很好。|我们去公园吧！|好吗？|是的。"),
    ("de", "Er kam z. B. mit Dr. Maus um 8 Uhr.| „Gut“, sagte sie.| „Sehr gut.“| Dann ging er."),
    ("fr", "M. Dupont est venu.| « C’est bien », dit-il.| Il pleut."),
    ("xx-YY", "It rained.| It stopped."),
    (None, "It rained.| It stopped."),
]

# Pieces that sentence splitters stumble over, strung together at random, and any other character.
SIGNS = "ab A.B!?\n\t\"'“”‘’«»()[]1.é中。…—-:;,\u00a0\u2028\u0085\u200b\u0301"
STUMBLES = ["U.S. ", ' "', '." ', ".” ", "\n\n", " \n \n", "[1]", ". . .", "No. 5 ", "p.m. ET ", "A. "]
PIECES = st.sampled_from([*SIGNS, *STUMBLES, "Dr. ", "р. Це ", "\n- ", "The end. ", "a@b.co "])
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(PIECES | CHARACTERS, max_size=60).map("".join).map(partial(unicodedata.normalize, "NFC"))
LANGUAGES = st.sampled_from([None, "en", "uk", "ru", "de", "ja", "zh", "ar", "hi", "fr", "es", "th", "xx"])


def sentences(text, language="en"):
    return [text[start:end] for start, end in split_sentences(text, language)]


def paragraphs(text):
    return [text[start:end] for start, end in split_paragraphs(text)]


def assert_split_as_marked(case, language):
    assert sentences(case.replace("|", ""), language) == [part.strip() for part in case.split("|")]


@pytest.mark.parametrize("case", ENGLISH)
def test_split_sentences_english_news(case):
    assert_split_as_marked(case, "en")


@pytest.mark.parametrize("case", UKRAINIAN)
def test_split_sentences_ukrainian_news(case):
    assert_split_as_marked(case, "uk")


@pytest.mark.parametrize(("language", "case"), OTHERS)
def test_split_sentences_other_and_unknown_languages(language, case):
    assert_split_as_marked(case, language)


def test_split_sentences_long_quotation_is_cut_inside():
    quoted = " ".join(f"We counted {n} boats in the harbour that morning." for n in range(100, 109))
    found = sentences(f"“{quoted}” The mayor left.")
    assert len(found) == 10
    assert found[0] == "“We counted 100 boats in the harbour that morning."
    assert found[8].endswith("108 boats in the harbour that morning.”")


def test_split_sentences_marks_without_letters_join_the_sentence_before():
    assert sentences("He left.” ” It rained. It stopped. …") == ["He left.” ”", "It rained.", "It stopped. …"]


def test_split_sentences_empty_text():
    assert sentences("") == sentences(" \n\t\n ") == []


def test_split_paragraphs_blank_line_ends_a_sentence():
    text = "Flood on the\n \nRiver Orm\n\n\nrises"
    assert paragraphs(text) == sentences(text) == ["Flood on the", "River Orm", "rises"]


def test_split_paragraphs_wrapped_text_line_end_is_a_space():
    text = (
        "The council of Orm met on Tuesday evening to\ndiscuss the repair of the\n"
        "old bridge, which the mayor, Ann\nLee, had called unsafe. No date is set, but Dr.\nHall has hope."
    )
    assert len(paragraphs(text)) == 1
    assert sentences(text)[1] == "No date is set, but Dr.\nHall has hope."


def test_split_paragraphs_lines_that_end_sentences_are_paragraphs():
    text = "Bridge shut\nThe old bridge is shut.\nIt will stay so, the mayor said.\nBy Ann Lee\nHe left.”"
    assert paragraphs(text) == sentences(text) == text.split("\n")


def test_split_paragraphs_long_lines_are_paragraphs():
    body = "the water rose by half a metre in the night and went on rising through the day" * 3
    assert paragraphs(f"Flood in Orm\n{body}\nBy Ann Lee") == ["Flood in Orm", body, "By Ann Lee"]


def test_split_paragraphs_headlines_in_a_list_are_paragraphs():
    text = "Bridge shut in Orm\nMayor Lee resigns\nFlood warning issued\n12 boats lost\nSchools open again"
    assert paragraphs(text) == text.split("\n")


def test_split_paragraphs_early_line_end_and_list_items_in_wrapped_text():
    head = "Ann Lee, Orm\n"
    body = "The council met on Tuesday evening to discuss\nthe repair of the old bridge, which the mayor\n"
    items = "- stone for the two piers on the southern bank\n- wood for the deck"
    assert paragraphs(head + body + "had called unsafe\n" + items) == [
        "Ann Lee, Orm",
        body + "had called unsafe",
        *items.split("\n"),
    ]


@settings(max_examples=400)
@given(TEXTS, LANGUAGES)
def test_split_sentences_spans_cover_all_but_whitespace_in_order(text, language):
    at = 0
    bounds = iter(split_paragraphs(text))
    paragraph = (0, 0)
    for start, end in split_sentences(text, language):
        assert at <= start < end
        assert text[at:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        while paragraph[1] < end:
            paragraph = next(bounds)
        assert paragraph[0] <= start
        at = end
    assert text[at:].strip() == ""


LONG = {
    "no punctuation": "word ",
    "no blank": "a",
    "quotes never closed": "“Yes. ",
    "straight quotes": '"Yes. ',
    "brackets never closed": "(Yes. ",
    "angles": "<<«",
    "one long quotation": "He said so. ",
    "wrapped lines": "a line of some words,\n",
    "short lines": "Line\n",
    "stops": ".",
    "closing marks": "” ",
    "initials": "A. ",
    "blank lines": "\n ",
}


@pytest.mark.parametrize("unit", LONG.values(), ids=LONG.keys())
def test_split_sentences_time_grows_with_length(unit):
    def seconds(length):
        text = "“Yes. " + unit * (length // len(unit)) + "”"
        times = []
        for _ in range(3):
            begun = time.thread_time()
            split_sentences(text, "en")
            times.append(time.thread_time() - begun)
        return min(times)

    # A square would be 16 times; the rest is for caches and for times too short to measure.
    assert seconds(80_000) < 8 * seconds(20_000) + 0.02


def test_split_sentences_megabyte_without_end_is_quick():
    begun = time.thread_time()
    assert split_sentences("word " * 200_000, "en") == [(0, 999_999)]
    assert time.thread_time() - begun < 20
