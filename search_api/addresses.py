"""Who a request came from and for whom it was meant: the client's address, and the host it names.

What a client says of itself is believed only of proxies that the operator trusts. ASGI scope -> address, host
"""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.datastructures import Headers
from starlette.types import Scope

from passage_index.errors import InputError

Network = IPv4Network | IPv6Network

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
ANY = "*"


def networks(listed: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas. Raises InputError."""
    try:
        return tuple(ipaddress.ip_network(one, strict=False) for one in _parts(listed))
    except ValueError as error:
        raise InputError(
            f"{error}; SEARCH_TRUSTED_PROXIES has addresses or networks, as 10.0.0.0/8"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether an address to bind reaches this machine alone."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def allowed_hosts(listed: str, bound: str) -> frozenset[str]:
    """Names, in lower case and without ports, that a request may be meant for; `*` is any.

    Unless they are listed: those of this machine where nothing else reaches it, else any.
    """
    names = frozenset(one.lower() for one in _parts(listed))
    if names:
        return names
    return frozenset((*LOCAL_NAMES, bound.lower())) if is_loopback(bound) else frozenset((ANY,))


def host_of(scope: Scope) -> str:
    """The name that a request was sent to, in lower case and without a port; empty where it tells none."""
    told = Headers(scope=scope).get("host", "").strip().lower()
    if told.startswith("["):
        return told[: told.find("]") + 1]
    return told.partition(":")[0]


def client_of(scope: Scope, trusted: Sequence[Network]) -> str:
    """The client's address: the last one in X-Forwarded-For that no trusted proxy has, or who connected."""
    peer = str((scope.get("client") or ("",))[0])
    if not trusted or not _is_among(peer, trusted):
        return peer
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    for one in reversed([part.strip() for part in told if part.strip()]):
        if _address(one) is None:
            return peer
        if not _is_among(one, trusted):
            return one
    return peer


def is_local(address: str) -> bool:
    """Whether a client is on this machine: by the loopback, or by something that has no address."""
    known = _address(address)
    return known is None or known.is_loopback


def neighbourhood(address: str) -> str:
    """What stands for a client in limits: its address, of IPv6 the /64 that one subscriber has."""
    known = _address(address)
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known or address)


def _parts(listed: str) -> list[str]:
    return [one.strip() for one in listed.split(",") if one.strip()]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        known = ipaddress.ip_address(text)
    except ValueError:
        return None
    return known.ipv4_mapped or known if isinstance(known, IPv6Address) else known


def _is_among(address: str, those: Sequence[Network]) -> bool:
    known = _address(address)
    return known is not None and any(known in one for one in those)
