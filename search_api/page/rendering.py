"""The templates, with the words and links that they may use.

Autoescape is always on, and no template holds a script or a style. template + values -> HTML
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from search_api.page import asking, words
from search_api.problems import Problem

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
API_PATHS = ("/v1", "/search", "/ask", "/healthz", "/readyz", "/openapi.json")


@lru_cache
def static_hash(name: str) -> str:
    """What a static file holds, in twelve digits."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def static_link(name: str) -> str:
    """A static file's address, new whenever its content is."""
    return f"/static/{name}?v={static_hash(name)}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "article_link": words.article_link,
        "web_link": words.web_link,
        "static_link": static_link,
        "direction": words.direction,
        "SORTS": asking.SORTS,
        "MODES": asking.MODES,
        "GROUPED": asking.GROUPED,
    }
    environment.filters |= {
        "written": words.written_date,
        "ticked": words.ticked,
        "named": words.article_name,
        "language": words.language_name,
        "sentence": words.sentence,
        "share": words.share,
        "size": words.size,
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
