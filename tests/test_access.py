"""Who may do what: every route with every kind of key, hosts, rates, and addresses to bind."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from passage_index.errors import InputError
from search_api import rates
from search_api.access import Access, needed
from search_api.addresses import (
    allowed_hosts,
    client_of,
    host_of,
    is_local,
    is_loopback,
    neighbourhood,
    networks,
)
from search_api.app import create_app
from search_api.key_file import create_key, revoke_key
from search_api.metrics import Metrics
from search_api.rates import Rates
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.replies import BROWSER, problem

# Every route that there is, and what it needs. One that is new has to be put here by hand.
NEEDS = {
    "nothing": {"GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz", "GET /static"},
    "read": {
        "GET /", "HEAD /", "GET /results.json", "GET /results.csv", "GET /status", "HEAD /status", "GET /articles/{article_id:path}", "HEAD /articles/{article_id:path}",
        "GET /v1/search", "POST /v1/search", "GET /search", "POST /search", "POST /v1/search/batch",
        "GET /v1/ask", "POST /v1/ask", "GET /ask", "POST /ask", "GET /v1/ask/stream", "POST /v1/ask/stream",
        "POST /v1/similar", "GET /v1/suggest", "GET /v1/articles/{article_id:path}",
        "GET /v1/articles/{article_id:path}/passages", "GET /v1/passages/{passage_id}", "GET /v1/verify",
        "GET /v1/stats", "GET /v1/tasks/{task_id}", "GET /metrics", "GET /openapi.json", "GET /docs",
        "POST /v1/vector_stores/{vector_store_id}/search", "POST /mcp",
    },
    "admin": {
        "PUT /v1/articles/{article_id:path}", "POST /v1/articles", "DELETE /v1/articles/{article_id:path}",
    },
}  # fmt: skip


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str, str]:
    """A keys file, a key that reads, one that writes."""
    file = tmp_path / "keys.json"
    return file, create_key(file, "reader", "read")[1], create_key(file, "writer", "admin")[1]


@pytest.fixture
def guarded(
    settings: Settings, searcher: Searcher, keys: tuple[Path, str, str]
) -> Iterator[Callable[..., TestClient]]:
    with ExitStack() as stack:

        def serve(**changed: Any) -> TestClient:
            asked = settings.model_copy(update={"keys_file": keys[0], "worker": False} | changed)
            return stack.enter_context(TestClient(create_app(asked, searcher)))

        yield serve


def routes(client: TestClient) -> list[tuple[str, str]]:
    """(method, path) of everything that is served, included and mounted."""
    found = []

    def walk(those: Any) -> None:
        for one in those:
            if isinstance(one, Mount):
                found.append(("GET", one.path))
            elif isinstance(one, Route):
                found.extend((method, one.path) for method in one.methods or ())
            else:  # an included router
                inner = getattr(one, "original_router", None) or one.router
                walk(inner.routes)

    walk(client.app.router.routes)  # type: ignore[attr-defined]
    return sorted(set(found))


def test_every_route_needs_what_it_should(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    client, (_, reads, writes) = guarded(), keys
    found = {f"{method} {path}" for method, path in routes(client)}
    assert found == set().union(*NEEDS.values())
    for need, listed in NEEDS.items():
        for one in sorted(listed):
            method, _, path = one.partition(" ")
            address = path.replace("{article_id:path}", "bridge").replace("{passage_id}", "x")
            address = address.replace("{vector_store_id}", "articles")
            address = address.replace("{task_id}", "x").replace("/static", "/static/style.css")
            refused = {
                name: client.request(method, address, headers=headers).status_code in (401, 403)
                for name, headers in {
                    "none": {}, "wrong": {"x-api-key": reads[:-1] + "!"},
                    "read": {"authorization": f"Bearer {reads}"}, "admin": {"x-api-key": writes},
                }.items()
            }  # fmt: skip
            assert refused == {
                "none": need != "nothing", "wrong": need != "nothing", "read": need == "admin", "admin": False,
            }, one  # fmt: skip


def test_what_is_not_known_needs_an_admin_key() -> None:
    assert needed("POST", "/v1/anything") == needed("DELETE", "/v1/search") == needed("X", "/") == "admin"
    assert needed("GET", "/anything") == "read"
    assert needed("POST", "/static/../v1/articles") == "nothing"  # matched as it stands: nothing is below it


def test_a_key_that_is_revoked_is_refused_from_then_on(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    client, (file, reads, _) = guarded(), keys
    headers = {"x-api-key": reads}
    assert client.get("/v1/stats", headers=headers).status_code == 200
    revoke_key(file, "reader")
    told = client.get("/v1/stats", headers=headers)
    assert (
        problem(told, 401)
        == "a key is missing or wrong; send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
    )
    assert told.headers["www-authenticate"] == "Bearer"
    file.unlink()
    assert "cannot be read" in str(client.get("/readyz").json()["warnings"])


def test_a_browser_asks_for_the_key_and_may_only_read(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    client, (_, _, writes) = guarded(), keys
    refused = client.get("/", headers=BROWSER)
    assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic realm=")
    basic = {"authorization": "Basic " + base64.b64encode(f"anyone:{writes}".encode()).decode()}
    page = client.get("/", headers=BROWSER | basic)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "private, no-cache"
    assert page.headers["vary"] == "Authorization, X-API-Key"
    assert problem(client.delete("/v1/articles/x", headers=basic), 403) == "this key may only read"
    for broken in ("Basic !", "Basic", "Bearer", "Basic w6k=", "Basic /w==", "Digest x"):
        assert client.get("/v1/stats", headers={"authorization": broken}).status_code == 401


def test_the_key_of_the_settings_still_writes_and_reads(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    from pydantic import SecretStr

    client = guarded(admin_key=SecretStr("correct horse"))
    assert client.get("/v1/stats", headers={"x-api-key": "correct horse"}).status_code == 200
    assert (
        client.delete("/v1/articles/x", headers={"authorization": "Bearer correct horse"}).status_code == 202
    )


def test_metrics_are_open_where_that_is_set(guarded: Callable[..., TestClient]) -> None:
    assert guarded().get("/metrics").status_code == 401
    assert guarded(open_metrics=True).get("/metrics").status_code == 200


def test_the_description_can_be_switched_off(guarded: Callable[..., TestClient]) -> None:
    client = guarded(docs=False, open=True)
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404
    assert client.get("/v1/stats").status_code == 200


def test_other_addresses_need_a_key_or_a_word(tmp_path: Path, keys: tuple[Path, str, str]) -> None:
    def served(**changed: Any) -> Access:
        return Access(Settings(index=tmp_path, **changed), Metrics())

    assert (
        not served().needs_key and not served(host="localhost").needs_key and not served(host="::1").needs_key
    )
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org", ""):
        with pytest.raises(InputError, match="--open"):
            served(host=host)
        assert served(host=host, keys_file=keys[0]).needs_key
        assert served(host=host, admin_key="k").needs_key
        assert not served(host=host, open=True).needs_key
    with pytest.raises(InputError, match="cannot be read"):
        served(keys_file=tmp_path / "none.json")
    with pytest.raises(InputError, match="SEARCH_TRUSTED_PROXIES"):
        served(trusted_proxies="everyone")


def test_other_hosts_are_refused(settings: Settings, searcher: Searcher) -> None:
    changed = settings.model_copy(update={"hosts": ""})
    with TestClient(create_app(changed, searcher)) as client:
        for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"):
            assert client.get("/v1/stats", headers={"host": host}).status_code == 200, host
        for host in (
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:8000",
            "",
        ):
            assert client.get("/v1/stats", headers={"host": host}).status_code == 421, host
        assert client.get("/", headers={"host": "evil.example"} | BROWSER).status_code == 421
    assert allowed_hosts("", "0.0.0.0") == {"*"}
    assert allowed_hosts("a.example, B.example", "0.0.0.0") == {"a.example", "b.example"}


def scope_of(peer: str, *forwarded: str, host: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded] + [(b"host", host.encode())]
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ("10.9.9.9",), "192.0.2.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.1, 198.51.100.7, 10.0.0.2",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.1", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.3",), "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: tuple[str, ...], client: str) -> None:
    assert client_of(scope_of(peer, *forwarded), networks("10.0.0.0/8, ::1")) == client
    assert client_of(scope_of(peer, *forwarded), ()) == peer


def test_addresses_are_told_apart_as_subscribers_are() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::2") == "2001:db8::/64"
    assert neighbourhood("::ffff:192.0.2.1") == neighbourhood("192.0.2.1") == "192.0.2.1"
    assert is_local("127.0.0.9") and is_local("::1") and is_local("::ffff:127.0.0.1") and is_local("")
    assert not is_local("192.0.2.1") and not is_loopback("0.0.0.0") and not is_loopback("")
    assert host_of(scope_of("", host="[::1]:80")) == "[::1]" and host_of(scope_of("", host="A:1")) == "a"


# -- rates


def test_a_bucket_is_emptied_by_requests_and_filled_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("search_api.rates.time.monotonic", lambda: now[0])
    limit = Rates("key", 2.0, 3.0)
    taken = [limit.take("a") for _ in range(8)]
    assert [one.left for one in taken if one] == [5, 4, 3, 2, 1, 0, 0, 0]
    assert [one.retry_s for one in taken if one] == [0] * 6 + [0.5] * 2
    assert taken[-1].headers == {
        "RateLimit-Policy": '"key";q=6;w=3', "RateLimit": '"key";r=0;t=1', "Retry-After": "1",
    }  # fmt: skip
    assert limit.take("b").retry_s == 0
    now[0] += 0.5
    assert [limit.take("a").retry_s for _ in range(2)] == [0, 0.5]
    limit.charge("b", 9)
    assert limit.take("b").retry_s == pytest.approx(2.0)
    now[0] += 1000
    assert limit.take("a").left == 5
    assert Rates("key", 0.0, 3.0).take("a") is None


def test_as_many_clients_as_there_is_room_for_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CLIENTS", 3)
    limit = Rates("address", 1.0, 1.0)
    for number in range(10):
        limit.take(str(number))
    assert list(limit._buckets) == ["7", "8", "9"]


def test_who_asks_too_often_is_told_when_to_come_again(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    client, headers = guarded(rate_per_key=0.001, rate_burst_s=2000.0), {"x-api-key": keys[1]}
    first = client.get("/v1/stats", headers=headers)
    assert first.status_code == 200 and first.headers["ratelimit"] == '"key";r=1;t=0'
    assert client.get("/v1/stats", headers=headers).status_code == 200
    refused = client.get("/v1/stats", headers=headers)
    assert problem(refused, 429) == "too many requests in a short time"
    assert 900 < int(refused.headers["retry-after"]) <= 1000
    assert client.get("/healthz", headers=headers).status_code == 200
    assert client.get("/v1/stats", headers={"x-api-key": keys[2]}).status_code == 200


def test_addresses_have_a_rate_of_their_own_and_guessing_keys_uses_it_up(
    settings: Settings, searcher: Searcher, keys: tuple[Path, str, str]
) -> None:
    changed = settings.model_copy(
        update={"keys_file": keys[0], "rate_per_address": 0.001, "rate_burst_s": 3000.0}
    )
    with TestClient(create_app(changed, searcher), client=("192.0.2.9", 1)) as client:
        guesses = [client.get("/v1/stats", headers={"x-api-key": str(n)}).status_code for n in range(5)]
        assert guesses == [401, 401, 401, 429, 429]
        assert client.get("/v1/stats", headers={"x-api-key": keys[1]}).status_code == 200
    with TestClient(create_app(changed, searcher), client=("127.0.0.1", 1)) as client:
        assert [client.get("/v1/stats").status_code for _ in range(5)] == [401] * 5


def test_a_batch_costs_as_much_as_its_searches(
    guarded: Callable[..., TestClient], keys: tuple[Path, str, str]
) -> None:
    client, headers = guarded(rate_per_key=0.001, rate_burst_s=10_000.0), {"x-api-key": keys[1]}
    body = {"requests": [{"q": "goats"}] * 9}
    assert client.post("/v1/search/batch", json=body, headers=headers).status_code == 200
    assert client.get("/v1/stats", headers=headers).headers["ratelimit"] == '"key";r=0;t=0'
    assert client.get("/v1/stats", headers=headers).status_code == 429
