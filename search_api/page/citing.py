"""A citation to be copied: as text, as Markdown, as BibTeX.

Quotes word for word; the place and the hash go with it, so that it can be checked. Article, span -> Reference
"""

import re
from calendar import month_abbr
from dataclasses import dataclass

from passage_index.types import Article, Span, sha256_text
from search_api.page.words import article_name, web_link, written_date

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~])")
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_NO_KEY = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Reference:
    """One citation in three forms."""

    text: str
    markdown: str
    bibtex: str


def reference(article: Article, span: Span | None = None) -> Reference:
    """The citation of a span of an article, or of the whole article."""
    quote = article.text[span[0] : span[1]] if span else ""
    proof = f"characters {span[0]}–{span[1]}, SHA-256 {sha256_text(quote)}" if span else ""
    return Reference(
        text=_text(article, " ".join(quote.split()), proof),
        markdown=_markdown(article, quote, proof),
        bibtex=_bibtex(article, " ".join(quote.split()), proof),
    )


def _text(article: Article, quote: str, proof: str) -> str:
    origin = ", ".join(filter(None, (article.source, _date(article))))
    name = article_name(article).rstrip(".…")
    place = f"({', '.join(filter(None, (article.id, proof)))})"
    told = [f"“{quote}”" if quote else "", f"{name}.", f"{origin}." if origin else "", _url(article), place]
    return " ".join(filter(None, told))


def _markdown(article: Article, quote: str, proof: str) -> str:
    lines = [f"> {_plain(line.strip())}".rstrip() for line in quote.splitlines()]
    name, url = _plain(article_name(article)), _url(article)
    linked = f"[{name}](<{url.replace('>', '%3E')}>)" if url else name
    origin = [f"*{_plain(article.source)}*"] if article.source else []
    told = ", ".join([linked, *origin, *filter(None, [_date(article)])])
    by = f"{told} ({', '.join(filter(None, (_plain(article.id), proof)))})"
    return "\n".join([*lines, ">", f"> — {by}"]) if lines else by


def _bibtex(article: Article, quote: str, proof: str) -> str:
    fields = [("title", f"{{{_tex(article_name(article))}}}")]
    if article.source:
        fields.append(("journal", _tex(article.source)))
    fields += _dated(article)
    if _url(article):
        fields.append(("url", _url(article).replace("{", "%7B").replace("}", "%7D")))
    note = ", ".join(filter(None, (f"“{quote}”" if quote else "", article.id, proof)))
    fields.append(("note", _tex(note)))
    kind = "article" if article.source else "misc"
    lines = (f"  {name:<7} = {value if name == 'month' else f'{{{value}}}'}" for name, value in fields)
    body = ",\n".join(lines)
    return f"@{kind}{{{_key(article)},\n{body}\n}}"


def _dated(article: Article) -> list[tuple[str, str]]:
    day = article.published
    if day is None:
        return []
    exact = {"year": 1, "month": 2, "day": 3}[day.precision]
    parts = [("year", f"{day.first.year}"), ("month", month_abbr[day.first.month].lower())]
    return [*parts, ("day", f"{day.first.day}")][:exact]


def _key(article: Article) -> str:
    """The source, the year and a few letters of the id's hash: the same for an article whatever is quoted."""
    words = _NO_KEY.sub("-", (article.source or "article").casefold()).strip("-") or "article"
    year = f"{article.published.first.year}-" if article.published else ""
    return f"{words[:30]}-{year}{sha256_text(article.id)[:6]}"


def _date(article: Article) -> str:
    return written_date(article.published) if article.published else ""


def _url(article: Article) -> str:
    return web_link(article.url) or ""


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)
