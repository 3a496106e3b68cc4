"""The page stays small, and what is vendored is what was published."""

import gzip
import hashlib
import json
import re

import pytest
from fastapi.testclient import TestClient

from search_api.page.rendering import STATIC, static_link
from tests.replies import page

MOST_SCRIPT = 20_000
MOST_STYLE = 15_000


def zipped(*names: str) -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names)


def test_scripts_and_styles_are_within_their_budgets(client: TestClient) -> None:
    loaded = page(client, "/")
    scripts = [str(one["src"]).removeprefix("/static/").partition("?")[0] for one in loaded.of("script")]
    assert scripts == ["htmx.min.js", "page.js"]
    assert 10_000 < zipped(*scripts) <= MOST_SCRIPT
    assert 2_000 < zipped("style.css") <= MOST_STYLE


def test_htmx_is_the_file_that_was_published_with_its_licence() -> None:
    noted = (STATIC / "htmx.txt").read_text(encoding="utf-8")
    assert f"sha256 {hashlib.sha256((STATIC / 'htmx.min.js').read_bytes()).hexdigest()}" in noted
    assert "Zero-Clause BSD" in (STATIC / "htmx.LICENSE").read_text(encoding="utf-8")


def test_the_policy_lets_in_our_own_files_only_and_htmx_needs_no_more(client: TestClient) -> None:
    reply = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in reply.headers["content-security-policy"]
    config = re.search(r"<meta name=\"htmx-config\" content='(.*?)'>", reply.text)[1]
    assert json.loads(config)["includeIndicatorCSS"] is False
    assert not re.search(r"\s(hx-on|hx-vals|hx-trigger|style|onclick)[=:]", reply.text)


@pytest.mark.parametrize("name", ["style.css", "page.js", "htmx.min.js", "icon.svg"])
def test_a_file_is_kept_for_a_year_at_the_address_that_names_its_content(
    client: TestClient, name: str
) -> None:
    kept = client.get(static_link(name))
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    for address in (f"/static/{name}", f"/static/{name}?v=000000000000", f"{static_link(name)}&v=0"):
        reply = client.get(address)
        assert reply.headers["cache-control"] == "public, no-cache"
        assert reply.content == kept.content == (STATIC / name).read_bytes()
        again = client.get(address, headers={"If-None-Match": reply.headers["etag"]})
        assert again.status_code == 304 and not again.content


def test_what_is_large_goes_packed_to_who_takes_it_so(client: TestClient) -> None:
    packed = client.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/style.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["vary"] and "Accept-Encoding" in plain.headers["vary"]
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
