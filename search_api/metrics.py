"""What is counted and timed of a running service, for Prometheus.

Beside others (`serve --processes`) the numbers of all processes are kept in files of one folder, and
whichever process is asked tells them all. Labels come from fixed sets: routes as they are declared, never
what a client wrote. Trace, events -> text
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from passage_index.backend import Backend
from search_api.telling import Told

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read by the library when it is imported

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCHES = (1, 2, 4, 8, 16, 32)

# Why something was refused: each stands for a limit or a rule.
Reason = Literal[
    "host",
    "key",
    "scope",
    "rate",
    "full",
    "late",
    "time",
    "body",
    "header",
    "json",
    "slow",
    "unreadable",
    "connections",
    "not_ready",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Metrics:
    """The numbers of one service. Safe to use from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began is of no use, and doubles their number
        self._is_shared = SHARED_FOLDER in os.environ
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "search_requests", "Requests answered.", ("method", "route", "status"), registry=own
        )
        self._seconds = Histogram(
            "search_request_seconds",
            "Seconds to the end of a reply.",
            ("route",),
            buckets=SECONDS,
            registry=own,
        )
        self._stages = Histogram(
            "search_stage_seconds",
            "Seconds of one stage of a request.",
            ("stage",),
            buckets=SECONDS,
            registry=own,
        )
        self._refusals = Counter(
            "search_refusals", "Requests and connections refused.", ("reason",), registry=own
        )
        self._batch = Histogram(
            "search_encoder_batch_questions", "Questions encoded at once.", buckets=BATCHES, registry=own
        )
        self._encoder = Histogram(
            "search_encoder_seconds", "Seconds the encoder took for a batch.", buckets=SECONDS, registry=own
        )
        self._cache = Counter(
            "search_encoder_cache",
            "Questions whose vector was remembered, or not.",
            ("result",),
            registry=own,
        )
        self._abandoned = Counter(
            "search_abandoned", "Requests given up because their client hung up.", registry=own
        )
        self._under_way = self._gauge("search_under_way", "Requests that have a place.", "livesum")
        self._waiting = self._gauge("search_waiting", "Requests that wait for a place.", "livesum")
        self._writes = self._gauge("search_writes_waiting", "Writes that wait in the inbox.", "livemax")
        self._connections = self._gauge("search_connections", "Open connections.", "livesum")
        self._ready = self._gauge("search_ready", "1 while searches are answered.", "livemin")
        self._generation = self._gauge("search_generation", "Generation of the index served.", "livemin")
        self._passages = self._gauge("search_index_passages", "Passages searched.", "livemax")
        self._bytes = self._gauge("search_index_bytes", "Bytes of the generation's files.", "livemax")
        info = Gauge(
            "search_build_info",
            "The version that runs.",
            ("version",),
            multiprocess_mode="livemax",
            registry=own,
        )
        info.labels(version("article-search")).set(1)
        for reason in REASONS:
            self._refusals.labels(reason)  # told as 0 from the beginning, so that a rise is one
        for result in ("hit", "miss"):
            self._cache.labels(result)
        if not self._is_shared:
            ProcessCollector(registry=own)

    def _gauge(self, name: str, text: str, mode: Literal["livesum", "livemin", "livemax"]) -> Gauge:
        return Gauge(name, text, multiprocess_mode=mode, registry=self._registry)

    def request(self, told: Told) -> None:
        """A request that is over."""
        self._requests.labels(told.method, told.route, str(told.status)).inc()
        self._seconds.labels(told.route).observe(told.took_s)
        for name, seconds in told.trace.took_s().items():
            self._stages.labels(name).observe(seconds)

    def refused(self, reason: Reason) -> None:
        """Something was refused."""
        self._refusals.labels(reason).inc()

    def abandoned(self) -> None:
        """A client hung up before its reply had begun."""
        self._abandoned.inc()

    def encoded(self, questions: int, took_s: float) -> None:
        """The encoder made vectors for a batch of questions."""
        self._batch.observe(questions)
        self._encoder.observe(took_s)

    def looked_up(self, is_hit: bool) -> None:
        """A question's vector was looked for among those that are remembered."""
        self._cache.labels("hit" if is_hit else "miss").inc()

    def places(self, under_way: int, waiting: int) -> None:
        """How many requests have a place, and how many wait for one."""
        self._under_way.set(under_way)
        self._waiting.set(waiting)

    def writes(self, waiting: int) -> None:
        """How many writes wait in the inbox."""
        self._writes.set(waiting)

    def connections(self, count: int) -> None:
        """How many connections are open."""
        self._connections.set(count)

    def serving(self, snapshot: Backend | None) -> None:
        """Which generation is served; None where nothing is."""
        self._ready.set(0 if snapshot is None else 1)
        if snapshot is not None:
            self._generation.set(snapshot.generation)
            self._passages.set(snapshot.manifest.passages)
            self._bytes.set(sum(one.size for one in snapshot.manifest.files.values()))

    def text(self) -> bytes:
        """All numbers in Prometheus' text format, of all processes where several serve side by side."""
        if not self._is_shared:
            return generate_latest(self._registry)
        folder = Path(os.environ[SHARED_FOLDER])
        for gone in _ended(folder):
            with suppress(FileNotFoundError):  # another process may do so at this moment
                mark_process_dead(gone)  # type: ignore[no-untyped-call]
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)


def _ended(folder: Path) -> Iterable[int]:
    """Processes that have live gauges in the folder and do not run any more."""
    written = {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}
    return [one for one in written if not Path(f"/proc/{one}").exists()]
