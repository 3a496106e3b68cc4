"""The page in a real browser: Debian's Chromium, driven by Playwright, over a server in a thread.

Run by `make test-browser` (`-m browser`); elsewhere, and where either is missing, skipped with the reason.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

QUESTION = "/?q=how+many+cracks+did+engineers+find+in+the+piers%3F"
REFUSED = "/?q=who+painted+the+ceiling+of+the+opera%3F"
EMPTY = "/?q=zeppelin&mode=keyword&date_from=1900&date_to=1901"
ARTICLE = "/articles/bridge?start=0&end=104"
PAGES = {
    "home": "/", "answer": QUESTION, "refusal": REFUSED, "empty": EMPTY, "article": ARTICLE, "status": "/status",
    "not found": "/articles/nothing", "fault": "/?q=x&date_from=soon", "api": "/docs",
    "narrowed": "/?q=barometer&source=Weather+Office&date_from=2020-01&sort=newest&group_by=article",
    "arabic": "/?q=%D9%85%D9%8A%D9%86%D8%A7%D8%A1&mode=keyword",
}  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = "browser" in str(config.getoption("markexpr")).split()
    reason = "" if asked else "the browser suite is run by `make test-browser`"
    if asked and CHROMIUM is None:
        reason = "no chromium here: apt-get install chromium"
    if asked and not reason:
        try:
            import playwright  # noqa: F401
        except ImportError:
            reason = "no playwright here: pip install -c constraints.txt '.[browser]'"
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true. Playwright's own way would need `eval`, which the policy forbids."""
    deadline = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def server(settings: Settings, searcher: Searcher) -> Iterator[str]:
    """The address of a running server."""
    config = uvicorn.Config(create_app(settings, searcher), host="127.0.0.1", port=0, log_config=None)
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run)
    thread.start()
    while not served.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    port = served.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    served.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, server: str) -> Iterator[Callable[..., Any]]:
    """Opens pages: path, and what a browser may be told (color_scheme, viewport, java_script_enabled).

    Whatever a page writes to the console, a script's error or a breach of the policy among it, fails the test;
    `expected` is what a test provokes.
    """
    contexts, told, provoked = [], [], ["the server responded with a status of"]

    def open_page(path: str, expected: tuple[str, ...] = (), **options: Any) -> Any:
        provoked.extend(expected)
        options = {"viewport": {"width": 1280, "height": 900}, "base_url": server} | options
        context = chromium.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in told if not any(part in one for part in provoked)] == []
