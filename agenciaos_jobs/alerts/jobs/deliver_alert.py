"""Sends one alert on one channel."""

from functools import partial

from pydantic import BaseModel, ConfigDict, Field

from agenciaos_jobs.alerts.alert import DELIVERY, Kind
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.store.alerts import Notice
from agenciaos_jobs.engine.context import App, RunApp
from agenciaos_jobs.engine.model.job import Finish, GiveUp, Job, Json, RetryLater
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.database import Connection


class Payload(BaseModel):
    """Which notice: a row of ``jobs.alert_notices``."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "DeliverAlert"})

    notice: str = Field(min_length=1, max_length=64)


async def run(app: RunApp, payload: Payload) -> Json | Finish:
    notice = await alerts.notice(app.database, payload.notice)
    if notice is None:
        raise GiveUp("unknown_notice", f"there is no notice {payload.notice!r}")
    if notice.sent_at:
        return {"channel": notice.channel, "sentAt": notice.sent_at.isoformat()}
    try:
        await deliver(app, notice)
    except ChannelError as error:
        if error.is_final or app.run.attempt >= app.run.max_attempts:
            _tell_on_the_others(app, notice, error)
        if error.is_final:
            raise GiveUp(error.code, error.message) from error
        raise RetryLater(error.code, error.message, after=error.after) from error
    return Finish(partial(_note, app=app, notice=notice))


async def deliver(app: App, notice: Notice) -> None:
    """Sends the notice; what goes wrong is noted with the channel, and raised as :class:`ChannelError`."""
    try:
        channel = app.alerting.channels.get(notice.channel)
        if channel is None:
            raise ChannelError("channel_not_configured", f"no settings for {notice.channel}", is_final=True)
        await channel.send(notice.id, notice.message)
        metrics.ALERT_DELIVERIES.labels(notice.channel, "sent").inc()
    except ChannelError as error:
        metrics.ALERT_DELIVERIES.labels(notice.channel, "refused").inc()
        await alerts.failed(app.database, notice.id, notice.channel, error.message, app.clock.now())
        raise


async def _note(connection: Connection, *, app: RunApp, notice: Notice) -> Json:
    now = app.clock.now()
    await alerts.sent(connection, notice.id, notice.channel, now)
    return {"channel": notice.channel, "sentAt": now.isoformat()}


def _tell_on_the_others(app: RunApp, notice: Notice, error: ChannelError) -> None:
    """A channel that fails while it tells of a broken channel is told of no more."""
    if notice.kind != Kind.CHANNEL_BROKEN:
        app.alert(Kind.CHANNEL_BROKEN, notice.channel, error=error.message)


JOB = Job(
    task=DELIVERY,
    summary="Envia um alerta por um canal / Sends an alert on a channel",
    accepted={"pt": "Envio de alerta iniciado", "en": "Alert delivery started"},
    payload=Payload,
    run=run,
    attempts=12,
    max_duration=60,
    backoff=Backoff(minimum=5, maximum=600, factor=2),
    priority=24 * 3600,
    is_internal=True,
)
