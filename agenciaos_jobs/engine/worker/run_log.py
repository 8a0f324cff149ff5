"""The run log: lines that a job logs go to the process's log and are stored with the run."""

import asyncio
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.context import Logger
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store import run_logs
from agenciaos_jobs.engine.store.run_logs import LogLine
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.logs import Line
from agenciaos_jobs.foundation.redact import Redactor

INTERVAL = timedelta(milliseconds=250)
"""How long lines are buffered before they are stored and visible."""
_MAX_LINES = 10_000


class RunLog:
    """Buffers the lines of all runs of a worker and stores them in batches."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor
        self._lines: list[LogLine] = []
        self._storing = asyncio.Lock()

    def logger(self, run: ClaimedRun) -> Logger:
        """The logger that a run's job writes to."""

        def store_line(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            if len(self._lines) < _MAX_LINES:
                fields = {name: self._redactor.value(item, name) for name, item in event.items() if name != "event"}
                text = self._redactor.text(str(event.get("event", "")))
                self._lines.append(LogLine(run.id, run.attempt, self._clock.now(), level, text, fields))
            return event

        config = structlog.get_config()
        logger: Logger = structlog.wrap_logger(
            Line("agenciaos_jobs.job"),
            processors=[store_line, *config["processors"]],
            wrapper_class=config["wrapper_class"],
            cache_logger_on_first_use=False,  # a cached logger refers to itself, so it would outlive its run
        ).bind()
        return logger

    async def flush(self) -> None:
        """Stores the buffered lines, after any flush under way. While Postgres is unavailable they stay buffered."""
        async with self._storing:
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                await run_logs.insert(self._database, lines)
            except DatabaseUnavailableError:
                self._lines = lines + self._lines
