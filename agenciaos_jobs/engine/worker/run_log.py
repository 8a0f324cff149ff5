"""What jobs log about their own runs: to the process's log, and kept with the run."""

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
"""How long a line waits for others before it is stored, and can be seen."""
_LINES_KEPT = 10_000


class RunLog:
    """Gathers the lines of all runs of a worker and stores them together."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor
        self._lines: list[LogLine] = []
        self._storing = asyncio.Lock()

    def logger(self, run: ClaimedRun) -> Logger:
        """The log that a run's job writes to."""

        def keep(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            if len(self._lines) < _LINES_KEPT:
                fields = {name: self._redactor.value(item, name) for name, item in event.items() if name != "event"}
                text = self._redactor.text(str(event.get("event", "")))
                self._lines.append(LogLine(run.id, run.attempt, self._clock.now(), level, text, fields))
            return event

        config = structlog.get_config()
        logger: Logger = structlog.wrap_logger(
            Line("agenciaos_jobs.job"),
            processors=[keep, *config["processors"]],
            wrapper_class=config["wrapper_class"],
            cache_logger_on_first_use=False,  # it would refer to itself, and outlive its run by many others
        ).bind()
        return logger

    async def flush(self) -> None:
        """Stores what has gathered, and waits for whoever is about it; while Postgres is away the lines wait."""
        async with self._storing:
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                await run_logs.insert(self._database, lines)
            except DatabaseUnavailableError:
                self._lines = lines + self._lines
