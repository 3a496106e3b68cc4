"""How pages are visited that nobody asked for by name: what robots.txt allows, and a pause between two.

address -> its body, as `fetching.py` has it
"""

import logging
import time
from dataclasses import replace
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from indexer.readers.records import Unfit
from indexer.web.fetching import Fetched, Limits, fetch

ROBOTS_BYTES = 512 * 1024

_log = logging.getLogger(__name__)


class Visitor:
    """One visit to the web: when each host was last asked, and what its robots.txt says."""

    def __init__(self, limits: Limits, pause_s: float) -> None:
        self._limits = limits
        self._pause_s = pause_s
        self._asked: dict[str, float] = {}  # host -> time.monotonic() of its last answer
        self._robots: dict[str, RobotFileParser] = {}  # by scheme, host and port

    def asked_for(self, address: str) -> Fetched:
        """An address that a person named. Raises Unfit."""
        return self._get(address, self._limits)

    def followed(self, address: str) -> Fetched:
        """A link that was found, if robots.txt of its host lets us. Raises Unfit."""
        if not self._allowed(address):
            raise Unfit("robots.txt of the host asks not to read it")
        return self._get(address, self._limits)

    def _get(self, address: str, limits: Limits) -> Fetched:
        host = urlsplit(address).netloc.lower()
        wait_s = self._asked.get(host, -self._pause_s) + self._pause_s - time.monotonic()
        if host in self._asked and wait_s > 0:
            time.sleep(wait_s)
        begun = time.monotonic()
        try:
            found = fetch(address, limits)
        finally:
            self._asked[host] = time.monotonic()
        _log.info("%s: %d bytes in %.1f s", address, len(found.body), time.monotonic() - begun)
        return found

    def _allowed(self, address: str) -> bool:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = self._read_robots(origin)
        return self._robots[origin].can_fetch(self._limits.user_agent.partition("/")[0], address)

    def _read_robots(self, origin: str) -> RobotFileParser:
        """As RFC 9309 says: none (4xx) allows everything, a server in trouble nothing."""
        robots = RobotFileParser()
        try:
            limits = replace(self._limits, max_bytes=min(ROBOTS_BYTES, self._limits.max_bytes))
            robots.parse(
                self._get(f"{origin}/robots.txt", limits).body.decode("utf-8", "replace").split("\n")
            )
        except Unfit as fault:
            none_there = str(fault).startswith("the server answered 4")
            robots.parse([] if none_there else ["User-agent: *", "Disallow: /"])
        return robots
