"""Sends one alert on one channel."""

from functools import partial

from pydantic import BaseModel, ConfigDict, Field

from agenciaos_jobs.alerts.alert import DELIVERY
from agenciaos_jobs.alerts.alerting import Alerting
from agenciaos_jobs.alerts.kinds import CHANNEL_BROKEN
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.store.alerts import Notice
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Json, Limits, RetryLater
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.i18n.text import Text


class Payload(BaseModel):
    """Which notice: a row of ``jobs.alert_notices``."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "DeliverAlert"})

    notice: str = Field(min_length=1, max_length=64)


async def run(context: RunContext[Alerting], payload: Payload) -> Json | CommitWith:
    notice = await alerts.notice(context.database, payload.notice)
    if notice is None:
        raise GiveUp("unknown_notice", f"there is no notice {payload.notice!r}")
    if notice.sent_at:
        return {"channel": notice.channel, "sentAt": notice.sent_at.isoformat()}
    try:
        await deliver(context.database, context.clock, context.uses, notice)
    except ChannelError as error:
        if error.is_final or context.run.attempt >= context.run.max_attempts:
            _report_broken_channel(context, notice, error)
        if error.is_final:
            raise GiveUp(error.code, error.message) from error
        raise RetryLater(error.code, error.message, after=error.after) from error
    return CommitWith(partial(_record_sent, context=context, notice=notice))


async def deliver(database: Database, clock: Clock, alerting: Alerting, notice: Notice) -> None:
    """Sends the notice. A failure is recorded with the channel and raised as :class:`ChannelError`."""
    try:
        channel = alerting.channels.get(notice.channel)
        if channel is None:
            raise ChannelError("channel_not_configured", f"no settings for {notice.channel}", is_final=True)
        await channel.send(notice.id, notice.message)
        metrics.ALERT_DELIVERIES.labels(notice.channel, "sent").inc()
    except ChannelError as error:
        metrics.ALERT_DELIVERIES.labels(notice.channel, "refused").inc()
        await alerts.mark_failed(database, notice.id, notice.channel, error.message, clock.now())
        raise


async def _record_sent(connection: Connection, *, context: RunContext[Alerting], notice: Notice) -> Json:
    now = context.clock.now()
    await alerts.mark_sent(connection, notice.id, notice.channel, now)
    return {"channel": notice.channel, "sentAt": now.isoformat()}


def _report_broken_channel(context: RunContext[Alerting], notice: Notice, error: ChannelError) -> None:
    """Raises an alert about the channel, unless the notice itself is about a broken channel."""
    if notice.kind != CHANNEL_BROKEN:
        context.uses.buffer.record(CHANNEL_BROKEN, notice.channel, error=error.message)


JOB = Job(
    task=DELIVERY,
    summary=Text("Envia um alerta por um canal", "Sends an alert on a channel"),
    accepted=Text("Envio de alerta iniciado", "Alert delivery started"),
    uses=Alerting,
    payload=Payload,
    run=run,
    is_internal=True,
    limits=Limits(attempts=12, max_duration=120, backoff=Backoff(minimum=5, maximum=600, factor=2), priority=24 * 3600),
)
