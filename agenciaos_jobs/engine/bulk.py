"""Bulk actions: cancel or replay many runs in the background, with progress to watch."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from pydantic import ValidationError

from agenciaos_jobs.engine.control import Control, UnknownRunError
from agenciaos_jobs.engine.intake import UnknownJobError
from agenciaos_jobs.engine.store import bulk
from agenciaos_jobs.engine.store.bulk import Action, Result
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.bulk")

BATCH_SIZE = 20
CLAIM_TIMEOUT = timedelta(seconds=30)
RETENTION = timedelta(days=30)
RETRY = timedelta(seconds=1)


class Bulk:
    """Works through lists of runs. Any server can continue what another one left unfinished.

    A replay has an idempotency key made of the action and the run, so two servers at one item make one run.
    """

    def __init__(self, database: Database, control: Control, clock: Clock) -> None:
        self._database, self._control, self._clock = database, control, clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, action: Action, run_ids: Sequence[str], name: str | None = None) -> str:
        """Starts ``action`` on each run; returns the id of the bulk action. ``name`` is its caller's."""
        bulk_id, now = self._clock.new_id("bulk"), self._clock.now()
        await bulk.delete_old(self._database, now - RETENTION)
        await bulk.start(self._database, bulk_id, action, run_ids, now, name)
        log.info("bulk_started", bulk_id=bulk_id, action=action, runs=len(run_ids))
        self.work_on(bulk_id)
        return bulk_id

    async def abort(self, bulk_id: str) -> None:
        """Acts on no more of its runs. What was begun is finished."""
        await bulk.abort(self._database, bulk_id, self._clock.now())

    async def resume(self) -> None:
        """Continues all unfinished bulk actions."""
        for bulk_id in await bulk.unfinished(self._database):
            self.work_on(bulk_id)

    def work_on(self, bulk_id: str) -> None:
        """Works on a bulk action in this process, unless it already does."""
        if bulk_id not in self._tasks:
            task = asyncio.create_task(self._work(bulk_id))
            self._tasks[bulk_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(bulk_id, None))

    async def close(self) -> None:
        """Stops working. Claimed items can be claimed again after :data:`CLAIM_TIMEOUT`."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, bulk_id: str) -> None:
        requested = await bulk.get(self._database, bulk_id)
        while requested:
            try:
                now = self._clock.now()
                items = await bulk.take(self._database, bulk_id, now, now - CLAIM_TIMEOUT, BATCH_SIZE)
                if not items:
                    await bulk.complete(self._database, bulk_id, now)
                    return
                done = await asyncio.gather(*[self._act(requested.action, bulk_id, run_id) for _, run_id in items])
                results = dict(zip((position for position, _ in items), done, strict=True))
                await bulk.record_results(self._database, bulk_id, results, self._clock.now())
            except DatabaseUnavailableError as error:
                log.warning("bulk_interrupted", bulk_id=bulk_id, error=type(error).__name__)
                await asyncio.sleep(RETRY.total_seconds())

    async def _act(self, action: Action, bulk_id: str, run_id: str) -> Result:
        try:
            if action == "cancel":
                return Result(run_id, "canceled" if await self._control.cancel(run_id) else "over")
            triggered = await self._control.replay(run_id, idempotency_key=f"{bulk_id}:{run_id}")
            return Result(run_id, "replayed", new_run_id=triggered.run_id)
        except UnknownRunError:
            return Result(run_id, "failed", problem="unknown_run")
        except UnknownJobError:
            return Result(run_id, "failed", problem="unknown_task")
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
            return Result(run_id, "failed", problem=f"payload: {fields}")
