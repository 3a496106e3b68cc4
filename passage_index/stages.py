"""How long the stages of one request took, and whether anyone still waits for it.

A request carries its Trace in a context variable; who runs part of it on a thread takes the context along.
Where there is none, as on the command line, a stage costs one look. Knows neither metrics nor HTTP.
with stage("lexical") -> Trace.stages
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import NamedTuple, ParamSpec, TypeVar

from passage_index.errors import Abandoned

P = ParamSpec("P")
T = TypeVar("T")


class Stage(NamedTuple):
    """One stage that is over. begun_s: by time.perf_counter."""

    name: str
    begun_s: float
    took_s: float


@dataclass(slots=True)
class Trace:
    """What is noted of one request, by any number of threads: appending to a list needs no lock."""

    stages: list[Stage] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)  # for the log line
    is_abandoned: bool = False  # nobody waits any more: the next stage is not begun

    def took_s(self) -> dict[str, float]:
        """Seconds by stage, those that were entered several times added up."""
        summed: dict[str, float] = {}
        for one in self.stages:
            summed[one.name] = summed.get(one.name, 0.0) + one.took_s
        return summed


_TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin() -> Trace:
    """A new trace for what follows in this context."""
    trace = Trace()
    _TRACE.set(trace)
    return trace


def trace() -> Trace | None:
    """The trace of the request that is being answered, if there is one."""
    return _TRACE.get()


def require_wanted() -> None:
    """Raises Abandoned where nobody waits for this request any more. For long loops; costs one look."""
    current = _TRACE.get()
    if current is not None and current.is_abandoned:
        raise Abandoned("nobody waits for this request any more")


class _Timing:
    """Notes when it is entered and left. Some microseconds."""

    __slots__ = ("_begun_s", "_name", "_trace")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._trace = _TRACE.get()
        if self._trace is not None:
            if self._trace.is_abandoned:
                require_wanted()
            self._begun_s = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._trace is not None:
            took_s = time.perf_counter() - self._begun_s
            self._trace.stages.append(Stage(self._name, self._begun_s, took_s))


def stage(name: str) -> _Timing:
    """A context: what happens inside is a stage of the request under way.

    Raises Abandoned on entry where nobody waits for the request any more.
    """
    return _Timing(name)


def staged(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator: each call is a stage."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            with _Timing(name):
                return function(*args, **kwargs)

        return timed

    return decorate
