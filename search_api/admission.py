"""Who gets a thread now, who waits for one, and who is sent away at once.

A request that would wait longer than a limit is refused when it comes, not when the limit has passed: its
client can go elsewhere at once, and the threads do only what somebody still waits for. What waited twice
as long all the same is dropped before it is begun. Knows no index and no route.
request -> a place, or 503
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

from passage_index.stages import Stage, trace
from search_api.metrics import Metrics
from search_api.problems import Problem
from search_api.settings import Settings

T = TypeVar("T")

SMOOTHING = 0.1  # weight of the newest request in the running mean
# Who was let in is dropped after so many times the longest wait. What was expected is never quite what
# comes: dropped at once, half of those who were let in at the limit would have waited for nothing.
PATIENCE = 2.0


@dataclass(slots=True)
class Arrival:
    """A request that was let in, until it has its place."""

    is_waited_for: bool = True


_ARRIVAL: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


class Admission:
    """The places of one service. All but `timed` belong to the event loop."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._threads, self._most_waiting = settings.search_threads, settings.max_waiting
        self._most_wait_s, self._timeout_s = settings.max_wait_s, settings.request_timeout_s
        self._metrics = metrics
        self._arriving = self._under_way = 0
        self._mean_s = 0.0  # that a request holds a thread

    @property
    def is_crowded(self) -> bool:
        """Whether more requests are under way than there are threads."""
        return self._under_way > self._threads

    @property
    def expected_wait_s(self) -> float:
        """How long a request that comes now would wait for a thread, by those before it."""
        before = self._arriving + self._under_way
        return max(0, before - self._threads + 1) * self._mean_s / self._threads

    def arrive(self) -> "Arrival | Problem":
        """A request that will want a place: let in, or why not. Whoever is let in must `leave`.

        Asked in the first step of a request: however many come at once, each counts for the next, and
        sending one away costs next to nothing.
        """
        surplus = self._surplus()
        if surplus is not None:
            return surplus
        arrival = Arrival()
        _ARRIVAL.set(arrival)
        self._arriving += 1
        return arrival

    def _surplus(self) -> Problem | None:
        """Why one more cannot be let in, if so."""
        wait_s = self.expected_wait_s
        before = self._arriving + self._under_way
        if before - self._threads < self._most_waiting and wait_s <= self._most_wait_s:
            return None
        self._metrics.refused("full")
        return Problem(503, "too many requests are under way", _retry(wait_s))

    def leave(self, arrival: "Arrival") -> None:
        """It has its place, or will not take one any more."""
        if arrival.is_waited_for:
            arrival.is_waited_for = False
            self._arriving -= 1

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among the requests under way. Raises 503 when time is up.

        One that was let in is not refused any more; what was not asked at the gate is asked here.
        """
        arrival, inside = _ARRIVAL.get(), None
        if arrival is not None:
            self.leave(arrival)
        elif (surplus := self._surplus()) is not None:
            raise HTTPException(503, surplus.detail, surplus.headers)
        else:  # the parts of a batch find it, and are not asked again
            inside = _ARRIVAL.set(Arrival(is_waited_for=False))
        self._count(+1)
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError as error:
            self._metrics.refused("time")
            raise HTTPException(503, "the answer took too long", _retry(5.0)) from error
        finally:
            self._count(-1)
            if inside is not None:
                _ARRIVAL.reset(inside)

    def _count(self, change: int) -> None:
        self._under_way += change
        self._metrics.places(min(self._under_way, self._threads), max(0, self._under_way - self._threads))

    def timed(self, work: Callable[..., T], may_wait: bool) -> Callable[..., T]:
        """`work` for a thread: its wait and its time are noted, and it is dropped if it waited too long.

        may_wait: however long. The context of who asks goes along.
        """
        context, asked_s = copy_context(), time.perf_counter()

        def run(*arguments: Any) -> T:
            begun_s = time.perf_counter()
            waited_s = begun_s - asked_s
            current = context.run(trace)
            if current is not None:
                current.stages.append(Stage("queue", asked_s, waited_s))
            if waited_s > PATIENCE * self._most_wait_s and not may_wait:
                self._metrics.refused("late")
                told = "the request waited too long for its turn"
                raise HTTPException(503, told, _retry(self._most_wait_s))
            try:
                return context.run(work, *arguments)
            finally:
                took_s = time.perf_counter() - begun_s
                self._mean_s += SMOOTHING * (took_s - self._mean_s)  # a lost update does no harm

        return run


def _retry(wait_s: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(wait_s)))}
