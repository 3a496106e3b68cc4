"""How the page cuts texts for marking, and the few words and links it makes itself."""

from hypothesis import given
from hypothesis import strategies as st

from passage_index.types import Article, PartialDate, Passage
from search_api.page.marking import Piece, Run, is_wrapped, paragraphs, runs
from search_api.page.words import article_name, ticked, web_link, written_date

spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5)


def test_runs_nest_words_in_the_sentence_and_clip_what_reaches_out() -> None:
    assert runs("abcdef", 10, [(12, 20)], [(11, 13), (5, 8)]) == [
        Run((Piece("a", False), Piece("b", True)), False),
        Run((Piece("c", True), Piece("def", False)), True),
    ]
    assert runs("", 0, [], []) == []
    assert [len(one) for one in paragraphs("a\n\nbc\n \n\nd", 0, [(1, 5)])] == [1, 1, 1]
    assert paragraphs("ab\n\ncd", 3, [(4, 8)])[1] == [
        Run((Piece("c", False),), True), Run((Piece("d", False),), False),
    ]  # fmt: skip


@given(st.text(max_size=20), st.integers(0, 10), spans, spans)
def test_runs_lose_nothing_and_mark_exactly_what_the_spans_cover(
    text: str, start: int, marked: list[tuple[int, int]], words: list[tuple[int, int]]
) -> None:
    place = start
    for run in runs(text, start, marked, words):
        for piece in run.pieces:
            for _ in piece.text:
                assert run.is_marked == any(left <= place < right for left, right in marked)
                assert piece.is_word == any(left <= place < right for left, right in words)
                place += 1
    assert "".join(piece.text for run in runs(text, start, marked, words) for piece in run.pieces) == text


def test_wrapped_is_told_by_a_sentence_that_crosses_a_line() -> None:
    def told(text: str, *sentences: tuple[int, int]) -> bool:
        return is_wrapped(text, [Passage("a", 0, len(text), sentences)])

    assert told("one\ntwo. three", (0, 8), (9, 14))
    assert not told("one.\ntwo.", (0, 4), (5, 9))


def test_an_article_without_a_title_is_named_by_its_first_words() -> None:
    assert article_name(Article("a", "Text.", title="Title")) == "Title"
    assert article_name(Article("a", "Short,\nand all of it.")) == "Short, and all of it."
    assert article_name(Article("a", "One two, three four"), most_chars=9) == "One two…"


def test_dates_are_written_out() -> None:
    assert [written_date(PartialDate.parse(day)) for day in ("2023-11-09", "2023-11", "2023")] == [
        "9 November 2023", "November 2023", "2023",
    ]  # fmt: skip
    assert ticked("`a<` b") == "<code>a&lt;</code> b"


def test_a_link_that_no_browser_should_follow_is_text() -> None:
    assert web_link("https://wire.example/a") == "https://wire.example/a"
    for bad in (None, "", "javascript:alert(1)", " https://x", "data:text/html,x", "//wire.example"):
        assert web_link(bad) is None
