"""Calls on runs: ``client.runs``."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from agenciaos_jobs.client import subscriptions
from agenciaos_jobs.client.models import Page, Run, RunHandle
from agenciaos_jobs.client.options import as_json, as_wire, moment_or_duration
from agenciaos_jobs.client.transport import Transport


class Runs:
    """Reads runs and acts on them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def retrieve(self, run_id: str) -> Run:
        return await self._transport.call(Run, "GET", f"/api/v3/runs/{_part(run_id)}")

    async def list(
        self,
        *,
        status: Sequence[str] = (),
        task: Sequence[str] = (),
        tag: Sequence[str] = (),
        period: timedelta | str | None = None,
        limit: int = 25,
        after: str | None = None,
        before: str | None = None,
    ) -> Page:
        """Runs, newest first, of any of the given statuses, tasks and tags.

        ``period`` is how long ago they may have been made. ``limit`` is at most 100.
        """
        query = {
            "filter[status]": ",".join(status),
            "filter[taskIdentifier]": ",".join(task),
            "filter[tag]": ",".join(tag),
            "filter[createdAt][period]": moment_or_duration(period) if period else "",
            "page[size]": str(limit),
            "page[after]": after or "",
            "page[before]": before or "",
        }
        given = {name: value for name, value in query.items() if value}
        return await self._transport.call(Page, "GET", "/api/v1/runs", query=given)

    async def cancel(self, run_id: str) -> RunHandle:
        """Cancels a run; one that has ended stays as it is."""
        return await self._transport.call(RunHandle, "POST", f"/api/v2/runs/{_part(run_id)}/cancel")

    async def replay(self, run_id: str, payload: Any = None, **options: Any) -> RunHandle:
        """Runs again, as a new run; a payload or :class:`TriggerOptions` replace those of the first."""
        body = as_wire(options) | ({} if payload is None else {"payload": as_json(payload)})
        return await self._transport.call(RunHandle, "POST", f"/api/v1/runs/{_part(run_id)}/replay", body or None)

    async def reschedule(self, run_id: str, delay: timedelta | datetime | str) -> Run:
        """Gives a DELAYED run another time: a time from now, or a moment."""
        body = {"delay": moment_or_duration(delay)}
        return await self._transport.call(Run, "POST", f"/api/v1/runs/{_part(run_id)}/reschedule", body)

    async def wait(self, run_id: str, *, timeout: float | None = None) -> Run:  # noqa: ASYNC109
        """The run once it has ended, in whatever way. Raises ``TimeoutError`` after ``timeout`` seconds."""
        async with asyncio.timeout(timeout):
            async for run in self.subscribe(run_id):
                last = run
        return last

    async def subscribe(self, run_id: str) -> AsyncIterator[Run]:
        """The run, and again after each change, until it has ended."""
        async with aclosing(self._changes(f"/realtime/v1/runs/{_part(run_id)}")) as changed:
            async for _ in changed:
                run = await self.retrieve(run_id)
                yield run
                if run.is_completed:
                    return

    async def subscribe_to_tags(self, *tags: str) -> AsyncIterator[Run]:
        """The runs of the last 24 hours with all of these tags, and each again after each change, without end."""
        async with aclosing(self._changes("/realtime/v1/runs", tags=",".join(tags))) as changed:
            async for run_id in changed:
                yield await self.retrieve(run_id)

    async def subscribe_to_batch(self, batch_id: str) -> AsyncIterator[Run]:
        """The runs of a batch, and each again after each change, without end."""
        async with aclosing(self._changes(f"/realtime/v1/batches/{_part(batch_id)}")) as changed:
            async for run_id in changed:
                yield await self.retrieve(run_id)

    def _changes(self, path: str, **query: str) -> AsyncGenerator[str, None]:
        return subscriptions.changes(self._transport, path, query)


def _part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")
