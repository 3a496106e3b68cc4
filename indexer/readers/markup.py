"""Fragments of HTML -> readable text, and the bytes of a page -> its markup.

Knows tags and encodings, not articles: everything that is text is kept. `html.py` finds the article
in a page.
"""

import codecs
import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from indexer.readers.charset import mostly_utf8
from indexer.readers.normal_form import without_controls
from indexer.readers.records import Unfit

_BLOCKS = (
    "address", "article", "aside", "blockquote", "body", "caption", "details", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main",
    "nav", "ol", "p", "pre", "section", "summary", "table", "ul",
)  # fmt: skip
_LINES = ("br", "li", "tr", "dt", "dd")
_GAPS = dict.fromkeys(_BLOCKS, "\n\n") | dict.fromkeys(_LINES, "\n") | {"td": " ", "th": " "}
_NOT_TEXT = ("title", "script", "style", "noscript", "template", "svg", "iframe", "object")
_BLANK_LINES = re.compile("\n{3,}")

_CLOSED_ROOT = re.compile(r"(<html\b[^<>]{0,500}?)\s?/>", re.IGNORECASE)

# A tag, whole, so that none of it is looked at twice; only from here on can a page hold too many attributes.
_TAG = re.compile(r"<[a-zA-Z][^\s/>]*((?>[\s/]+(?>[^\s/=>]+(?>\s*=\s*(?>\"[^\"]*\"?|'[^']*'?|[^\s>]*))?)?)*)")
_ATTRIBUTE = re.compile(r"(?<![\s/])[\s/]++[^\s/=>]++(?:\s*=\s*(?:\"[^\"]*\"?|'[^']*'?|[^\s>]*))?")
_LONG_PAGE = 1 << 13
MAX_ATTRIBUTES = 2000  # libxml2 compares each with each

_HEAD_BYTES = 4096
_SAMPLE_BYTES = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# What pages are written in, not all Python decodes (idna, unicode_escape); UTF-16 has a BOM, or cannot
# be what a declaration in ASCII says.
_OF_PAGES = re.compile(
    r"utf-8|cp\d+|iso8859-\d+|koi8-\w|gb\w+|big5\w*|euc_\w+|shift_jis\w*|iso2022_\w+|mac-\w+|tis-620"
)
_READ_AS = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}  # as browsers do


def fragment_text(fragment: str) -> str:
    """The text of a piece of HTML, one line for each line a browser would show. O(n).

    Raises Unfit if it is nested too deeply.
    """
    if "<" not in fragment and "&" not in fragment:
        return fragment.strip()
    tree = page_tree(f"<div>{fragment}</div>")  # never empty
    etree.strip_elements(tree, *_NOT_TEXT, with_tail=False)
    pieces: list[str] = []
    for event, node in etree.iterwalk(tree, events=("start", "end")):
        words = node.text if event == "start" else node.tail
        is_second = event == "end" and node.tag == "br"  # it has no inside, so its start was the line end
        pieces += ("" if is_second else _GAPS.get(node.tag, ""), (words or "").replace("\n", " "))
    lines = [" ".join(line.split()) for line in "".join(pieces).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def page_tree(markup: str) -> Any:
    """The lxml tree of a page or a piece of one. Raises Unfit if it is nested too deeply to be read whole."""
    # huge_tree: without it libxml2 silently cuts text at 10 MB and at a depth of 256.
    parser = lxml_html.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, collect_ids=False
    )
    _refuse_attributes(markup)
    # libxml2 ends a page at a NUL, and after a root element that closes itself.
    markup = _CLOSED_ROOT.sub(r"\1>", without_controls(markup), count=1)
    try:
        tree = lxml_html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise Unfit("no text: nothing in the HTML") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise Unfit("the HTML is nested too deeply to be read whole")
    return tree


def _refuse_attributes(markup: str) -> None:
    if len(markup) < _LONG_PAGE:
        return
    for tag in _TAG.finditer(markup):
        inside = tag[1]
        if len(inside) > MAX_ATTRIBUTES and sum(1 for _ in _ATTRIBUTE.finditer(inside)) > MAX_ATTRIBUTES:
            raise Unfit(f"a tag of more than {MAX_ATTRIBUTES:,} attributes")


def page_markup(data: bytes, charset: str | None = None) -> str:
    """Decode a page: by its BOM, `charset` (the HTTP header's), what it declares, UTF-8, or a guess.

    Raises Unfit if nothing fits.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return data.decode(name, "replace")
    declared = _DECLARED.search(data, 0, _HEAD_BYTES)
    for label in (charset, declared and declared[1].decode("ascii", "replace"), "utf-8"):
        if label and (codec := _codec(label)):
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    repaired = mostly_utf8(data, mostly=1)  # a page says what it is, and nobody else has it right
    return _guessed(data) if repaired is None else repaired


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    name = _READ_AS.get(name, name)
    return name if _OF_PAGES.fullmatch(name) else None


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import, and hardly ever needed

    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None:
        raise Unfit("no encoding fits the page: neither one it declares nor UTF-8 nor a guess")
    return data.decode(best.encoding, "replace")
