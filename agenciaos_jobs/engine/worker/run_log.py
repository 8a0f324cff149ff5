"""The run log: lines that a job logs go to the process's log and are stored with the run."""

import asyncio
from collections import Counter
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache, wraps
from itertools import count
from typing import Any

import structlog

from agenciaos_jobs.engine.context import Logger
from agenciaos_jobs.engine.model.log_line import NewLogLine, new_log_line
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store import run_logs
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.logs import Line
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import encode
from agenciaos_jobs.foundation.tracing import Recorder

log = structlog.get_logger("agenciaos_jobs.run_log")

INTERVAL = timedelta(milliseconds=250)
"""How long lines are buffered before they are stored and visible."""
MAX_LINES = 10_000
"""The most lines of one attempt that are stored, and of all runs that wait to be stored."""
MAX_SPANS = 100
"""The most calls to other services of one attempt that are stored."""
SPAN = "span"
"""The level of a line that is a call to another service: ``logged_at`` is its start, ``seconds`` its length."""
_BATCH = 500


class _Attempt:
    """How many lines an attempt has logged. ``first_dropped_at`` identifies the stored line that counts the rest."""

    def __init__(self, run: ClaimedRun) -> None:
        self.run, self.lines, self.dropped = run, 0, 0
        self.first_dropped_at = run.attempt_started_at


class RunLog:
    """Buffers the lines of all runs of a worker and stores them in batches. Logging never fails a run."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor
        self._lines: list[NewLogLine] = []
        self._short: dict[tuple[str, int], _Attempt] = {}  # attempts whose stored count of dropped lines is old
        self._dropped: Counter[str] = Counter()
        self._storing = asyncio.Lock()

    def logger(self, run: ClaimedRun, check: Callable[[], None] = lambda: None) -> Logger:
        """The logger that a run's job writes to, from any thread. Its methods never raise.

        Except for ``check``, which may refuse a line by raising ``CancelledError``.
        """
        attempt = _Attempt(run)

        def store_line(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            check()
            self._take(attempt, level, event)
            return event

        config = structlog.get_config()
        logger: Logger = structlog.wrap_logger(
            Line("agenciaos_jobs.job"),
            processors=[store_line, *config["processors"]],
            wrapper_class=_never_raising(config["wrapper_class"]),
            cache_logger_on_first_use=False,  # a cached logger refers to itself, so it would outlive its run
        ).bind()
        return logger

    def span_recorder(self, run: ClaimedRun) -> Recorder:
        """Stores an attempt's calls to other services beside its lines, for the timeline on the run's page."""
        numbers = count()

        def record(name: str, seconds: float) -> None:
            if next(numbers) < MAX_SPANS and len(self._lines) < MAX_LINES:
                began = self._clock.now() - timedelta(seconds=seconds)
                fields = encode({"seconds": round(seconds, 6)})
                self._lines.append(NewLogLine(run.id, run.attempt, began, SPAN, name, fields))

        return record

    def _take(self, attempt: _Attempt, level: str, event: MutableMapping[str, Any]) -> None:
        run, now = attempt.run, self._clock.now()
        if attempt.lines >= MAX_LINES:
            self._drop(attempt, now, "run_limit")
        elif len(self._lines) >= MAX_LINES:
            self._drop(attempt, now, "buffer_full")
        else:
            attempt.lines += 1
            self._lines.append(new_log_line(run.id, run.attempt, now, level, event, self._redactor))

    def _drop(self, attempt: _Attempt, now: datetime, reason: str) -> None:
        if not attempt.dropped:
            attempt.first_dropped_at = now
        attempt.dropped += 1
        self._dropped[reason] += 1
        self._short[attempt.run.id, attempt.run.attempt] = attempt

    async def flush(self) -> None:
        """Stores the buffered lines, after any flush under way. While Postgres is unavailable they stay buffered."""
        async with self._storing:
            try:
                await self._store_lines()
                await self._store_counts()
            except DatabaseUnavailableError:
                return
            except Exception as error:  # noqa: BLE001 - a log line must not decide what becomes of a run
                log.error("run_log_failed", error=type(error).__name__)
            for reason in list(self._dropped):
                log.warning("log_lines_dropped", reason=reason, lines=self._dropped.pop(reason))

    async def _store_lines(self) -> None:
        """Stores the lines that wait now. Those of a batch that Postgres refuses are stored one by one."""
        left, one_by_one = len(self._lines), 0
        while left > 0:
            batch = self._lines[: 1 if one_by_one else min(left, _BATCH)]
            try:
                await run_logs.insert(self._database, batch)
            except DatabaseUnavailableError:
                raise
            except Exception:  # noqa: BLE001 - whatever is wrong with a line, the others are stored
                if len(batch) > 1:
                    one_by_one = len(batch)
                    continue
                self._dropped["refused"] += 1
            del self._lines[: len(batch)]
            left -= len(batch)
            one_by_one = max(one_by_one - 1, 0)

    async def _store_counts(self) -> None:
        """Stores, as one line of each attempt concerned, how many of its lines were dropped so far."""
        short = list(self._short.items())
        counts = [(run_id, number, item.first_dropped_at, item.dropped) for (run_id, number), item in short]
        if not counts:
            return
        await run_logs.count_dropped(self._database, counts)
        for run_id, number, _, dropped in counts:
            if self._short[run_id, number].dropped == dropped:
                del self._short[run_id, number]


@lru_cache
def _never_raising(wrapper_class: type[Any]) -> type[Any]:
    """``wrapper_class`` with methods that report an error in the process's log instead of raising it."""

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def write(*args: Any, **fields: Any) -> Any:
            try:
                return method(*args, **fields)
            except Exception as error:  # noqa: BLE001 - a log line must not decide what becomes of a run
                with suppress(Exception):
                    log.error("log_line_failed", error=type(error).__name__)

        return write

    return type("RunLogger", (wrapper_class,), {name: guarded(getattr(wrapper_class, name)) for name in _METHODS})


_METHODS = (
    *("debug", "info", "msg", "warning", "warn", "error", "exception", "critical", "fatal", "log"),
    "_proxy_to_logger",  # what the asynchronous methods call
)
