"""Whatever a client sends as a question, a filter or a date is read, or refused by an error of ours."""

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.dates import parse_published, split_date_line
from indexer.readers.front_matter import split_front_matter
from indexer.readers.markup import fragment_text
from indexer.readers.normal_form import normalise_text
from indexer.readers.records import Unfit
from passage_index.errors import InputError
from passage_index.filters import FIELDS, GROUPS, RANGES, SAME, parse_filter
from passage_index.types import PartialDate
from search_api.logs import for_terminal, plain
from search_api.question import free_words, parse_words, without_stop_words
from search_api.reading.expectation import expected

# Signs that mean something to one parser or another, beside any character there is.
SIGNS = st.sampled_from(
    [*'"+-:()[]{}$*?~^\\/&|!<>=#`’“”„', " -", ' "', "AND", "metadata.", "\0", "\x1b[31m", "\u202e", "é", "𝒳"]
)
TEXTS = st.lists(SIGNS | st.text(max_size=5), max_size=20).map("".join)
NAMES = st.sampled_from([*FIELDS, *GROUPS, *RANGES, *SAME, "metadata.kind", "$where", ""]) | st.text(
    max_size=5
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just("2023-11"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
TAME = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@TAME
@given(VALUES | st.dictionaries(NAMES, VALUES, max_size=4))
@example({"$not": {"$not": {"$or": []}}})
@example({"published_at": {"$gte": "9" * 5000}})
@example({"metadata." + "a" * 5000: 1})
def test_any_filter_is_read_or_refused(asked: Any) -> None:
    try:
        parse_filter(asked)
    except InputError as error:
        assert str(error).isprintable(), "what is told can steer a terminal"
        assert len(str(error)) < 1000, "what was sent is not sent back"


@TAME
@given(TEXTS)
def test_any_question_is_read(question: str) -> None:
    words = parse_words(question, lambda text: text.lower().split())
    assert all(term for term in words.every)
    for start, end in free_words(question):
        assert question[start:end].strip()
    assert len(without_stop_words(question)) <= len(question)
    expected(question)


@TAME
@given(TEXTS | st.integers() | st.floats() | st.booleans() | st.none() | st.dates())
def test_any_date_is_read_or_none(value: Any) -> None:
    found = parse_published(value)
    assert found is None or (isinstance(found, PartialDate) and found.first <= found.last)


@TAME
@given(TEXTS)
def test_any_text_has_one_normal_form_and_loses_no_letter(text: str) -> None:
    normal = normalise_text(text)
    assert normalise_text(normal) == normal
    published, below = split_date_line(normal)
    assert normal.endswith(below) or published is None
    fields, below = split_front_matter(f"---\n{normal}")
    assert all(key == key.lower() for key in fields)
    assert below


@TAME
@given(TEXTS)
def test_any_fragment_of_markup_is_read_or_refused(fragment: str) -> None:
    try:
        assert "\0" not in fragment_text(f"<p>{fragment}")
    except Unfit as refusal:
        assert str(refusal)


@given(st.text())
def test_nothing_that_is_printed_is_obeyed_by_a_terminal(text: str) -> None:
    assert not {*for_terminal(text)} & {
        *map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066])
    }
    assert "\n" not in plain(text)
    assert for_terminal("Порт\tמשרד\n") == "Порт\tמשרד\n"
