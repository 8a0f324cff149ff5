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
    """Sends structlog's and the standard library's records to standard output in one form."""

    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {name: redactor.value(value, name) for name, value in event.items()}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    tinted = sys.stdout.isatty() if colors is None else colors
    renderer: Processor = (
        _json_line if form == "json" else structlog.dev.ConsoleRenderer(colors=tinted, pad_event_to=34)
    )
    last: list[Processor] = [structlog.processors.format_exc_info, redact, renderer]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ARQ_LOGGERS:
        logging.getLogger(name).filters = [_Rerouted()]


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
