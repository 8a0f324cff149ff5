"""Structured logs: one JSON object a line on standard output, from every library in the process."""

import logging
import sys
from typing import Any, Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from agenciaos_jobs.core.redact import Redactor

ARQ_LOGGERS = ("arq.worker", "arq.connections", "arq.jobs", "arq.utils")


def configure(form: Literal["json", "console"], level: str, redactor: Redactor, *, colors: bool | None = None) -> None:
    """Sends structlog's and the standard library's records to standard output in one form.

    Our own lines do not pass through the standard library, which would take several times as long.
    """

    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return redactor.event(event)

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tinted = sys.stdout.isatty() if colors is None else colors
    renderer: Processor = (
        _json_line if form == "json" else structlog.dev.ConsoleRenderer(colors=tinted, pad_event_to=34)
    )
    last: list[Processor] = [structlog.processors.format_exc_info, redact, renderer]
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=Line,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    foreign = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=foreign))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ARQ_LOGGERS:
        logging.getLogger(name).filters = [_Rerouted()]


class Line:
    """What our own loggers write to: a line on standard output, flushed. ``name`` says which part of us speaks."""

    def __init__(self, name: str = "agenciaos_jobs") -> None:
        self.name = name

    def msg(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = msg


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    event["logger"] = record.name if record else logger.name
    return event


def _json_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    ordered: dict[str, Any] = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return orjson.dumps({**ordered, **event}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _Rerouted(logging.Filter):
    """Hands a record to the root's handlers alone.

    The ``arq`` command installs a plain-text handler of its own after it has imported the worker's settings; filters on
    the loggers below it are what it leaves in place.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        root = logging.getLogger()
        if record.levelno >= root.level:
            for handler in root.handlers:
                handler.handle(record)
        return False
