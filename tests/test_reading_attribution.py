"""Who says it: speakers before and behind the verb, quotations, pronouns; and nobody where nobody is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_api.reading.attribution import Attribution, who_says
from search_api.reading.quotations import quotations
from search_api.reading.tokens import sentence_starts, tokens
from tests.attribution_cases import FIRST, SECOND, Case


def asked(text: str, part: str) -> Attribution | None:
    start = text.index(part)
    return who_says(text, start, start + len(part))


@pytest.mark.parametrize("case", [*FIRST, *SECOND], ids=lambda case: f"{case[0][:60]} / {case[1][:30]}")
def test_speaker(case: Case) -> None:
    text, part, speaker, kind, resolved = case
    found = asked(text, part)
    if not speaker:
        assert found is None
        return
    assert found is not None
    assert (found.speaker, found.kind, found.resolved or "") == (speaker, kind, resolved)
    assert text[found.start : found.end] == speaker


def test_offsets_count_code_points_of_the_text_that_was_given() -> None:
    text = "🦊 The fox slept.\n\n🦊🦊 “The mill will close,” said Anna Moroz. It did."
    found = asked(text, "The mill will close")
    assert found is not None and text[found.start : found.end] == "Anna Moroz" and found.cue == "said"


def test_sentences_that_are_given_are_used() -> None:
    text = "Ivan Bondar said it leans no. 5 stands"
    cut = text.index("no.")
    alone = who_says(text, cut, len(text), sentences=[(0, cut), (cut, len(text))])
    together = who_says(text, cut, len(text), sentences=[(0, len(text))])
    assert alone is None and together is not None and together.speaker == "Ivan Bondar"


def test_a_quotation_of_several_paragraphs_belongs_to_whoever_begins_it() -> None:
    text = "Olena Kravets said: “The roof is gone.\n\n“We must leave. There is no water.”"
    found = asked(text, "There is no water.")
    assert found is not None and (found.speaker, found.resolved) == ("Olena Kravets", "continued")


def test_nothing_is_carried_over_a_sentence_of_the_papers_own() -> None:
    text = "“It leans,” said Olena Kravets. The tower is old. “Nobody looked,” it says on the wall."
    assert asked(text, "The tower is old.") is None


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("He said “no” and “yes”.", ["“no”", "“yes”"]),
        ('He said "no" and "yes".', ['"no"', '"yes"']),
        ("He said «no» and „yes“.", ["«no»", "„yes“"]),
        ("The residents' home isn't 'old', it's “not the ‘new’ one”.", ["'old'", "“not the ‘new’ one”"]),
        ('“No," she said. "Yes.”', ['“No,"', '"Yes.”']),
        ("“No end\nA new line", ["“No end"]),
    ],
)
def test_quotations(text: str, inside: list[str]) -> None:
    found = tokens(text)
    assert [text[found[a].start : found[b - 1].end] for a, b in quotations(found)] == inside


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Mr. Quill left. He was 54.", 2),
        ("It fell on Nov. 9. Then rain came.", 2),
        ("J. K. Orlan spoke. “Did it?” It did.", 3),
        ("One\nTwo\nthree", 3),
        ("", 0),
    ],
)
def test_sentences_of_a_text_that_nobody_counted(text: str, sentences: int) -> None:
    assert len(sentence_starts(tokens(text))) == sentences


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 2), (-1, 2), (0, 99)])
def test_a_span_that_is_none_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no span of a text of 10 characters"):
        who_says("It is here", start, end)


@pytest.mark.parametrize(
    "word",
    [
        "said ",
        "“",
        '"',
        "according to ",
        "X, who ",
        "he said ",
        ", ",
        "said said by ",
        "the of the ",
        "a who ",
        "X, the x, ",
        " ",
        "a",
    ],
)
def test_a_hundred_thousand_characters_of_one_thing_are_read_to_the_end(word: str) -> None:
    text = (word * 100_000)[:100_000]
    who_says(text, 50_000, 50_010)
    who_says(text, 0, len(text))


WORDS = st.sampled_from(
    'Anna Moroz the mayor of ministry , . “ ” " said told reporters that who according to by was quoted as saying '
    "he she it they added : - ’s За словами повідомив X police in a statement on Friday not \n".split(" ")
)


@given(st.lists(WORDS, min_size=1, max_size=25), st.data())
@settings(deadline=None, max_examples=300)
def test_any_words_are_read_without_an_error(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    start = data.draw(st.integers(0, len(text) - 1)) if len(text) > 1 else 0
    if not text:
        return
    end = data.draw(st.integers(start + 1, len(text)))
    found = who_says(text, start, end)
    assert found is None or text[found.start : found.end] == found.speaker != ""
