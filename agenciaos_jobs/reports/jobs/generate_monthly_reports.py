"""Writes every agency's financial report of a month."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Hooks, Job, Json, Limits, Schedule
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.store import monthly_reports


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


async def run(context: RunContext, payload: Payload) -> CommitWith:
    present = Month.of(context.clock.now())
    month = Month.parse(payload.month) if payload.month else Month.of(context.run.created_at).previous
    if month > present:
        raise GiveUp("month_in_future", f"{month} has not begun yet")
    if payload.agencyId and not await agencies.exists(context.database, payload.agencyId):
        raise GiveUp("agency_not_found", f"there is no agency {payload.agencyId!r}")
    return CommitWith(partial(_generate, context=context, month=month, agency_id=payload.agencyId))


async def _generate(connection: Connection, *, context: RunContext, month: Month, agency_id: str | None) -> Json:
    generated = await monthly_reports.generate(connection, month, agency_id, context.clock.now())
    context.log.info("reports_generated", month=str(month), agencies=generated.agencies)
    unchanged = generated.agencies - generated.created - generated.updated
    return {"success": True, "month": str(month), "unchanged": unchanged, **_camel_case(asdict(generated))}


def _camel_case(values: Json) -> Json:
    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)

    return {camel(name): value for name, value in values.items()}


JOB = Job(
    task="generate-monthly-reports",
    names=("monthly-report", "monthly-reports"),
    summary=Text("Gera os relatórios financeiros do mês", "Generates the month's financial reports"),
    accepted=Text("Geração de relatórios iniciada", "Report generation started"),
    payload=Payload,
    run=run,
    schedule=Schedule("0 6 1 * *"),
    limits=Limits(attempts=3, max_duration=300),
    hooks=Hooks(agency=lambda payload: payload.agencyId),
)
