"""What the tests of HTTP share: the form that every problem has, and a page taken apart."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VOID = {"meta", "link", "input", "img", "br"}


def problem(reply: Any, status: int) -> str:
    """Check the form, return the detail."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert list(body) == ["type", "title", "status", "detail", "request_id"]
    assert body["status"] == status and body["type"].startswith("/docs#")
    assert body["request_id"] == reply.headers["x-request-id"]
    return body["detail"]


class Page(HTMLParser):
    """The elements of a page in order, and the text inside those that are looked for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def of(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    def links(self, contains: str) -> list[str]:
        return [str(link["href"]) for link in self.of("a") if contains in str(link.get("href"))]

    def texts(self, pattern: str) -> list[str]:
        """The text inside elements whose opening tag matches, tags taken out."""
        found = re.findall(rf"<(\w+)[^>]*{pattern}[^>]*>(.*?)</\1>", self.html, re.DOTALL)
        return [unescape(re.sub(r"<[^>]*>", "", inner)) for _, inner in found]


def page(client: TestClient, path: str, status: int = 200) -> Page:
    reply = client.get(path, headers=BROWSER)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    found = Page(reply.text)
    assert re.findall(r"<script[^>]*>([^<]*)", found.html) == ["", ""] and not found.of("style")
    assert all(str(one["src"]).startswith("/static/") for one in found.of("script"))
    assert not [
        name for _, attributes in found.elements for name in attributes if name.startswith(("on", "style"))
    ]
    assert found.of("html", lang="en") and len(found.of("main")) == len(found.of("h1")) == 1
    return found
