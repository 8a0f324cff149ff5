"""OpenTelemetry traces, exported if ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set (extra ``otel``).

Without it there are no spans and the SDK is not imported. The caller's trace is still propagated from the request to
the run and the log.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
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

Recorder = Callable[[str, float], None]
"""Called at the end of a span with its name and its length in seconds."""


class NotInstalledError(Exception):
    """Tracing is configured, but the extra ``otel`` is not installed."""

    def __init__(self) -> None:
        super().__init__("OTEL_EXPORTER_OTLP_ENDPOINT is set: install agenciaos-jobs[otel]")


SLOW_QUERY = 0.005
"""Seconds from which on a statement is a part of its attempt on the run's page."""

_EXPORT_TIMEOUT = 3
_NO_TRACE = Context()
_NO_SPAN: AbstractContextManager[Span] = nullcontext(INVALID_SPAN)
_PROPAGATOR = TraceContextTextMapPropagator()
_provider: "TracerProvider | None" = None
_tracer: Tracer | None = None
_recorder: ContextVar[Recorder | None] = ContextVar("span_recorder", default=None)


def configure(endpoint: str | None, service: str) -> None:
    """Starts exporting spans to an OTLP receiver, unless it is ``None``. Raises :class:`NotInstalledError`."""
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
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_TIMEOUT)))
    _tracer = _provider.get_tracer("agenciaos_jobs")


def close() -> None:
    """Exports the remaining spans and stops. Blocks meanwhile."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider:
        provider.shutdown()


def resume(traceparent: str | None) -> str | None:
    """Continues a caller's trace in this task, in place of any other; returns the trace id.

    ``traceparent`` is the header of that name (https://www.w3.org/TR/trace-context/#traceparent-header). Without a
    valid one the task belongs to no trace, and ``None`` is returned.
    """
    if not traceparent:
        attach(_NO_TRACE)
        return None
    context = _PROPAGATOR.extract({"traceparent": traceparent}, _NO_TRACE)
    attach(context)
    caller = get_current_span(context).get_span_context()
    return format_trace_id(caller.trace_id) if caller.is_valid else None


def current() -> str | None:
    """The ``traceparent`` of the task's trace, for the runs that it triggers."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def span(name: str, kind: Kind, attributes: Callable[[], Mapping[str, Any]] = dict) -> AbstractContextManager[Span]:
    """A span around a block. ``attributes`` is called only if spans are exported; ``None`` values are omitted.

    A call to another service (``client``) is also passed to the recorder of the block that it is in, if there is one.
    """
    if _tracer is None:
        exported = _NO_SPAN
    else:
        known = {name: value for name, value in attributes().items() if value is not None}
        exported = _tracer.start_as_current_span(name, kind=SpanKind[kind.upper()], attributes=known)
    recorder = _recorder.get() if kind == "client" else None
    return _recorded(name, recorder, exported) if recorder else exported


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Passes the calls to other services that the block makes to ``recorder``, whether or not spans are exported."""
    token = _recorder.set(recorder)
    try:
        yield
    finally:
        _recorder.reset(token)


@contextmanager
def _recorded(name: str, recorder: Recorder, exported: AbstractContextManager[Span]) -> Iterator[Span]:
    began = time.perf_counter()
    try:
        with exported as span:
            yield span
    finally:
        recorder(name, time.perf_counter() - began)


def mark_failed(code: str) -> None:
    """Sets the current span's status to an error."""
    get_current_span().set_status(StatusCode.ERROR, code)


def query_logger(name_of: Callable[[str], str], *, of_worker: bool) -> Callable[[Any], None] | None:
    """A query logger for asyncpg; ``None`` where its records would go nowhere.

    In a worker the statements of an attempt that take :data:`SLOW_QUERY` are passed to its recorder, as ``sql`` and
    their name.
    """
    if _tracer is None and not of_worker:
        return None
    return lambda query: _record_query(query, name_of(query.query))


def _record_query(query: Any, name: str) -> None:
    """Records a span for a completed statement of a request or an attempt. Background loops record none."""
    recorder = _recorder.get()
    if recorder and query.elapsed >= SLOW_QUERY:
        recorder("sql" if name == "sql" else f"sql {name}", query.elapsed)
    if _tracer is None or not get_current_span().is_recording():
        return
    ended = time.time_ns()
    began = ended - round(query.elapsed * 1e9)
    attributes = {"db.system.name": "postgresql", "db.query.summary": name}
    recorded = _tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
    if query.exception:
        recorded.set_status(StatusCode.ERROR, type(query.exception).__name__)
    recorded.end(ended)
