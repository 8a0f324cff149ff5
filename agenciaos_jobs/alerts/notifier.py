"""Notifies operators: makes a run for each channel of each alert that is due."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from agenciaos_jobs.alerts.affected import NOBODY, affected
from agenciaos_jobs.alerts.alert import DELIVERY, Alert, Notification, Rule, next_notification
from agenciaos_jobs.alerts.alerting import Alerting
from agenciaos_jobs.alerts.conditions import Conditions
from agenciaos_jobs.alerts.jobs import deliver_alert
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.kinds import CHANNEL_BROKEN
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.store.alerts import NewNotice
from agenciaos_jobs.alerts.store.conditions import try_start_interval
from agenciaos_jobs.alerts.text import message
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.watch")

INTERVAL = timedelta(seconds=2)
CONDITIONS_EVERY = timedelta(seconds=30)
OVERDUE = timedelta(seconds=30)
"""A notice that no worker has sent by then is sent by a server, where no worker is running."""
OUTDATED = timedelta(hours=1)
"""What is older is left to its run."""


class AlertNotifier:
    """Runs in every worker and server; a lock lets one at a time notify, and one at a time evaluate conditions."""

    def __init__(
        self, database: Database, clock: Clock, intake: Intake, alerting: Alerting, conditions: Conditions
    ) -> None:
        self._database, self._clock, self._intake, self._alerting = database, clock, intake, alerting
        self.conditions = conditions

    async def run_once(self) -> None:
        """Evaluates conditions where it is time to, and notifies of what is due."""
        try:
            now = self._clock.now()
            if await try_start_interval(self._database, "conditions", now, CONDITIONS_EVERY):
                await self.conditions.evaluate()
            if await alerts.is_open(self._database):
                await self.enqueue_due_notifications()
        except DatabaseUnavailableError as error:
            log.warning("watch_interrupted", error=type(error).__name__)

    async def enqueue_due_notifications(self) -> None:
        """Makes a run for each channel of each alert that is due."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await alerts.try_notifier_lock(connection):
                return
            open_alerts = await alerts.open_alerts(connection)
            decided = [(alert, next_notification(alert, self._rule(alert.kind), now)) for alert in open_alerts]
            due = [(alert, what) for alert, what in decided if what and what is not Notification.DROPPED]
            dropped = [alert.id for alert, what in decided if what is Notification.DROPPED]
            await alerts.mark_notified(connection, dropped=dropped, notified=[alert.id for alert, _ in due], now=now)
            await self._enqueue(connection, due)
        for alert, what in due:
            metrics.ALERTS.labels(alert.kind, what).inc()
            log.warning("alert_told", kind=alert.kind, key=alert.key, telling=what, occurrences=alert.pending)

    async def _enqueue(self, connection: Connection, due: Sequence[tuple[Alert, Notification]]) -> None:
        """One run for each of the rules' channels that is configured; a broken channel gets none about itself."""
        now, addressed = self._clock.now(), []
        about = await affected(connection, [alert for alert, _ in due])
        for alert, what in due:
            rule = self._rule(alert.kind)
            text = message(alert, what, now, self._alerting.public_url, about.get(alert.id, NOBODY))
            own = alert.key if alert.kind == CHANNEL_BROKEN else None
            channels = [name for name in rule.channels if name in self._alerting.channels and name != own]
            for channel in channels if rule.enabled else ():
                addressed.append((self._clock.new_id("notice"), alert, channel, what, text))
        payloads: list[tuple[Json, Json]] = [({"notice": notice_id}, {}) for notice_id, *_ in addressed]
        runs = await self._intake.trigger_all_in(connection, DELIVERY, payloads, source="alert")
        notices = [
            NewNotice(notice_id, alert.id, alert.kind, channel, what, text, run.run_id)
            for (notice_id, alert, channel, what, text), run in zip(addressed, runs, strict=True)
        ]
        if notices:
            await alerts.add_notices(connection, notices, now)

    def _rule(self, kind: AlertKind) -> Rule:
        return self._alerting.rules.get(kind) or Rule()

    async def run_on_server(self) -> None:
        """:meth:`run_once`, and the delivery of what no worker sends, because none is running."""
        await self.run_once()
        try:
            await self._deliver_overdue()
        except DatabaseUnavailableError as error:
            log.warning("watch_interrupted", error=type(error).__name__)

    async def _deliver_overdue(self) -> None:
        now = self._clock.now()
        overdue = await alerts.unsent(self._database, now - OVERDUE, now - OUTDATED)
        if not overdue or await workers.alive(self._database, now):
            return
        for notice_id in overdue:
            await self._deliver(notice_id)

    async def _deliver(self, notice_id: str) -> None:
        notice = await alerts.notice(self._database, notice_id)
        if notice is None or notice.sent_at:
            return
        try:
            await deliver_alert.deliver(self._database, self._clock, self._alerting, notice)
        except ChannelError as error:
            log.error("alert_not_sent", channel=notice.channel, code=error.code)
            return
        await alerts.mark_sent(self._database, notice.id, notice.channel, self._clock.now())
