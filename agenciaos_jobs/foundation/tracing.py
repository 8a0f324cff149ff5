"""OpenTelemetry traces, sent where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set (extra ``otel``).

Without it no spans are made and the SDK is not imported. OpenTelemetry's API carries the caller's trace from the
request to the run and into the log all the same.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.context import Context, attach
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Kind = Literal["server", "consumer", "client"]


class NotInstalledError(Exception):
    """Traces are asked for, and the extra ``otel`` is not installed."""

    def __init__(self) -> None:
        super().__init__("OTEL_EXPORTER_OTLP_ENDPOINT is set: install agenciaos-jobs[otel]")


_PATIENCE = 3
_NO_TRACE = Context()
_NO_SPAN: AbstractContextManager[Span] = nullcontext(INVALID_SPAN)
_PROPAGATOR = TraceContextTextMapPropagator()
_provider: "TracerProvider | None" = None
_tracer: Tracer | None = None


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
        raise NotInstalledError from error
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_PATIENCE)))
    _tracer = _provider.get_tracer("agenciaos_jobs")


def close() -> None:
    """Sends what is left, and stops; it blocks while it does."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider:
        provider.shutdown()


def resume(traceparent: str | None) -> str | None:
    """Continues a caller's trace in this task, in place of any before; returns the id that all its spans share.

    ``traceparent`` is the header of that name (https://www.w3.org/TR/trace-context/#traceparent-header). Without one,
    or with one that is malformed, the task belongs to no trace, and ``None`` is returned.
    """
    if not traceparent:
        attach(_NO_TRACE)
        return None
    context = _PROPAGATOR.extract({"traceparent": traceparent}, _NO_TRACE)
    attach(context)
    caller = get_current_span(context).get_span_context()
    return format_trace_id(caller.trace_id) if caller.is_valid else None


def current() -> str | None:
    """The ``traceparent`` of the task's trace: a run that is triggered meanwhile belongs to it too."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def span(name: str, kind: Kind, attributes: Callable[[], Mapping[str, Any]] = dict) -> AbstractContextManager[Span]:
    """A span around a block. ``attributes`` is called only where spans are sent; what is ``None`` is left out."""
    if _tracer is None:
        return _NO_SPAN
    known = {name: value for name, value in attributes().items() if value is not None}
    return _tracer.start_as_current_span(name, kind=SpanKind[kind.upper()], attributes=known)


def mark_failed(code: str) -> None:
    """Records that the block's own span failed."""
    get_current_span().set_status(StatusCode.ERROR, code)


def query_logger(name_of: Callable[[str], str]) -> Callable[[Any], None] | None:
    """What asyncpg is to call after each statement; ``None`` where there are no traces."""
    return None if _tracer is None else lambda query: _note_query(query, name_of(query.query))


def _note_query(query: Any, name: str) -> None:
    """A span for a statement that has ended, within a request or an attempt; the engine's own rounds make none."""
    if _tracer is None or not get_current_span().is_recording():
        return
    ended = time.time_ns()
    began = ended - round(query.elapsed * 1e9)
    attributes = {"db.system.name": "postgresql", "db.query.summary": name}
    noted = _tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
    if query.exception:
        noted.set_status(StatusCode.ERROR, type(query.exception).__name__)
    noted.end(ended)
