"""Reader of .html: a page -> one row with the article's text and what the page says of it.

trafilatura finds the text; the date is the one the page declares, with the precision it declares,
else what htmldate's cautious mode finds, which does not guess from a copyright line.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from indexer.dates import parse_published
from indexer.readers.leftovers import drop_leftovers, is_paywalled, keep_clock
from indexer.readers.markup import fragment_text, page_markup, page_tree
from indexer.readers.records import PARSER_FAULTS, Rejected, Row, Unfit
from indexer.readers.streams import whole
from passage_index.types import PartialDate

MAX_PAGE_BYTES = 8 << 20  # a tree takes about 20 times its page, and trafilatura copies it

MAX_ELEMENTS = 100_000  # trafilatura takes up to .08 ms for each; the longest pages met have a tenth

_DATE_NAMES = (
    "article:published_time", "og:published_time", "datepublished", "date", "dc.date", "dc.date.issued",
    "dcterms.date", "dcterms.issued", "dcterms.created", "publishdate", "pubdate", "publication_date",
    "citation_publication_date", "sailthru.date", "parsely-pub-date", "article.published",
)  # fmt: skip
_JSON_LD_DATE = re.compile(r'"datePublished"\s{0,9}:\s{0,9}"([^"]{4,64})"')
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<>]{0,500})</title", re.IGNORECASE)
_TABLE_ROW = re.compile(r"\| ?(.*?) ?\|")
HEADING_LINES = 4  # among the first of which the title may be repeated
_KEPT = ("author", "description", "sitename", "categories", "tags")


def read_html(path: Path) -> Iterator[Row | Rejected]:
    """The one row of an HTML file. Raises Unfit, OSError."""
    yield Row(None, page_fields(page_markup(whole(path, MAX_PAGE_BYTES))))


def page_fields(markup: str, url: str | None = None) -> dict[str, object]:
    """The row of a page that was found at `url` (else where it says it stands).

    Raises Unfit if it is no HTML or holds no text.
    """
    from trafilatura import bare_extraction  # a third of a second, for those who have no HTML

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it complains of is reported here
    try:
        tree = page_tree(markup)
        if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
            raise Unfit(f"a page of more than {MAX_ELEMENTS:,} elements")
        published = _declared_date(tree)
        paywalled = is_paywalled(tree)
        drop_leftovers(tree)
        keep_clock(tree)
        found: Any = bare_extraction(
            tree,
            url=url,
            with_metadata=True,
            include_comments=False,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except (etree.LxmlError, *PARSER_FAULTS) as error:
        raise Unfit(f"not readable as HTML: {type(error).__name__}") from error
    if found is None or not found.text:
        return _fragment_fields(markup, url)
    fields = _found_fields(found, published, url)
    return fields | {"paywalled": True} if paywalled else fields


def _found_fields(found: Any, published: PartialDate | None, url: str | None) -> dict[str, object]:
    title = (found.title or "").strip()
    text = found.text.strip()
    lines = text.split("\n")
    heading = next((n for n, line in enumerate(lines[:HEADING_LINES]) if line.strip() == title), None)
    if heading is not None and len(lines) > 1:
        del lines[heading]  # it is kept as the title
    url = url or found.url
    kept = {key: getattr(found, key) for key in _KEPT}
    if kept["sitename"] == found.hostname:
        del kept["sitename"]  # trafilatura's way to say that it found none
    return {key: value for key, value in kept.items() if value} | {
        "title": title,
        "text": _blocks(lines),
        "date": str(published) if published else found.date,
        "url": url,
        "source": None if url else found.sitename,
    }


def _blocks(lines: Iterable[str]) -> str:
    """Each line is a block of the page; rows of a table, `| a | b |`, stay together, without their rule."""
    blocks: list[str] = []
    in_table = False
    for line in lines:
        row = _TABLE_ROW.fullmatch(line.strip())
        if row and not row[1].strip("-| "):
            continue
        if row and in_table:
            blocks[-1] += "\n" + row[1].strip()
        else:
            blocks.append(row[1].strip() if row else line)
        in_table = row is not None
    return "\n\n".join(blocks)


def _fragment_fields(markup: str, url: str | None) -> dict[str, object]:
    """The row of a page in which no article stands out: all its text."""
    title = _TITLE.search(markup)
    return {"title": fragment_text(title[1]) if title else "", "text": fragment_text(markup), "url": url}


def _declared_date(tree: Any) -> PartialDate | None:
    """The first date of meta elements (in the order of `_DATE_NAMES`), JSON-LD and microdata."""
    metas: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        metas.setdefault(name.lower(), meta.get("content") or "")
    written = [metas[name] for name in _DATE_NAMES if name in metas]
    for script in tree.iter("script"):
        if script.get("type") == "application/ld+json" and script.text:
            written += _JSON_LD_DATE.findall(script.text)
    for element in tree.iter("time", "span", "div", "p"):
        if element.get("itemprop") == "datePublished" or element.get("pubdate") is not None:
            written.append(element.get("datetime") or element.get("content") or "")
    return next(filter(None, map(parse_published, written)), None)
