"""Which network addresses may be asked, and a connection that goes to the very address that was checked.

A name is resolved once for each connection; what is connected to is a literal address, so a name that
changes its mind in between changes nothing. Knows no HTTP. host -> addresses -> a stream in its budget
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpcore2

from indexer.readers.records import Unfit

_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # of which Python knows only a part
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: an IPv4 address in the last 32 bits

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Unfit):
    """An address that may not be asked, or a reply beyond its limits."""


@dataclass(slots=True)
class Budget:
    """What one address may take in all, redirects, headers and handshakes included."""

    deadline: float  # of time.monotonic()
    bytes_left: int

    def left_s(self, timeout_s: float | None = None) -> float:
        """Seconds that one step may take. Raises ReadTimeout when none are left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time is up")
        return left if timeout_s is None else min(left, timeout_s)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet.

    Not so: private, loopback, link-local (where clouds keep their metadata), shared, reserved and
    multicast ones, also where an IPv6 address only wraps them.
    """
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if found in _TRANSLATED:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped:
            return is_public(str(wrapped))
    return found.is_global and not found.is_multicast and not found.is_reserved and found not in _PROTOCOLS


def resolved(host: str, port: int, allow_private: bool) -> list[str]:
    """The addresses of a host, each of them allowed. Raises Refused.

    One that may not be asked among others refuses the host. The system's resolver has its own time limit.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"the host {host[:100]} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    private = [address for address in addresses if not is_public(address)]
    if private and not allow_private:
        raise Refused(
            f"the host {host[:100]} is at {private[0]}, which is not an address of the open internet; "
            f"--allow-private reads it all the same"
        )
    return addresses


class PinnedBackend(httpcore2.SyncBackend):
    """Connects to addresses that were checked, and keeps every byte and wait within a budget."""

    def __init__(self, budget: Budget, allow_private: bool) -> None:
        self._budget = budget
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to the first address of the host that takes one."""
        failed: httpcore2.NetworkError | httpcore2.TimeoutException | None = None
        for address in resolved(host, port, self._allow_private):
            try:
                left_s = self._budget.left_s(timeout)
                stream = super().connect_tcp(address, port, left_s, local_address, socket_options)
                return _BoundedStream(stream, self._budget)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore2.ConnectError("the host has no address")


class _BoundedStream(httpcore2.NetworkStream):
    """A stream that ends with its budget."""

    def __init__(self, stream: httpcore2.NetworkStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the stream. Raises Refused where the bytes are used up, ReadTimeout where the time is."""
        data = self._stream.read(max_bytes, self._budget.left_s(timeout))
        self._budget.bytes_left -= len(data)
        if self._budget.bytes_left < 0:
            raise Refused("the server sends more than --max-mb allows")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the stream."""
        self._stream.write(buffer, self._budget.left_s(timeout))

    def close(self) -> None:
        """As the stream."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """As the stream; the certificate is held against the name, not the address."""
        left_s = self._budget.left_s(timeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._budget)

    def get_extra_info(self, info: str) -> object:
        """As the stream."""
        return self._stream.get_extra_info(info)
