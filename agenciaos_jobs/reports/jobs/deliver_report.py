"""Sends one agency's report by e-mail or webhook: a run of its own, so that each is retried alone."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import GiveUp, Hooks, Job, Json, Limits, RetryLater
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.delivery import insights
from agenciaos_jobs.reports.delivery.queue import TASK
from agenciaos_jobs.reports.delivery.sending import send_event, send_mails
from agenciaos_jobs.reports.documents.composed import Composed, compose
from agenciaos_jobs.reports.resources import Reports


class Payload(BaseModel):
    """Which report, and how. ``again``: also to those who got its current revision before."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "DeliverReport"})

    agencyId: str = Field(min_length=1, max_length=191)  # noqa: N815
    month: str
    channel: Literal["email", "webhook"]
    again: bool = False


async def run(context: RunContext[Reports], payload: Payload) -> Json:
    """Sends the current revision, which may be newer than the one that the run was triggered for."""
    composed = await _composed(context, payload)
    request = context.run.id if payload.again else ""
    if payload.channel == "email":
        if context.uses.insights:
            await insights.require(context, composed)
            composed = await _composed(context, payload)
        result = await send_mails(context, composed, request=request)
    else:
        result = await send_event(context, composed, request=request)
    if result.error and result.error.is_final:
        raise GiveUp(result.error.code, result.error.message)
    if result.error:
        raise RetryLater(result.error.code, result.error.message, after=result.error.after)
    revision = composed.report.revision
    context.log.info("report_delivered", channel=payload.channel, month=payload.month, revision=revision)
    found = {name: getattr(result, name) for name in ("sent", "refused", "skipped", "unknown")}
    return {"revision": revision, **{name: value for name, value in found.items() if value}}


async def _composed(context: RunContext[Reports], payload: Payload) -> Composed:
    is_on = context.uses.mailer if payload.channel == "email" else context.uses.webhook
    if not is_on:
        setting = "REPORT_EMAIL" if payload.channel == "email" else "REPORT_WEBHOOK_URL"
        raise GiveUp("report_delivery_off", f"{setting} is not set")
    composed = await compose(context.database, payload.agencyId, Month.parse(payload.month))
    if composed is None:
        raise GiveUp("report_not_found", f"agency {payload.agencyId!r} has no report of {payload.month}")
    return composed


JOB = Job(
    task=TASK,
    summary=Text("Envia um relatório por e-mail ou webhook", "Sends a report by e-mail or webhook"),
    accepted=Text("Envio de relatório iniciado", "Report delivery started"),
    uses=Reports,
    payload=Payload,
    run=run,
    is_internal=True,
    limits=Limits(attempts=8, max_duration=900, backoff=Backoff(minimum=30, maximum=3600, factor=4)),
    hooks=Hooks(agency=lambda payload: payload.agencyId),
)
