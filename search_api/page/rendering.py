"""The templates, and the few words and links that they make themselves.

Autoescape is always on; the page runs no script. template + values -> HTML
"""

import hashlib
from calendar import month_name
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from passage_index.types import Article, PartialDate
from search_api.problems import Problem

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
API_PATHS = ("/v1", "/search", "/ask", "/healthz", "/readyz", "/openapi.json")


def written_date(day: PartialDate) -> str:
    """For people, as exact as known: `9 November 2023`, `November 2023`, `2023`."""
    month = month_name[day.first.month]
    return {
        "day": f"{day.first.day} {month} {day.first.year}",
        "month": f"{month} {day.first.year}",
        "year": str(day.first.year),
    }[day.precision]


def article_name(article: Article, most_chars: int = 90) -> str:
    """The title; of an article without one the words it begins with, cut before `most_chars`."""
    if article.title:
        return article.title
    begun = " ".join(article.text[: 4 * most_chars].split())
    return begun if len(begun) <= most_chars else begun[:most_chars].rpartition(" ")[0].rstrip(",;:–—-") + "…"


def article_link(article_id: str, start: int | None = None, end: int | None = None) -> str:
    """The article's page, at a marked place if one is given."""
    path = f"/articles/{quote(article_id, safe='/')}"
    return path if start is None else f"{path}?{urlencode({'start': start, 'end': end})}#passage"


def web_link(url: str | None) -> str | None:
    """The URL if a browser may follow it: http and https only."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def ticked(text: str) -> Markup:
    """Text with `code` in backticks -> HTML."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(text.split("`"))
    )


@lru_cache
def static_link(name: str) -> str:
    """A static file's address, new whenever its content is."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "article_link": article_link,
        "web_link": web_link,
        "static_link": static_link,
    }
    environment.filters |= {
        "written": written_date,
        "ticked": ticked,
        "named": article_name,
        "count": lambda number: f"{number:,}",
    }
    return environment


_TEMPLATES = _environment()


def page_reply(template: str, status: int = 200, **values: Any) -> Response:
    """A page of HTML."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status_code=status)


def wants_page(request: Request) -> bool:
    """True if a person's browser asks for a page, and the route is not one of the API's."""
    path = request.url.path
    is_api = any(path == one or path.startswith(f"{one}/") for one in API_PATHS)
    return not is_api and "text/html" in request.headers.get("accept", "")


def problem_page(problem: Problem, request_id: str) -> Response:
    """A problem, told to a person."""
    reply = page_reply("problem.html", problem.status, problem=problem, request_id=request_id)
    reply.headers.update(dict(problem.headers or {}))
    return reply
