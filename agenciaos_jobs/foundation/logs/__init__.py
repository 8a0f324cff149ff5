"""Structured logs: one JSON object a line on standard output, for all loggers of the process."""

import asyncio
import atexit
import io
import logging
import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from agenciaos_jobs.foundation.logs.output import Output
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import encode, text_of

_JSON_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
OUTPUT = Output()
ARQ_LOGGERS = ("arq.worker", "arq.connections", "arq.jobs", "arq.utils")

_CONTEXT: ContextVar[Mapping[str, Any]] = ContextVar("about", default={})  # noqa: B039 - replaced, never mutated


def bind_context(**fields: Any) -> None:
    """Replaces the fields that are added to all further log lines of this task."""
    _CONTEXT.set(fields)


def add_context(**fields: Any) -> None:
    """Adds fields to those that are added to all further log lines of this task."""
    _CONTEXT.set({**_CONTEXT.get(), **fields})


def configure(
    form: Literal["json", "console"],
    level: str,
    redactor: Redactor,
    *,
    colors: bool | None = None,
    cache_loggers: bool = False,
) -> None:
    """Sends structlog's and the standard library's records to standard output in one format.

    Nothing waits for standard output: see :class:`Output`.

    Our own lines bypass the standard library, which would take several times as long. ``cache_loggers``: loggers read
    this configuration once, because the process will not configure logging again.
    """

    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return redactor.event(event)

    enrich: list[Processor] = [
        _add_context,
        structlog.processors.add_log_level,
        _add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    open_streams()
    if form == "json" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as JSON is, whatever the terminal's encoding (RFC 8259, 8.1)
    tinted = sys.stdout.isatty() if colors is None else colors
    console = structlog.dev.ConsoleRenderer(colors=tinted, pad_event_to=34)
    render: list[Processor] = [structlog.processors.format_exc_info, redact, _line_of if form == "json" else console]
    structlog.configure(
        processors=[_JsonLine(redactor)] if form == "json" else [*enrich, *render],
        logger_factory=Line,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=cache_loggers,
    )
    _route_stdlib(enrich, render, level)


def _route_stdlib(enrich: Sequence[Processor], render: Sequence[Processor], level: str) -> None:
    """Formats the standard library's records, which other libraries write, like our own lines."""
    handler = logging.StreamHandler(OUTPUT)
    foreign = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=enrich, processors=foreign))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    for name in ARQ_LOGGERS:
        logging.getLogger(name).filters = [_RootOnly()]


class Line:
    """The logger that structlog wraps: writes lines to standard output. ``name`` is the name of the logger.

    The lines of one event-loop iteration are written together, before the next one or with the first warning.
    """

    _waiting: ClassVar[deque[str]] = deque()
    _scheduled_on: ClassVar[asyncio.AbstractEventLoop | None] = None

    def __init__(self, name: str = "agenciaos_jobs") -> None:
        self.name = name

    def msg(self, text: str) -> None:
        Line._waiting.append(text)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            Line.write()
            return
        if loop is not Line._scheduled_on:
            Line._scheduled_on = loop
            loop.call_soon(Line.write)

    debug = info = msg

    def urgent(self, text: str) -> None:
        Line._waiting.append(text)
        Line.write()

    warning = error = critical = exception = urgent

    @staticmethod
    def write() -> None:
        """Writes the buffered lines."""
        Line._scheduled_on = None
        lines = []
        with suppress(IndexError):  # another thread may be writing too
            while True:
                lines.append(Line._waiting.popleft())
        if lines:
            OUTPUT.write("\n".join(lines) + "\n")


def open_streams() -> None:
    """Opens what the process was started without, standard output or error, so that nothing written there fails."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open until the process ends


@atexit.register
def _finish() -> None:
    """Writes what is left. Python flushes once more after this, and would exit with 120 where that fails."""
    Line.write()
    OUTPUT.finish()
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    event["logger"] = record.name if record else logger.name
    return event


def _add_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {**_CONTEXT.get(), **event}


class _JsonLine:
    """All processors of our own lines in one step, which takes a third of the time of separate steps."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, logger: WrappedLogger, level: str, event: EventDict) -> str:
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(logger, level, event)
        name = event.pop("event", None)
        fields = self._redactor.event({"level": level, "event": name, **_CONTEXT.get(), **event, "logger": logger.name})
        return _json({"timestamp": datetime.now(UTC), **fields})  # noqa: TID251 - the machine's own time


def _line_of(_: WrappedLogger, __: str, event: EventDict) -> str:
    ordered = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return _json({**ordered, **event})


def _json(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=_JSON_OPTIONS).decode()
    except (TypeError, ValueError, RecursionError):  # a value that JSON does not know, or whose __str__ raises
        clean = {name: value if name == "timestamp" else orjson.loads(encode(value)) for name, value in line.items()}
        return orjson.dumps(clean, default=text_of, option=_JSON_OPTIONS).decode()


class _RootOnly(logging.Filter):
    """Passes a record only to the root's handlers.

    The ``arq`` command installs a plain-text handler after importing the worker's settings. It leaves filters on the
    loggers below in place.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        root = logging.getLogger()
        if record.levelno >= root.level:
            for handler in root.handlers:
                handler.handle(record)
        return False
