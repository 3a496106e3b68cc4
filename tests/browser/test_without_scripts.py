"""The same tasks with JavaScript off: links and forms, nothing else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import PAGES, QUESTION

Open = Callable[..., Any]


def test_asking_narrowing_ordering_and_reading(opened: Open) -> None:
    page = opened("/", java_script_enabled=False)
    page.fill("#q", "barometer")
    page.click("button:has-text('Search')")
    assert page.locator(".hits > li").count() == 10
    page.click("summary:has-text('Filters')")
    page.check("[name=source][value='Weather Office']")
    page.press("#q", "Enter")
    assert page.inner_text(".tag >> nth=0").startswith("Weather Office")
    page.click(".sorts >> text=newest first")
    assert parse_qs(urlsplit(page.url).query)["sort"] == ["newest"]
    assert page.inner_text("#hit-1") == "Weather report 22"
    page.click("text=More results")
    assert page.inner_text("#count").startswith("11–20 of 21 passages")
    page.click(".hit h3 a >> nth=0")
    assert page.is_visible("#passage")
    page.go_back()
    page.click(".tag")
    assert page.locator(".tag").count() == 0


def test_bars_and_citations(opened: Open) -> None:
    page = opened(QUESTION, java_script_enabled=False)
    page.click(".timeline a >> nth=-1")
    assert parse_qs(urlsplit(page.url).query)["date_from"] == ["2023"]
    page.click(".hit .cite summary >> nth=0")
    assert page.is_visible(".hit .forms p >> nth=0") and page.locator(".copy:visible").count() == 0
    assert page.locator("#keys:visible").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_whole(opened: Open, name: str) -> None:
    page = opened(PAGES[name], java_script_enabled=False)
    assert page.locator("h1").count() == 1 and page.is_visible("main")
