"""OpenTelemetry, where it is installed (extra ``otel``) and ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set.

Without it nothing of OpenTelemetry is imported, and a span is a context manager that does nothing. A trace's id goes
from the request to the run and into the log all the same.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from agenciaos_jobs.foundation import traceparent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OpenSpan
    from opentelemetry.trace import Tracer

Kind = Literal["server", "consumer", "client"]


class NotInstalled(Exception):  # noqa: N818
    """Traces are asked for, and the extra ``otel`` is not installed."""

    def __init__(self) -> None:
        super().__init__("OTEL_EXPORTER_OTLP_ENDPOINT is set: install agenciaos-jobs[otel]")


class _Off:
    """A span where there is none."""

    def set_attribute(self, name: str, value: Any) -> None: ...


class _On:
    def __init__(self, span: "OpenSpan") -> None:
        self._span = span

    def set_attribute(self, name: str, value: Any) -> None:
        if value is not None:
            self._span.set_attribute(name, value)


Span = _Off | _On

_OFF = _Off()
_PATIENCE = 3
_NOTHING: AbstractContextManager[_Off] = nullcontext(_OFF)
_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def configure(endpoint: str | None, service: str) -> None:
    """Sends spans to an OTLP receiver from now on; with ``None``, none. Raises :class:`NotInstalled`."""
    global _provider, _tracer
    if endpoint is None or _provider is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise NotInstalled from error
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_PATIENCE)))
    _tracer = _provider.get_tracer("agenciaos_jobs")


def close() -> None:
    """Sends what is left, and stops; it blocks while it does."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider:
        provider.shutdown()


def span(
    name: str, kind: Kind, parent: str | None = None, attributes: Callable[[], Mapping[str, Any]] = dict
) -> AbstractContextManager[Span]:
    """A span around a block; ``parent`` is the ``traceparent`` it goes on from, where that is not the block's own."""
    if _tracer is None:
        return _NOTHING
    return _span(_tracer, name, kind, parent, attributes)


@contextmanager
def _span(
    tracer: "Tracer", name: str, kind: Kind, parent: str | None, attributes: Callable[[], Mapping[str, Any]]
) -> Iterator[_On]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({"traceparent": parent}) if parent else None
    known = {name: value for name, value in attributes().items() if value is not None}
    with tracer.start_as_current_span(name, context, SpanKind[kind.upper()], known) as started:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        token = traceparent.CURRENT.set(carrier.get("traceparent"))
        try:
            yield _On(started)
        finally:
            traceparent.CURRENT.reset(token)


def mark_failed(code: str) -> None:
    """The block's own span ended badly."""
    if _tracer is None:
        return
    from opentelemetry.trace import StatusCode, get_current_span  # noqa: PLC0415

    get_current_span().set_status(StatusCode.ERROR, code)


def query_logger(name_of: Callable[[str], str]) -> Callable[[Any], None] | None:
    """What asyncpg is to call after each statement; ``None`` where there are no traces."""
    return None if _tracer is None else lambda query: _note_query(query, name_of(query.query))


def _note_query(query: Any, name: str) -> None:
    """A span for a statement that has ended, within a request or an attempt; the engine's own rounds make none."""
    from opentelemetry.trace import SpanKind, StatusCode, get_current_span  # noqa: PLC0415

    if _tracer is None or not get_current_span().is_recording():
        return
    ended = time.time_ns()
    began = ended - round(query.elapsed * 1e9)
    attributes = {"db.system.name": "postgresql", "db.query.summary": name}
    noted = _tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
    if query.exception:
        noted.set_status(StatusCode.ERROR, type(query.exception).__name__)
    noted.end(ended)
