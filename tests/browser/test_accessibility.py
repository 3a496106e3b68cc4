"""WCAG 2.2 AA: what axe-core finds, and what it cannot see: focus, targets, order, what is said, zoom."""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ARTICLE, PAGES, QUESTION, until

Open = Callable[..., Any]
AXE = Path(__file__).parent / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def test_axe_is_the_file_that_was_published() -> None:
    noted = (AXE.parent / "axe.txt").read_text(encoding="utf-8")
    assert f"sha256 {hashlib.sha256(AXE.read_bytes()).hexdigest()}" in noted


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(opened: Open, name: str, scheme: str) -> None:
    page = opened(PAGES[name], color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
    told = [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'].splitlines()[-1]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    assert told == []
    assert len(found["passes"]) > 15


COVERED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const x = Math.max(0, Math.min(box.left + box.width / 2, innerWidth - 1));
  const y = Math.max(0, Math.min(box.top + Math.min(box.height, innerHeight) / 2, innerHeight - 1));
  const top = document.elementFromPoint(x, y);
  const seen = box.bottom > 0 && box.top < innerHeight && (one.contains(top) || top?.contains(one));
  const style = getComputedStyle(one), ring = style.outlineStyle !== "none" || one.matches(".timeline a");
  return {name: (one.getAttribute("aria-label") || one.id || one.textContent).trim().slice(0, 40), seen, ring,
          last: one === document.body, tag: one.tagName};
}"""


@pytest.mark.parametrize("name", ["home", "answer", "article", "status"])
def test_whatever_has_the_focus_is_seen_and_ringed(opened: Open, name: str) -> None:
    page = opened(PAGES[name], viewport={"width": 390, "height": 600})
    page.evaluate("document.activeElement.blur()")
    visited = []
    for _ in range(150):
        page.keyboard.press("Tab")
        at = page.evaluate(COVERED)
        if at["last"]:
            break
        visited.append(at)
    assert len(visited) > 6
    assert [one for one in visited if not one["seen"] or not one["ring"]] == []


def test_the_focus_goes_in_the_order_of_reading(opened: Open) -> None:
    page = opened(QUESTION)
    visited = []
    for _ in range(9):
        page.keyboard.press("Tab")
        visited.append(page.evaluate(COVERED)["name"])
    assert visited[:5] == ["Skip to the content", "Article search", "q", "Search", "Filters"]
    assert "Cite" in visited and visited.index("Cite") > 5
    order = page.evaluate(
        """() => [...document.querySelectorAll('.found a, .found summary, .found button')]
          .filter((one) => one.checkVisibility())
          .map((one) => [Math.round(one.getBoundingClientRect().top), one.tabIndex])"""
    )
    assert all(index == 0 for _, index in order)
    tops = [top for top, _ in order]
    assert all(later > earlier - 40 for earlier, later in pairwise(tops))


SMALL = """() => [...document.querySelectorAll('a, button, input, select, summary, label.choice')]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).display !== 'inline' && !one.matches('.skip'))
  .filter((one) => !(one.matches('input') && one.closest('label.choice')))
  .map((one) => [one.textContent.trim().slice(0, 40) || one.id, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 23.99 || box.height < 23.99)
  .map(([name, box]) => `${name}: ${box.width}x${box.height}`)"""


@pytest.mark.parametrize("name", PAGES)
def test_targets_are_at_least_24_pixels(opened: Open, name: str) -> None:
    page = opened(PAGES[name])
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(SMALL) == []


def test_what_was_found_is_said_and_the_focus_is_kept(opened: Open) -> None:
    page = opened("/")
    page.fill("#q", "how many cracks did engineers find in the piers?")
    page.press("#q", "Enter")
    until(page, "document.querySelector('#said').textContent.includes('passages')")
    said = page.inner_text("#said")
    assert said.startswith("Answer.") and "two of its seven piers" in said
    assert page.evaluate("document.activeElement.id") == "q"
    page.click(".facet a >> nth=0")
    page.wait_for_selector(".tag")
    until(page, "document.activeElement.id === 'count'")
    assert page.get_attribute("#said", "role") == "status"


WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [640, 390, 320])
def test_zoomed_or_narrow_nothing_runs_out_of_the_page(opened: Open, name: str, width: int) -> None:
    """640 is 1280 at 200 %, 320 at 400 %."""
    page = opened(PAGES[name], viewport={"width": width, "height": 700}, device_scale_factor=2)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(WIDE) == 0


def test_text_alone_can_be_twice_as_large(opened: Open) -> None:
    for path in (QUESTION, ARTICLE, "/status"):
        page = opened(path)
        page.add_style_tag(url="/static/style.css")  # the policy lets no other style in
        page.evaluate("document.styleSheets[0].insertRule('html { font-size: 200% !important }', 0)")
        assert page.evaluate(WIDE) == 0
