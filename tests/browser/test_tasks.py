"""What people come for, done by mouse and by keyboard."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import QUESTION, until

Open = Callable[..., Any]


def asked(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def settled(page: Any, selector: str) -> None:
    page.wait_for_selector(selector)
    until(page, "!document.querySelector('#busy').matches('.htmx-request')")


def test_a_question_is_answered_in_place_and_its_address_gives_the_same(opened: Open) -> None:
    page = opened("/")
    page.evaluate("window.stayed = true")
    page.fill("#q", "cracks in the piers")
    page.click("button:has-text('Search')")
    settled(page, ".hits")
    assert page.evaluate("window.stayed") and asked(page) == {
        "q": ["cracks in the piers"],
        "mode": ["hybrid"],
    }
    assert page.title() == "cracks in the piers – Article search"
    first = page.inner_text(".hits")
    page.goto(page.url)
    assert page.inner_text(".hits") == first


def test_back_returns_to_the_results_that_were_there(opened: Open) -> None:
    page = opened(QUESTION)
    page.click(".sorts >> text=newest first")
    page.wait_for_url("**sort=newest**")
    page.go_back()
    until(page, "document.querySelector('.sorts [aria-current]').textContent === 'relevance'")
    assert "sort" not in asked(page)
    assert page.input_value("#q") == "how many cracks did engineers find in the piers?"
    page.go_forward()
    until(page, "document.querySelector('.sorts [aria-current]').textContent === 'newest first'")


def test_a_bar_a_source_and_their_tags_narrow_and_widen(opened: Open) -> None:
    page = opened("/?q=barometer+and+bridge")
    widest = page.inner_text("#count")
    label = page.get_attribute(".timeline a >> nth=-1", "aria-label")
    page.click(".timeline a >> nth=-1")
    page.wait_for_selector(".tag")
    year = re.match(r"\d+", label)[0]
    assert asked(page)["date_from"] == [year] and asked(page)["date_to"] == [year]
    page.click(".facet a >> nth=0")
    page.wait_for_url("**source=**")
    settled(page, ".tag >> nth=2")
    source = asked(page)["source"][0]
    assert source in page.inner_text(".tags")
    page.click(f".tag >> text={source}")
    until(page, "document.querySelectorAll('.tag').length === 1")
    page.click(".tag")
    until(page, "document.querySelectorAll('.tag').length === 0")
    settled(page, "#count")
    assert page.inner_text("#count") == widest


def test_a_passage_leads_to_its_place_in_the_article_and_to_related_ones(opened: Open) -> None:
    page = opened(QUESTION, viewport={"width": 800, "height": 300})
    page.click("#hit-1 a")
    page.wait_for_url("**/articles/**")
    marked = page.locator("#passage")
    box = marked.bounding_box()
    assert 0 <= box["y"] < 300
    assert page.locator(".related li").count() >= 3
    page.click(".related a >> nth=0")
    page.wait_for_selector("#passage")


def test_more_like_this_and_back_to_the_question(opened: Open) -> None:
    page = opened(QUESTION)
    page.click("text=More like this >> nth=0")
    page.wait_for_selector(".like")
    assert "like" in asked(page) and page.input_value("#q").startswith("how many cracks")
    page.click("text=back to")
    page.wait_for_selector(".answer")
    assert "like" not in asked(page)


def test_citations_are_copied_in_three_forms(opened: Open, server: str) -> None:
    page = opened(QUESTION)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
    page.click(".hit .cite summary >> nth=0")
    for kind, start in (("Text", "“"), ("Markdown", "> "), ("BibTeX", "@article{")):
        page.click(f".hit .forms >> nth=0 >> div:has(> details summary:text-is('{kind}')) >> .copy")
        until(page, "document.querySelector('#said').textContent.trim() === 'Citation copied'")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(start) and "The Meridian Wire" in copied and "SHA-256" in copied
        page.evaluate("document.querySelector('#said').textContent = ''")


@pytest.mark.parametrize("kind", ["JSON", "CSV"])
def test_results_are_taken_along_as_a_file(opened: Open, kind: str) -> None:
    page = opened("/?q=barometer&source=Weather+Office")
    with page.expect_download() as waiting:
        page.click(f".export >> text={kind}")
    file = waiting.value
    assert file.suggested_filename == f"passages.{kind.lower()}"
    content = file.path().read_text(encoding="utf-8-sig")
    if kind == "JSON":
        assert len(json.loads(content)["hits"]) == 23
    else:
        assert len(content.splitlines()) == 24 and content.startswith("rank,score,title,source")


def test_everything_by_keyboard(opened: Open) -> None:
    page = opened("/status")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.goto("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("cracks in the piers")
    page.keyboard.press("Enter")
    settled(page, ".hits")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('h3').id") == "hit-1"
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == second
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles/**")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=**")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_keys_can_be_switched_off_and_stay_off(opened: Open) -> None:
    page = opened(QUESTION)
    page.keyboard.press("?")
    assert page.evaluate("document.activeElement.closest('details').id") == "keys"
    page.uncheck("#keys-on")
    page.reload()
    assert not page.is_checked("#keys-on")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")
    page.click("#keys summary")
    page.check("#keys-on")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.matches('.step')")


def test_letters_typed_into_the_question_are_no_keys(opened: Open) -> None:
    page = opened("/")
    page.keyboard.type("jack/c?k")
    assert page.input_value("#q") == "jack/c?k" and page.url.endswith("/")


def test_a_fault_of_the_form_is_told_in_place(opened: Open) -> None:
    page = opened(QUESTION)
    page.click("summary:has-text('Filters')")
    page.fill("[name=date_from]", "soon")
    page.press("[name=date_from]", "Enter")
    page.wait_for_selector(".fault")
    assert "date_from" in page.inner_text(".fault")
    assert page.input_value("[name=date_from]") == "soon"
    until(page, "document.querySelector('#said').textContent.startsWith('date_from')")


def test_an_error_of_ours_is_shown_and_one_of_a_proxy_is_held_back(opened: Open) -> None:
    page = opened(QUESTION, expected=("ERR_FAILED", "Failed to fetch", "htmx:error"))
    page.route("**/?q=busy**", lambda route: route.fulfill(
        status=503, content_type="text/html", headers={"X-Request-ID": "1"},
        body="<!doctype html><title>Busy</title><main id='main'><h1 id='count'>Busy, or not ready yet</h1></main>",
    ))  # fmt: skip
    page.route(
        "**/?q=proxy**",
        lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>"),
    )
    page.route("**/?q=gone**", lambda route: route.abort())
    for question, told in (("proxy", "status 502"), ("gone", "cannot be reached")):
        page.fill("#q", question)
        page.press("#q", "Enter")
        until(page, f"document.querySelector('#trouble').textContent.includes('{told}')")
        assert page.is_visible("#trouble") and page.is_visible(".hits")
        page.keyboard.press("Escape")
        assert page.is_hidden("#trouble")
    page.fill("#q", "busy")
    page.press("#q", "Enter")
    page.wait_for_selector("h1:has-text('Busy')")


def test_loading_is_shown_only_after_a_while(opened: Open) -> None:
    page = opened(QUESTION)
    waiting: list[Any] = []
    page.route("**/?q=slow**", lambda route: waiting.append(route))
    page.fill("#q", "slow")
    page.press("#q", "Enter")
    page.wait_for_selector("#busy.htmx-request", state="attached")
    delay = page.evaluate("getComputedStyle(document.querySelector('#busy')).transitionDelay")
    assert delay == "0.2s"
    until(page, "document.querySelector('#said').textContent.trim() === 'Searching'")
    assert page.get_attribute("main", "aria-busy") == "true"
    waiting[0].continue_()
    until(page, "document.title.startsWith('slow')")
    assert page.get_attribute("main", "aria-busy") is None
