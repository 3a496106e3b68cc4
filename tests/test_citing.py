"""Citations in three forms, on articles that have everything, and on such that have next to nothing."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from passage_index.types import Article, PartialDate
from search_api.page.citing import reference

WHOLE = Article(
    id="wire/7",
    text="Before. The bridge cost $4 & more_than planned. After.",
    title="A bridge [closed] 100%",
    published=PartialDate.parse("2023-11-09"),
    source="The Meridian Wire",
    url="https://wire.example/7",
)
SPAN = (8, 47)
QUOTE = WHOLE.text[8:47]
HASH = hashlib.sha256(QUOTE.encode()).hexdigest()


def test_text_has_quote_name_source_date_address_and_proof() -> None:
    assert reference(WHOLE, SPAN).text == (
        f"“{QUOTE}” A bridge [closed] 100%. The Meridian Wire, 9 November 2023. https://wire.example/7 "
        f"(wire/7, characters 8–47, SHA-256 {HASH})"
    )


def test_markdown_quotes_and_links_and_escapes() -> None:
    quoted, blank, by = reference(WHOLE, SPAN).markdown.splitlines()
    assert quoted == "> The bridge cost $4 & more\\_than planned." and blank == ">"
    assert by.startswith(
        "> — [A bridge \\[closed\\] 100%](<https://wire.example/7>), *The Meridian Wire*, 9 November 2023 ("
    )


def test_bibtex_has_fields_of_its_own_for_what_is_known() -> None:
    lines = reference(WHOLE, SPAN).bibtex.splitlines()
    assert re.fullmatch(r"@article\{the-meridian-wire-2023-[0-9a-f]{6},", lines[0]) and lines[-1] == "}"
    fields = dict(re.fullmatch(r"  (\w+) +=\s(.*?),?", line).groups() for line in lines[1:-1])  # type: ignore[union-attr]
    assert fields == {
        "title": "{{A bridge [closed] 100\\%}}", "journal": "{The Meridian Wire}", "year": "{2023}", "month": "nov",
        "day": "{9}", "url": "{https://wire.example/7}",
        "note": f"{{“The bridge cost \\$4 \\& more\\_than planned.”, wire/7, characters 8–47, SHA-256 {HASH}}}",
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    bare = reference(Article(id="a", text="Goats."))
    assert bare.text == "Goats. (a)" and bare.markdown == "Goats. (a)"
    assert (
        re.sub(r"-[0-9a-f]{6},", ",", bare.bibtex)
        == "@misc{article,\n  title   = {{Goats.}},\n  note    = {a}\n}"
    )
    month = reference(Article(id="a", text="x", published=PartialDate.parse("2023-11"))).bibtex
    assert "month   = nov" in month and "day" not in month
    assert "month" not in reference(Article(id="a", text="x", published=PartialDate.parse("2023"))).bibtex


def test_only_addresses_a_browser_may_follow_are_cited() -> None:
    assert "javascript" not in "".join(
        getattr(reference(Article(id="a", text="x", url="javascript:alert(1)")), form)
        for form in ("text", "markdown", "bibtex")
    )


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_in_an_article_braces_balance(text: str, title: str, source: str) -> None:
    made = reference(Article(id="i", text=f"x{text}", title=title, source=source), (0, 1 + len(text))).bibtex
    bare = re.sub(r"\\[{}]", "", made)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
