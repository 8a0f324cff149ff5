"""Actions on a stored run by its id: cancel, replay, reschedule, wake, change metadata and tags."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from asyncpg import LockNotAvailableError

from agenciaos_jobs.engine.intake import Intake, UnknownJobError
from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.metadata import Change, changed
from agenciaos_jobs.engine.model.new_run import agency_key, new_run
from agenciaos_jobs.engine.model.run import TriggerResult
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import history, run_changes, runs
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.engine.store.run_changes import Canceled, Changeable
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.errors import DomainError, InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.control")


_CANCEL_TRIES = 3


class UnknownRunError(DomainError):
    """There is no run with this id."""

    status = 404
    text = Text("Execução não encontrada", "Run not found")


class NotDelayedError(DomainError):
    """The run is not DELAYED, so it can't be rescheduled."""

    status = 400
    text = Text("Só uma execução DELAYED muda de hora", "Only a DELAYED run can be rescheduled")


class TooManyTagsError(InvalidFieldsError):
    """The run would have ``count`` tags, which exceeds ``limit``."""

    def __init__(self, count: int, limit: int) -> None:
        message = f"the run would have {count} tags of at most {limit}"
        wrong = WrongField(("tags",), "too_many_tags", message, {"count": count, "limit": limit})
        super().__init__(message, fields=[wrong])


class Control:
    """Acts on stored runs. An executing run is stopped by its worker's heartbeat, within two beats."""

    def __init__(
        self, database: Database, intake: Intake, outbox: RedisOutbox, clock: Clock, jobs: Mapping[str, Job[Any]]
    ) -> None:
        self._database, self._intake, self._outbox, self._clock = database, intake, outbox, clock
        self._jobs = jobs

    async def cancel(self, run_id: str) -> bool:
        """Cancels the run; ``False`` if it had already ended. Raises :class:`UnknownRunError`."""
        canceled = await self._cancel(run_id)
        if canceled is None:
            await self.get(run_id)
            return False
        log.info("run_canceled", run_id=run_id, task=canceled.task, status_before=canceled.status_before)
        if canceled.concurrency_key:
            self._outbox.send(*await runs.unblock_next(self._database, [canceled.concurrency_key]))
        return True

    async def _cancel(self, run_id: str) -> Canceled | None:
        """Cancels the run, if need be by ending the transaction in which its job's effect is about to complete it.

        Raises :class:`DatabaseUnavailableError` if its row stays locked all the same.
        """
        for _ in range(_CANCEL_TRIES):
            try:
                async with self._database.transaction() as connection:
                    canceled = await run_changes.cancel(connection, run_id, self._clock.now())
                    if canceled:
                        job = self._jobs.get(canceled.task)
                        if job and job.hooks.on_discard:
                            await job.hooks.on_discard(connection, [run_id])
                return canceled
            except LockNotAvailableError:
                ended = await run_changes.interrupt_completion(self._database, run_id)
                log.warning("completion_interrupted", run_id=run_id, transactions=ended)
        raise DatabaseUnavailableError(f"{run_id} stays locked")

    async def replay(self, run_id: str, *, payload: Json | None = None, **changes: Any) -> TriggerResult:
        """Triggers a new run of the same job, with the same payload and limits except for ``changes``.

        ``changes`` are :class:`NewRun`'s fields. Raises :class:`UnknownRunError`, :class:`UnknownJobError`, or
        pydantic's ``ValidationError`` if the payload is not valid for the job as it is now.
        """
        run = await self.get(run_id)
        if run.task not in self._jobs:
            raise UnknownJobError(run.task)
        options = {
            "tags": tuple(run.tags),
            "max_attempts": run.max_attempts,
            "max_duration": run.max_duration,
            "metadata": run.metadata,
            "queue": run.queue,
            "is_test": run.is_test,
            **_own_limit(run),
        } | {name: value for name, value in changes.items() if value is not None}
        given = run.payload if payload is None else payload
        replay = new_run(self._jobs[run.task], given, source="replay", replay_of=run.id, **options)
        return await self._intake.trigger(replay)

    async def reschedule(self, run_id: str, delay: timedelta) -> StoredRun:
        """Delays a DELAYED run until ``delay`` from now.

        Raises :class:`UnknownRunError` or :class:`NotDelayedError`.
        """
        now = self._clock.now()
        queued = await runs.reschedule(self._database, run_id, now + delay, now)
        run = await self.get(run_id)
        if queued is None:
            raise NotDelayedError(run_id)
        self._outbox.send(queued)
        return run

    async def wake(self, run_id: str) -> None:
        """Makes a snoozed run due now; does nothing to any other run."""
        if run := await runs.wake(self._database, run_id, self._clock.now()):
            self._outbox.send(run)

    async def change_metadata(self, run_id: str, changes: Iterable[Change], check: Callable[[Json], None]) -> Json:
        """Applies changes in order and returns the metadata. ``check`` may raise to reject it.

        Raises :class:`UnknownRunError`.
        """
        async with self._database.transaction() as connection:
            metadata = changed((await self._lock(connection, run_id)).metadata or {}, changes)
            check(metadata)
            await run_changes.set_metadata(connection, run_id, metadata, self._clock.now())
        return metadata

    async def add_tags(self, run_id: str, tags: Iterable[str], limit: int) -> int:
        """Adds the tags that the run does not have, up to ``limit`` in all; returns how many were added.

        Raises :class:`UnknownRunError` or :class:`TooManyTagsError`.
        """
        async with self._database.transaction() as connection:
            present = (await self._lock(connection, run_id)).tags
            combined = list(dict.fromkeys([*present, *tags]))
            if len(combined) > limit:
                raise TooManyTagsError(len(combined), limit)
            if added := len(combined) - len(present):
                await run_changes.set_tags(connection, run_id, combined, self._clock.now())
        return added

    async def _lock(self, connection: Connection, run_id: str) -> Changeable:
        held = await run_changes.hold(connection, run_id)
        if held is None:
            raise UnknownRunError(run_id)
        return held

    async def get(self, run_id: str) -> StoredRun:
        """The run. Raises :class:`UnknownRunError`."""
        run = await history.get(self._database, run_id)
        if run is None:
            raise UnknownRunError(run_id)
        return run


def _own_limit(run: StoredRun) -> Json:
    """The concurrency limit that a caller gave the run, as opposed to the job's own."""
    if run.concurrency_key is None or run.concurrency_key == agency_key(run.task, run.agency_id):
        return {}
    return {"concurrency_key": run.concurrency_key, "concurrency_limit": run.concurrency_limit}
