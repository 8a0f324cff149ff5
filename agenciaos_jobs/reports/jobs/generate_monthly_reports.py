"""Writes every agency's financial report of a month, and again those of the months before it."""

from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import GiveUp, Hooks, Job, Json, Limits, Schedule
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports import generator
from agenciaos_jobs.reports.delivery import queue
from agenciaos_jobs.reports.documents.summary import summary
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import generation, revisions
from agenciaos_jobs.reports.store.generation import Progress

MAX_LISTED = 1_000
"""Reports in the run's output; the address of all is beside them."""


def _is_month(text: str) -> str:
    try:
        Month.parse(text)
    except ValueError as error:
        raise PydanticCustomError("month", "expected a month such as 2026-10") from error
    return text


MonthText = Annotated[
    str, AfterValidator(_is_month), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"})
]


class Payload(BaseModel):
    """The month and the agency; by default last month in São Paulo, and every agency."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "GenerateMonthlyReports"})

    month: MonthText | None = None
    agencyId: str | None = Field(default=None, min_length=1, max_length=191)  # noqa: N815


async def run(context: RunContext[Reports], payload: Payload) -> Json:
    present = Month.of(context.clock.now())
    month = Month.parse(payload.month) if payload.month else Month.of(context.run.created_at).previous
    if month > present:
        raise GiveUp("month_in_future", f"{month} has not begun yet")
    if payload.agencyId and not await agencies.exists(context.database, payload.agencyId):
        raise GiveUp("agency_not_found", f"there is no agency {payload.agencyId!r}")
    months = await generator.months_of(context, month, payload.agencyId, catch_up=payload.month is None)
    done: dict[Month, Progress] = {}
    for item in sorted({*months.refreshed, *months.new}):
        deliver = partial(queue.deliver, context, item, is_news=item in months.new and item < present)
        done[item] = await generator.generate(context, item, payload.agencyId, deliver)
    output = await _output(context, month, done, payload.agencyId)
    await generation.drop_progress(context.database, context.run.id, context.clock.now())
    return output


async def _output(
    context: RunContext[Reports], month: Month, done: dict[Month, Progress], agency_id: str | None
) -> Json:
    """The counts and totals of the month, its first reports, and what changed in other months."""
    progress = done[month]
    if agency_id:
        own = await revisions.current(context.database, agency_id, month)
        found = [own] if own else []
    else:
        found = await revisions.of_month(context.database, month, MAX_LISTED)
    base = context.uses.public_url or ""
    return {
        "success": True,
        "month": str(month),
        **_counts(progress),
        **{to_camel(name): _exact(value) for name, value in progress.totals.items() if name != "agencies"},
        "refreshed": [{"month": str(item), **_counts(done[item])} for item in sorted(done) if item != month],
        "reportsGenerated": progress.agencies,
        "reports": [summary(item) for item in found],
        "reportsUrl": f"{base}/api/reports?month={month}",
    }


def _counts(progress: Progress) -> Json:
    unchanged = progress.agencies - progress.created - progress.updated
    counts = {"created": progress.created, "updated": progress.updated, "unchanged": unchanged}
    return {"agencies": progress.agencies, **counts}


def _exact(value: str | int) -> Decimal | int:
    return Decimal(value) if isinstance(value, str) else value


JOB = Job(
    task="generate-monthly-reports",
    names=("monthly-report", "monthly-reports"),
    summary=Text("Gera os relatórios financeiros do mês", "Generates the month's financial reports"),
    accepted=Text("Geração de relatórios iniciada", "Report generation started"),
    uses=Reports,
    payload=Payload,
    run=run,
    schedule=Schedule("0 6 1 * *"),
    limits=Limits(attempts=3, max_duration=3600),
    hooks=Hooks(agency=lambda payload: payload.agencyId),
)
