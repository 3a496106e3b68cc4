"""How many requests a client may make: a bucket each, filled at a fixed rate, emptied by requests.

Remembers the clients seen last, so that memory is bounded; who is forgotten begins with a full bucket.
client -> Allowance
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    seen_s: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client has left. retry_s: until its next request is taken, 0 where this one is."""

    policy: str
    most: int
    window_s: float
    left: int
    retry_s: float

    @property
    def headers(self) -> Mapping[str, str]:
        """As the IETF's draft on RateLimit headers has them."""
        told = {
            "RateLimit-Policy": f'"{self.policy}";q={self.most};w={math.ceil(self.window_s)}',
            "RateLimit": f'"{self.policy}";r={self.left};t={math.ceil(self.retry_s)}',
        }
        return told | ({"Retry-After": str(math.ceil(self.retry_s))} if self.retry_s else {})


class Rates:
    """The buckets of one policy. per_s: 0 for no limit. Belongs to the event loop."""

    def __init__(self, policy: str, per_s: float, burst_s: float) -> None:
        """burst_s: seconds of its rate that a client may use at once after a rest."""
        self._policy, self._per_s, self._burst_s = policy, per_s, burst_s
        self._most = max(1.0, per_s * burst_s)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> Allowance | None:
        """One request. None where there is no limit."""
        if self._per_s == 0:
            return None
        bucket = self._bucket(client)
        retry_s = 0.0 if bucket.left >= 1 else (1 - bucket.left) / self._per_s
        if retry_s == 0:
            bucket.left -= 1
        return Allowance(self._policy, int(self._most), self._burst_s, max(0, int(bucket.left)), retry_s)

    def charge(self, client: str, cost: int) -> None:
        """What a request that was taken costs beyond one; the client may come to owe it."""
        if self._per_s:
            self._bucket(client).left -= cost

    def _bucket(self, client: str) -> _Bucket:
        now_s = time.monotonic()
        bucket = self._buckets.setdefault(client, _Bucket(self._most, now_s))
        bucket.left = min(self._most, bucket.left + (now_s - bucket.seen_s) * self._per_s)
        bucket.seen_s = now_s
        self._buckets.move_to_end(client)
        while len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket
