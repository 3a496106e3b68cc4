"""How the page stands: steady, light, dark, printed; texts of other scripts; what is loaded."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import ARTICLE, PAGES, QUESTION

Open = Callable[..., Any]
MOST_REQUESTS = 6
MOST_SHIFT = 0.02
SHIFT = """() => new Promise((done) => {
  let shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => { shift += one.value; }))
    .observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(shift), 300);
})"""
LIGHTNESS = """() => {
  const parts = (name) => getComputedStyle(document.documentElement)[name].match(/[0-9.]+/g).slice(0, 3).map(Number);
  const sum = (all) => all.reduce((one, other) => one + other) / 765;
  return [sum(parts('backgroundColor')), sum(parts('color'))];
}"""


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_while_the_page_loads(opened: Open, name: str, width: int) -> None:
    page = opened(PAGES[name], viewport={"width": width, "height": 844})
    assert page.evaluate(SHIFT) <= MOST_SHIFT


@pytest.mark.parametrize("name", PAGES)
def test_a_page_takes_few_requests_and_none_from_elsewhere(opened: Open, server: str, name: str) -> None:
    page = opened("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(PAGES[name])
    page.wait_for_load_state("networkidle")
    assert 4 <= len(asked) <= MOST_REQUESTS
    assert all(url.startswith(server) for url in asked)


def test_the_dark_is_dark_and_the_light_is_light(opened: Open) -> None:
    paper, ink = opened(QUESTION, color_scheme="light").evaluate(LIGHTNESS)
    assert paper > 0.9 and ink < 0.2
    paper, ink = opened(QUESTION, color_scheme="dark").evaluate(LIGHTNESS)
    assert paper < 0.15 and ink > 0.8


def test_printed_only_what_is_read_remains(opened: Open) -> None:
    page = opened(QUESTION, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate(LIGHTNESS)[0] == 1
    for gone in (".ask", ".narrow", ".actions", ".foot", ".top"):
        assert page.is_hidden(f"{gone} >> nth=0"), gone
    assert page.is_visible(".answer .quote") and page.is_visible("#hit-1")
    page = opened(ARTICLE)
    page.emulate_media(media="print")
    assert page.is_visible(".citation .facts") and page.is_hidden(".related")


def test_arabic_is_set_from_the_right_and_ukrainian_from_the_left(opened: Open) -> None:
    page = opened("/articles/ar")
    assert page.evaluate("getComputedStyle(document.querySelector('.text')).direction") == "rtl"
    words = page.evaluate(
        """() => { const range = document.createRange(), text = document.querySelector('.text p').firstChild;
          range.setStart(text, 0); range.setEnd(text, 1); const first = range.getBoundingClientRect();
          range.setStart(text, text.length - 1); range.setEnd(text, text.length);
          return [first.left, range.getBoundingClientRect().left, first.width]; }"""
    )
    assert words[0] > words[1] and words[2] > 0
    page = opened("/articles/uk")
    assert page.get_attribute(".text", "lang") == "uk"
    assert page.evaluate("getComputedStyle(document.querySelector('.text')).direction") == "ltr"
