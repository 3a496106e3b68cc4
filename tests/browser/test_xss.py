"""Stored and reflected scripts: thirty payloads in every field, shown by a real browser, and none is run.

Nothing may run even by accident: no dialog, no mark left by a payload, no report of the content policy
(which would say that something reached the page and was only held back), no handler in an attribute and
no link that is not http.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import uvicorn

from indexer.build import BuildOptions, build
from passage_index.snapshot import open_snapshot
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder

RUN = "window.pwned=1;alert(1)"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f"<svg onload='{RUN}'>",
    f"<svg><script>{RUN}</script></svg>",
    f"<body onload='{RUN}'>",
    f"<iframe src=\"javascript:{RUN}\"></iframe>",
    f"<iframe srcdoc=\"<script>parent.{RUN}</script>\"></iframe>",
    f"<a href=\"javascript:{RUN}\">go</a>",
    f"<a href=\"java\tscript:{RUN}\">go</a>",
    f"<details open ontoggle='{RUN}'>x</details>",
    f"<input autofocus onfocus='{RUN}'>",
    f"<video><source onerror='{RUN}'></video>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror='{RUN}'>",
    f"<noscript><p title=\"</noscript><img src=x onerror='{RUN}'>\">",
    f"<style>@import 'javascript:{RUN}';</style>",
    f"<link rel=stylesheet href='javascript:{RUN}'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<base href='javascript:{RUN}//'>",
    f"<object data='javascript:{RUN}'></object>",
    f"<embed src='data:text/html,<script>parent.{RUN}</script>'>",
    f"<form action='javascript:{RUN}'><button autofocus>go</button></form>",
    f"\" onmouseover=\"{RUN}\" autofocus onfocus=\"{RUN}",
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}",
    f"javascript:{RUN}",
    f"data:text/html,<script>parent.{RUN}</script>",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"{{% raw %}}{{{{ self.__init__.__globals__ }}}}<script>{RUN}</script>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"<!--><script>{RUN}</script>-->",
    f"<mark><script>{RUN}</script></mark>\u2028<script>{RUN}</script>",
    f"%3Cscript%3E{RUN}%3C/script%3E",
)  # fmt: skip
WATCH = """
    window.breaches = [];
    addEventListener('securitypolicyviolation', e => window.breaches.push(e.violatedDirective + ' ' + e.blockedURI));
"""
LOOK = """() => ({
    pwned: window.pwned || 0,
    breaches: window.breaches,
    handlers: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
        .filter(a => a.name.startsWith('on')).map(a => a.name),
    frames: document.querySelectorAll('iframe, object, embed, base, svg script, meta[http-equiv=refresh i]').length,
    links: [...document.querySelectorAll('[href], [src], [action], [formaction]')]
        .map(e => e.getAttribute('href') || e.getAttribute('src') || e.getAttribute('action') || '')
        .filter(l => !/^(https?:|[\\/#?.]|$)/i.test(l.trim()) && !l.startsWith('data:image/')),
})"""
CLEAN = {"pwned": 0, "breaches": [], "handlers": [], "frames": 0, "links": []}

pytestmark = pytest.mark.browser


def records() -> list[dict[str, Any]]:
    """An article a payload, which stands in all that an article has."""
    return [
        {
            "_id": f"x{number} {payload}"[:300], "title": f"Ferry {payload}", "lang": "en",
            "text": f"The ferry sailed. {payload} It came back with {payload} at nine.",
            "source": payload, "url": payload if number % 2 else f"https://h.example/{payload}",
            "date": "2021-03-04", "author": payload, "tags": [payload], "metadata": {payload: payload},
        }
        for number, payload in enumerate(PAYLOADS)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over the articles above."""
    folder = tmp_path_factory.mktemp("xss")
    lines = "".join(json.dumps(one) + "\n" for one in records())
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    report = build([folder / "in.jsonl"], folder / "index", FakeEncoder(), BuildOptions())
    assert report.articles >= 30, report.rejections
    searcher = Searcher(open_snapshot(folder / "index"), FakeEncoder())
    app = create_app(Settings(index=folder / "index"), searcher)
    served = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=served.run)
    thread.start()
    while not served.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    thread.join()
    searcher.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def shown(request: pytest.FixtureRequest, chromium: Any, address: str) -> Iterator[Callable[[str], Any]]:
    """Opens a path and says what was found on the page; a dialog anywhere fails the test."""
    told: list[str] = []
    context = chromium.new_context(base_url=address, bypass_csp=False)
    context.add_init_script(WATCH)
    if not request.param:  # the policy is all that is left then: what it reports is looked at all the same
        context.route("**/*.js", lambda route: route.abort())
    page = context.new_page()
    page.on("dialog", lambda dialog: (told.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "console", lambda said: told.append(said.text) if "Content Security Policy" in said.text else None
    )

    def show(path: str) -> Any:
        page.goto(path)
        return page.evaluate(LOOK)

    yield show
    context.close()
    assert told == []


def test_no_field_of_an_article_runs(shown: Callable[[str], Any], address: str) -> None:
    for query in ({"q": "ferry"}, {"q": "ferry", "offset": "10"}, {"q": "ferry", "offset": "20"},
                  {"q": "ferry", "group_by": "article"}, {"q": "ferry", "mode": "keyword", "explain": "true"}):  # fmt: skip
        assert shown("/?" + urlencode(query)) == CLEAN, query
    for record in records():
        assert shown("/articles/" + quote(record["_id"], safe="")) == CLEAN, record["_id"]


def test_no_field_of_a_question_runs(shown: Callable[[str], Any]) -> None:
    for payload in PAYLOADS:
        assert shown("/?" + urlencode({"q": payload})) == CLEAN, payload
        narrowed = {"q": f"ferry {payload}", "source": payload, "sort": payload, "mode": payload}
        assert shown("/?" + urlencode(narrowed)) == CLEAN, payload
        narrowed = {
            "q": "ferry",
            "source": payload,
            "date_from": payload,
            "filter": json.dumps({payload: payload}),
        }
        assert shown("/?" + urlencode(narrowed)) == CLEAN, payload
        assert shown("/" + quote(payload, safe="")) == CLEAN, payload


def test_the_payloads_would_run_elsewhere(chromium: Any, tmp_path: Path) -> None:
    """That they are no blanks: most of them run, or are reported, in a page that escapes nothing."""
    page = chromium.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    runs = 0
    for payload in PAYLOADS:
        (tmp_path / "page.html").write_text(f"<!doctype html><body>{payload}", encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        time.sleep(0.05)
        runs += bool(page.evaluate("window.pwned || 0"))
    page.close()
    assert runs >= 10
