"""Requests as OpenTelemetry spans: one a request, one below it for each stage, made when it is over.

Nothing of what was asked goes into a span. The SDK is imported only where tracing is on, and configured by
its own OTEL_ variables. Told -> spans
"""

import time
from typing import TYPE_CHECKING, Any

from passage_index.errors import InputError
from search_api.telling import Told

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE = "article-search"
NANOSECONDS = 1_000_000_000


class Tracing:
    """Sends spans to where the environment says. Close it, or the last ones are lost."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        """provider: instead of one that the environment configures. Raises InputError without the extra."""
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            self._provider = provider or _provider()
        except ImportError as error:
            told = "SEARCH_TRACING needs OpenTelemetry: pip install 'article-search[otel]'"
            raise InputError(f"{told} ({error})") from error
        self._api: Any = trace
        self._parents = TraceContextTextMapPropagator()
        self._tracer = self._provider.get_tracer("search_api")

    def tell(self, told: Told) -> None:
        """A request that is over."""
        zero_ns = time.time_ns() - int(time.perf_counter() * NANOSECONDS)

        def moment(at_s: float) -> int:
            return zero_ns + int(at_s * NANOSECONDS)

        above = self._parents.extract({"traceparent": told.parent}) if told.parent else None
        span = self._tracer.start_span(
            f"{told.method} {told.route}",
            context=above,
            kind=self._api.SpanKind.SERVER,
            attributes={
                "http.request.method": told.method,
                "http.route": told.route,
                "http.response.status_code": told.status,
                "request.id": told.request_id,
            },
            start_time=moment(told.begun_s),
        )
        inside = self._api.set_span_in_context(span, above)
        for one in list(told.trace.stages):  # a thread that was abandoned may still be at its last stage
            stage = self._tracer.start_span(one.name, context=inside, start_time=moment(one.begun_s))
            stage.end(moment(one.begun_s + one.took_s))
        if told.status >= 500:
            span.set_status(self._api.StatusCode.ERROR)
        span.end(moment(told.ended_s))

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()


def _provider() -> "TracerProvider":
    """As the OTEL_ variables say, by OTLP over HTTP."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
