"""A buffer for alerts, for callers that must not wait."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from agenciaos_jobs.alerts.alert import AlertEvent, GroupedEvents, group, merge
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.loops import wait_for
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import storable

log = structlog.get_logger("agenciaos_jobs.alarm")

_FLUSH_DELAY = timedelta(milliseconds=200)
_RETRY_DELAY = timedelta(seconds=1)
_MAX_ALERTS = 1_000


class AlertBuffer:
    """Buffers a process's alerts and stores them together, at most a few times a second.

    Any number of events costs one statement per flush. While Postgres is unavailable it retries.
    """

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor
        self._waiting: dict[tuple[str, str], GroupedEvents] = {}
        self._writer: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def record(self, kind: AlertKind, key: str = "", *, subject: str | None = None, **details: Any) -> None:
        """Records an alert, without waiting and without failing; it is stored within a second.

        Alerts of one kind and key are one, counted and notified together; ``subject`` is whom or what this one is
        about. If the alert must commit with a transaction, use ``alerts.store.alerts.add`` on its connection.
        """
        self._take(group([AlertEvent(kind, key, subject, details)]))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    def _take(self, raised: list[GroupedEvents]) -> None:
        for one in raised:
            name = (one.kind, one.key)
            if name in self._waiting:
                self._waiting[name] = merge(self._waiting[name], one)
            elif len(self._waiting) < _MAX_ALERTS:
                self._waiting[name] = one

    async def _write(self) -> None:
        await wait_for(self._closing, _FLUSH_DELAY)
        while self._waiting:
            gathered, self._waiting = list(self._waiting.values()), {}
            try:
                await alerts.add_grouped(self._database, [self._clean(one) for one in gathered], self._clock)
            except DatabaseUnavailableError as error:
                log.warning("alerts_wait_for_database", alerts=len(gathered), error=type(error).__name__)
                newer, self._waiting = list(self._waiting.values()), {}
                self._take(gathered + newer)
                if self._closing.is_set():
                    return
                await wait_for(self._closing, _RETRY_DELAY)

    def _clean(self, one: GroupedEvents) -> GroupedEvents:
        """Without secrets, and without what Postgres does not store."""
        details = {name: self._text(value, name) for name, value in one.details.items()}
        subjects = tuple(str(self._text(subject, "")) for subject in one.subjects)
        return GroupedEvents(one.kind, str(self._text(one.key, "")), subjects, details, one.occurrences, one.once)

    def _text(self, value: object, name: str) -> object:
        clean = self._redactor.value(value, name)
        if isinstance(clean, int | float | None):
            return clean
        return storable(str(clean))[:500]

    async def close(self) -> None:
        """Flushes the buffer; one more attempt if Postgres is unavailable."""
        self._closing.set()
        if self._writer is not None:
            await self._writer
