"""Reader of .md: a file -> one row whose text reads without its marks.

Blocks stand apart by a blank line, items of a tight list and rows of a table by a line end. Marks of
headings, emphasis, links, images and code are dropped, their words kept; list marks stay.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from indexer.readers.front_matter import split_front_matter
from indexer.readers.markup import fragment_text
from indexer.readers.normal_form import normalise_text
from indexer.readers.records import Rejected, Row, Unfit
from indexer.readers.streams import decoded, whole

MAX_MARKDOWN_BYTES = 4 << 20  # the parser takes up to 300 times a text of nothing but tables
MAX_MARKDOWN_LINES = 100_000  # and up to .05 ms a line, on a slow machine

_INLINE_MARKUP = {"softbreak": " ", "hardbreak": "\n", "html_inline": ""}


def read_markdown(path: Path) -> Iterator[Row | Rejected]:
    """The one row of a markdown file; its title is front matter's, else the first `# heading`.

    Raises Unfit, OSError.
    """
    fields, text = split_front_matter(normalise_text(decoded(whole(path, MAX_MARKDOWN_BYTES))))
    if text.count("\n") > MAX_MARKDOWN_LINES:
        raise Unfit(f"a Markdown text of more than {MAX_MARKDOWN_LINES:,} lines")
    title, body = plain_text(text, title_wanted=not fields.get("title"))
    yield Row(None, {**fields, **({"title": title} if title else {}), "text": body})


def plain_text(markdown: str, title_wanted: bool = False) -> tuple[str, str]:
    """(first heading of level 1 if wanted, else "", the words of a markdown text).

    A heading that is taken as title and has no text before it is left out of the words.
    """
    pieces: list[str] = []
    title = ""
    tokens = _parser().parse(markdown)
    mark, tight, cell = "", False, 0  # a list mark, an item of a tight list, the number of a cell in its row
    begins = False  # a list that is in no other
    for before, token in zip([None, *tokens], tokens, strict=False):
        kind = token.type
        if kind == "list_item_open":
            mark = f"{token.info}{token.markup} " if token.info else "- "
        elif kind == "paragraph_open":
            tight = token.hidden and not begins
        elif kind in ("bullet_list_open", "ordered_list_open"):
            begins = token.level == 0
        elif kind == "tr_open":
            cell = 0
        words = _words(token)
        if not words:
            continue
        if title_wanted and not title and _opens_title(before):
            title = words
            if not pieces:
                continue
        if before and before.type in ("th_open", "td_open"):
            cell += 1
            gap = " | " if cell > 1 else "\n" if before.type == "td_open" else "\n\n"
        else:
            gap = "\n" if tight else "\n\n"
        pieces += (gap, mark, words)
        mark, tight, begins = "", False, False
    return title, "".join(pieces).strip()


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _opens_title(token: Token | None) -> bool:
    return token is not None and token.type == "heading_open" and token.tag == "h1" and token.level == 0


def _words(token: Token) -> str:
    if token.type == "inline":
        return _inline_words(token.children or ())
    if token.type in ("fence", "code_block"):
        return token.content.strip("\n")
    return fragment_text(token.content) if token.type == "html_block" else ""


def _inline_words(tokens: Sequence[Token]) -> str:
    return "".join(_INLINE_MARKUP.get(token.type, token.content) for token in tokens).strip()
