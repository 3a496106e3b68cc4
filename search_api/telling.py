"""A request that is over, as it is told: to the log, the metrics and the traces.

Holds nothing that was asked, but for what the settings have put into the trace's facts. -> one log line
"""

import logging
from dataclasses import dataclass

from passage_index.stages import Trace
from search_api.logs import fields_of

logger = logging.getLogger("search_api.requests")


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of it. Times by perf_counter."""

    method: str  # of a fixed set, else `-`
    route: str  # as it is declared; `-` where there is none
    status: int
    request_id: str
    begun_s: float
    ended_s: float
    trace: Trace
    parent: str  # its traceparent, or an empty string

    @property
    def took_s(self) -> float:
        """From its headers to the end of its reply."""
        return self.ended_s - self.begun_s


def log_line(told: Told) -> None:
    """One line."""
    fields: dict[str, str | int | float] = {
        "method": told.method,
        "route": told.route,
        "status": told.status,
        "ms": round(told.took_s * 1000, 1),
        "request_id": told.request_id,
        **told.trace.facts,
        **{f"{name}_ms": round(seconds * 1000, 1) for name, seconds in told.trace.took_s().items()},
    }
    logger.info(fields_of(fields), extra={"fields": fields})
