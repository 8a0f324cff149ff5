"""Generates months of reports: each is drafted in one pass, then written in chunks that commit on their own.

A worker that is killed leaves the drafts that are not yet written. The next attempt goes on with them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.store import run_changes
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import generation
from agenciaos_jobs.reports.store.generation import Progress, Written

CHUNK = 2_000
"""Reports that are written in one transaction."""

TIMEOUT = 600
"""Seconds that one pass over the bookkeeping may take."""

MISSED = 12
"""How many months before the report's own are checked for missed slots."""

Deliver = Callable[[Connection, list[Written], int], Awaitable[None]]
"""``async (connection, written, before)``: in the chunk's transaction; ``before`` were written in earlier ones."""


@dataclass(frozen=True)
class Months:
    """The months of a run, oldest first: those with reports that are generated again, and those that are new."""

    refreshed: tuple[Month, ...]
    new: tuple[Month, ...]


async def months_of(context: RunContext[Reports], month: Month, agency_id: str | None, *, catch_up: bool) -> Months:
    """The months that a run for ``month`` generates. ``catch_up``: also those since the newest one with a report."""
    first = month.back(max(MISSED, context.uses.refresh_months))
    known = await generation.months_with_reports(context.database, first, month, agency_id)
    refreshed = [item for item in known if item >= month.back(context.uses.refresh_months)]
    missed = []
    if catch_up and known:
        missed = [month.back(age) for age in range(MISSED, 0, -1) if month.back(age) > known[-1]]
    return Months(tuple(refreshed), (*missed, month))


async def generate(context: RunContext[Reports], month: Month, agency_id: str | None, deliver: Deliver) -> Progress:
    """Generates a month's reports of every agency, or of one, and returns what came of it."""
    progress = await _drafted(context, month, agency_id)
    while not progress.is_complete:
        progress = await _write_chunk(context, month, deliver)
    context.log.info(
        "reports_generated",
        month=str(month),
        agencies=progress.agencies,
        created=progress.created,
        updated=progress.updated,
    )
    return progress


async def _drafted(context: RunContext[Reports], month: Month, agency_id: str | None) -> Progress:
    now = context.clock.now()
    tomorrow = now.astimezone(SAO_PAULO).date() + timedelta(days=1)
    async with context.database.within(TIMEOUT).transaction() as connection:
        if found := await generation.locked_progress(connection, context.run.id, month):
            return found
        progress = await generation.draft(
            connection,
            context.run.id,
            month,
            agency_id,
            until=min(month.next.first_day, tomorrow),
            rates=context.uses.rates,
            now=now,
        )
        await _show(connection, context, month, progress)
    return progress


async def _write_chunk(context: RunContext[Reports], month: Month, deliver: Deliver) -> Progress:
    async with context.database.transaction() as connection:
        progress = await generation.locked_progress(connection, context.run.id, month)
        if progress is None:
            raise RuntimeError("another attempt of this run has ended it")
        before, now = progress.created + progress.updated, context.clock.now()
        written = await generation.write_chunk(connection, context.run.id, month, CHUNK, now, before=before)
        await deliver(connection, written, before)
        created = sum(item.revision == 1 for item in written)
        left = len(written) - created if written else progress.drafted - before
        progress = await generation.advance(connection, context.run.id, month, created, left)
        await _show(connection, context, month, progress)
    if not progress.is_complete:
        context.log.info("reports_written", month=str(month), done=progress.created + progress.updated)
    return progress


async def _show(connection: Connection, context: RunContext[Reports], month: Month, progress: Progress) -> None:
    """Shows in the run's metadata how far it is."""
    held = await run_changes.hold(connection, context.run.id)
    if held is not None:
        done = {"month": str(month), "written": progress.created + progress.updated, "of": progress.drafted}
        metadata = {**(held.metadata or {}), "progress": done}
        await run_changes.set_metadata(connection, context.run.id, metadata, context.clock.now())
