"""Triggers a run of its own for each delivery of a report."""

from datetime import timedelta

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import deliveries
from agenciaos_jobs.reports.store.deliveries import Channel
from agenciaos_jobs.reports.store.generation import Written

TASK = "deliver-report"


def payload(agency_id: str, month: Month, channel: Channel, *, again: bool = False) -> Json:
    """The payload of a delivery. ``again``: also to those who got the current revision before."""
    return {"agencyId": agency_id, "month": str(month), "channel": channel} | ({"again": True} if again else {})


async def deliver(
    context: RunContext[Reports],
    month: Month,
    connection: Connection,
    written: list[Written],
    before: int,
    *,
    is_news: bool,
) -> None:
    """Triggers the deliveries of a chunk, in its transaction.

    The webhook gets every revision of a whole month. By e-mail goes a month's first whole report alone, so that
    nobody gets a mail for each correction; ``is_news`` is whether the month is one of those.
    """
    reports, whole = context.uses, month < Month.of(context.clock.now())
    if reports.webhook and whole:
        items: list[tuple[Json, Json]] = [(payload(item.agency_id, month, "webhook"), {}) for item in written]
        await context.trigger_all_in(connection, TASK, items)
    if reports.mailer and is_news:
        wanted = await deliveries.with_recipients(connection, [item.agency_id for item in written if item.is_first])
        chosen = [item for item in written if item.agency_id in wanted and item.is_first]
        mails: list[tuple[Json, Json]] = [
            (
                payload(item.agency_id, month, "email"),
                {"delay": timedelta(minutes=1) * (before + place) / reports.emails_per_minute},
            )
            for place, item in enumerate(chosen)
        ]
        await context.trigger_all_in(connection, TASK, mails)


async def request(
    database: Database, intake: Intake, reports: Reports, month: Month, agency_ids: list[str], *, source: str
) -> int:
    """Triggers the deliveries of a month's reports on request, also to those who got them; returns how many.

    The webhook gets all of them; a mail goes for those that somebody receives.
    """
    async with database.transaction() as connection:
        items: list[tuple[Json, Json]] = []
        if reports.webhook:
            items += [(payload(agency_id, month, "webhook", again=True), {}) for agency_id in agency_ids]
        if reports.mailer:
            wanted = await deliveries.with_recipients(connection, agency_ids)
            mails = [agency_id for agency_id in agency_ids if agency_id in wanted]
            gap = timedelta(minutes=1) / reports.emails_per_minute
            items += [
                (payload(agency_id, month, "email", again=True), {"delay": gap * place})
                for place, agency_id in enumerate(mails)
            ]
        await intake.trigger_all_in(connection, TASK, items, source=source)
    return len(items)
