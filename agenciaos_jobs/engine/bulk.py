"""Cancels or replays many runs, while whoever asked for it watches."""

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

AT_ONCE = 20
TAKEN_FOR = timedelta(seconds=30)
KEPT = timedelta(days=30)
RETRY = timedelta(seconds=1)


class Bulk:
    """Works through lists of runs. What is left when a server stops, another one, or the next one, goes on with.

    A run is replayed under a key of its item, so that it is once even if two servers come by.
    """

    def __init__(self, database: Database, control: Control, clock: Clock) -> None:
        self._database, self._control, self._clock = database, control, clock
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def start(self, action: Action, run_ids: Sequence[str]) -> str:
        """Has ``action`` done to each run; returns the id by which to watch it."""
        bulk_id, now = self._clock.new_id("bulk"), self._clock.now()
        await bulk.forget(self._database, now - KEPT)
        await bulk.start(self._database, bulk_id, action, run_ids, now)
        log.info("bulk_started", bulk_id=bulk_id, action=action, runs=len(run_ids))
        self.go_on(bulk_id)
        return bulk_id

    async def resume(self) -> None:
        """Goes on with everything that is unfinished."""
        for bulk_id in await bulk.unfinished(self._database):
            self.go_on(bulk_id)

    def go_on(self, bulk_id: str) -> None:
        """Works on it here too, unless this server does already."""
        if bulk_id not in self._under_way:
            task = asyncio.create_task(self._work(bulk_id))
            self._under_way[bulk_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(bulk_id, None))

    async def close(self) -> None:
        """Stops; what is in hand is taken over after a while."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, bulk_id: str) -> None:
        asked = await bulk.get(self._database, bulk_id)
        while asked:
            try:
                now = self._clock.now()
                items = await bulk.take(self._database, bulk_id, now, now - TAKEN_FOR, AT_ONCE)
                if not items:
                    return
                done = await asyncio.gather(*[self._act(asked.action, bulk_id, run_id) for _, run_id in items])
                positions = (position for position, _ in items)
                await bulk.note(self._database, bulk_id, dict(zip(positions, done, strict=True)))
            except DatabaseUnavailableError as error:
                log.warning("bulk_interrupted", bulk_id=bulk_id, error=type(error).__name__)
                await asyncio.sleep(RETRY.total_seconds())

    async def _act(self, action: Action, bulk_id: str, run_id: str) -> Result:
        try:
            if action == "cancel":
                return Result(run_id, "canceled" if await self._control.cancel(run_id) else "over")
            accepted = await self._control.replay(run_id, idempotency_key=f"{bulk_id}:{run_id}")
            return Result(run_id, "replayed", new_run_id=accepted.run_id)
        except UnknownRunError:
            return Result(run_id, "failed", problem="unknown_run")
        except UnknownJobError:
            return Result(run_id, "failed", problem="unknown_task")
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
            return Result(run_id, "failed", problem=f"payload: {fields}")
