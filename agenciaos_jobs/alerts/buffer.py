"""Alerts that are raised where nobody should wait for them."""

import asyncio
from datetime import timedelta

import structlog

from agenciaos_jobs.alerts.alert import Event, Raised, joined, together
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailable
from agenciaos_jobs.foundation.loops import happens
from agenciaos_jobs.foundation.redact import Redactor

log = structlog.get_logger("agenciaos_jobs.alarm")

_GATHERING = timedelta(milliseconds=200)
_WAIT_FOR_DATABASE = timedelta(seconds=1)
_KEPT = 1_000


class Alarm:
    """Gathers what a process raises and stores it together, a few times a second at most.

    However often a wrong token is sent, it costs one statement a round. While Postgres is away it waits.
    """

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor
        self._waiting: dict[tuple[str, str], Raised] = {}
        self._writer: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def raise_event(self, event: Event) -> None:
        """Takes the event in without waiting for anything."""
        self._take(together([event]))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    def _take(self, raised: list[Raised]) -> None:
        for one in raised:
            name = (one.kind, one.key)
            if name in self._waiting:
                self._waiting[name] = joined(self._waiting[name], one)
            elif len(self._waiting) < _KEPT:
                self._waiting[name] = one

    async def _write(self) -> None:
        await happens(self._closing, _GATHERING)
        while self._waiting:
            gathered, self._waiting = list(self._waiting.values()), {}
            try:
                await alerts.add_raised(self._database, [self._clean(one) for one in gathered], self._clock)
            except DatabaseUnavailable as error:
                log.warning("alerts_wait_for_database", alerts=len(gathered), error=type(error).__name__)
                newer, self._waiting = list(self._waiting.values()), {}
                self._take(gathered + newer)
                if self._closing.is_set():
                    return
                await happens(self._closing, _WAIT_FOR_DATABASE)

    def _clean(self, one: Raised) -> Raised:
        """Without secrets, and without what Postgres does not store."""
        details = {name: self._text(value, name) for name, value in one.details.items()}
        subjects = tuple(str(self._text(subject, "")) for subject in one.subjects)
        return Raised(one.kind, str(self._text(one.key, "")), subjects, details, one.occurrences, one.once)

    def _text(self, value: object, name: str) -> object:
        clean = self._redactor.value(value, name)
        if isinstance(clean, int | float | None):
            return clean
        return str(clean).replace("\0", "").encode("utf-8", "replace").decode()[:500]

    async def close(self) -> None:
        """Stores what has gathered; tries once more where Postgres is away."""
        self._closing.set()
        if self._writer is not None:
            await self._writer
