"""Which network addresses may be asked, and that the one checked is the one connected to."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from indexer.web import addresses, fetching
from indexer.web.fetching import Limits
from tests.reading import PAGE
from tests.web_reading import LIMITS, TEXT, only, reason
from tests.web_stub import Site, site


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.0.8", "198.18.0.1", "240.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_open_internet(address: str) -> None:
    assert not addresses.is_public(address)


def test_addresses_of_the_open_internet() -> None:
    for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"):
        assert addresses.is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"]
)
def test_private_hosts_are_refused_however_they_are_written(here: Site, host: str) -> None:
    port = here.root.rpartition(":")[2]
    told = reason(f"http://{host}:{port}/", Limits(timeout_s=5.0))
    assert "not an address of the open internet" in told and "--allow-private" in told
    assert here.asked == []


def test_a_redirect_to_a_private_address_is_refused(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As seen from outside: 127.0.0.1 stands for a public address here, 127.0.0.2 is what it is."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    with site("127.0.0.2") as inner:
        port = inner.root.rpartition(":")[2]
        asked = here.redirect("/r", f"http://127.0.0.2:{port}/secret")
        assert "127.0.0.2, which is not an address of the open internet" in reason(asked, Limits())
        metadata = here.redirect("/m", "http://169.254.169.254/latest/meta-data")
        assert "169.254.169.254" in reason(metadata, Limits())
        assert (here.asked, inner.asked) == (["/r", "/m"], [])


def test_the_address_checked_is_the_one_connected_to(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its mind: first a public address, then a private one."""
    port = int(here.root.rpartition(":")[2])
    answers = iter(["127.0.0.1", "127.0.0.2"])
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *arguments, **more)  # a literal address, as it is connected to
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    here.put("/a", PAGE)
    assert only(f"http://rebinding.example:{port}/a", Limits(timeout_s=5.0)).text == TEXT
    assert asked == ["rebinding.example"]
    assert here.headers[0]["Host"] == f"rebinding.example:{port}"
    assert "127.0.0.2" in reason(f"http://rebinding.example:{port}/a", Limits(timeout_s=5.0))


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert "10.0.0.1" in reason("http://mixed.example/", Limits())


def test_a_host_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert reason("http://nowhere.example/", LIMITS) == "the host nowhere.example cannot be resolved"


def test_certificates_are_held_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; it makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=good.example",
         "-addext", "subjectAltName=DNS:good.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, port, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_, **more: resolve(host, port, **more))
    with site() as here:
        raise_on = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        raise_on.load_cert_chain(certificate, key)
        here.server.socket = raise_on.wrap_socket(here.server.socket, server_side=True)
        here.put("/a", PAGE)
        port = here.root.rpartition(":")[2]
        assert "certificate verify failed" in reason(f"https://good.example:{port}/a")
        monkeypatch.setattr(fetching, "_tls", lambda: ssl.create_default_context(cafile=str(certificate)))
        assert only(f"https://good.example:{port}/a").text == TEXT
        assert "certificate is not valid for" in reason(f"https://bad.example:{port}/a")
