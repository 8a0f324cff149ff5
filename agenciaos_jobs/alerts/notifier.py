"""Tells alerts: looks at what was raised and at what holds, and makes the runs that deliver it."""

from datetime import timedelta

import structlog

from agenciaos_jobs.alerts.alert import Alert, Event, Kind, Rule, Telling, decide
from agenciaos_jobs.alerts.jobs import deliver_alert
from agenciaos_jobs.alerts.message import ChannelError
from agenciaos_jobs.alerts.store import alerts, conditions
from agenciaos_jobs.alerts.store.alerts import NewNotice
from agenciaos_jobs.alerts.store.conditions import Held
from agenciaos_jobs.alerts.text import duration, message
from agenciaos_jobs.engine.context import App
from agenciaos_jobs.engine.intake import Sender, new_run
from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.engine.store import runs, workers
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.database import Connection, DatabaseUnavailable
from agenciaos_jobs.foundation.metric_reporter import Tally
from agenciaos_jobs.foundation.month import Month

log = structlog.get_logger("agenciaos_jobs.watch")

INTERVAL = timedelta(seconds=2)
CONDITIONS_EVERY = timedelta(seconds=30)
BUDGET_EVERY = timedelta(minutes=5)
OVERDUE = timedelta(seconds=30)
"""A notice that no worker has sent by then is sent by a server, where no worker is alive."""
OUTDATED = timedelta(hours=1)
"""What is older is left to its run."""

_BUDGET_STEPS = (100, 80)


class Watch:
    """Runs in every worker and server; one at a time tells, one at a time looks."""

    def __init__(self, app: App, sender: Sender) -> None:
        self._app, self._sender = app, sender
        self._database, self._clock, self._alerting = app.database, app.clock, app.alerting
        self._tally = Tally(app.database)

    async def round(self) -> None:
        """Looks at conditions where it is time to, and tells what is due."""
        try:
            if await conditions.take_round(self._database, "conditions", self._clock.now(), CONDITIONS_EVERY):
                await self.look()
            if await alerts.is_open(self._database):
                await self.tell()
        except DatabaseUnavailable as error:
            log.warning("watch_interrupted", error=type(error).__name__)

    async def look(self) -> None:
        """Raises what holds now, and what was found to have happened."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await alerts.follow(connection)
            held = [*await self._queues(connection), *await self._failures(connection)]
            held += await self._workers_missing(connection)
            await conditions.hold(connection, held, self._clock)
            lost = await conditions.lose_workers(connection, now)
            events = [
                Event(Kind.WORKER_LOST, "", f"{worker.host}:{worker.pid}", {"seen": worker.seen_at.isoformat()})
                for worker in lost
            ]
            await alerts.add(connection, [*events, *await self._budget(connection)], self._clock)

    async def _queues(self, connection: Connection) -> list[Held]:
        now, rule = self._clock.now(), self._rule(Kind.QUEUE_AGE)
        return [
            Held(
                Kind.QUEUE_AGE,
                late.task,
                {"depth": late.depth, "seconds": round((now - late.oldest_due_at).total_seconds())},
            )
            for late in await conditions.waiting(connection, now - rule.older_than)
        ]

    async def _failures(self, connection: Connection) -> list[Held]:
        rule = self._rule(Kind.FAILURE_RATE)
        since = self._clock.now() - rule.window
        return [
            Held(
                Kind.FAILURE_RATE,
                found.task,
                {
                    "failed": found.failed,
                    "ended": found.ended,
                    "percent": round(100 * found.failed / found.ended),
                    "window": duration(rule.window.total_seconds()),
                },
            )
            for found in await conditions.failing(connection, since, rule.threshold, sorted(rule.ignore))
            if found.failed >= rule.share * found.ended
        ]

    async def _workers_missing(self, connection: Connection) -> list[Held]:
        """Only a missing worker that a run waits for, or a schedule, is worth a word."""
        now, rule = self._clock.now(), self._rule(Kind.NO_WORKERS)
        if await workers.alive(connection, now):
            return []
        late = await conditions.waiting(connection, now - rule.older_than)
        waiting = sum(item.depth for item in late) + await conditions.overdue(connection, now - rule.older_than)
        return [Held(Kind.NO_WORKERS, "", {"waiting": waiting})] if waiting else []

    async def _budget(self, connection: Connection) -> list[Event]:
        """The step of the budget that the month's cost has reached; each is told once a month."""
        budget, now = self._alerting.ai_budget, self._clock.now()
        if budget is None or not await conditions.take_round(connection, "budget", now, BUDGET_EVERY):
            return []
        month = Month.of(now)
        spent = await conditions.spent(connection, *month.bounds)
        reached = next((step for step in _BUDGET_STEPS if spent * 100 >= budget * step), None)
        if reached is None:
            return []
        details = {"spent": f"{spent:.2f}", "budget": f"{budget:.2f}", "percent": reached, "month": str(month)}
        return [Event(Kind.AI_BUDGET_TOTAL, f"{month}:{reached}", None, details, once=True)]

    def _rule(self, kind: Kind) -> Rule:
        return self._alerting.rules[kind]

    async def tell(self) -> None:
        """Makes a run for each channel of each alert that is due."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await alerts.lead(connection):
                return
            open_alerts = await alerts.open_alerts(connection)
            decided = [(alert, decide(alert, self._rule(alert.kind), now)) for alert in open_alerts]
            told = [(alert, telling) for alert, telling in decided if telling and telling is not Telling.FORGET]
            forgotten = [alert.id for alert, telling in decided if telling is Telling.FORGET]
            await alerts.settle(connection, forgotten=forgotten, told=[alert.id for alert, _ in told], now=now)
            notices = [notice for alert, telling in told for notice in self._notices(alert, telling)]
            await self._store(connection, notices)
        for alert, telling in told:
            metrics.ALERTS.labels(alert.kind, telling).inc()
            log.warning("alert_told", kind=alert.kind, key=alert.key, telling=telling, occurrences=alert.pending)
        for notice in notices:
            self._sender.send(QueuedRun(notice.run_id, deliver_alert.JOB.task, now, deliver_alert.JOB.priority))

    def _notices(self, alert: Alert, telling: Telling) -> list[NewNotice]:
        """One for each of the rule's channels that is configured; a broken channel is not told of on itself."""
        rule, now = self._rule(alert.kind), self._clock.now()
        if not rule.enabled:
            return []
        text = message(alert, telling, now, self._alerting.public_url)
        own = alert.key if alert.kind is Kind.CHANNEL_BROKEN else None
        return [
            NewNotice(
                self._clock.new_id("notice"), alert.id, alert.kind, channel, telling, text, self._clock.new_id("run")
            )
            for channel in rule.channels
            if channel in self._alerting.channels and channel != own
        ]

    async def _store(self, connection: Connection, notices: list[NewNotice]) -> None:
        if not notices:
            return
        now = self._clock.now()
        await alerts.add_notices(connection, notices, now)
        new = [(item.run_id, new_run(deliver_alert.JOB, {"notice": item.id}, source="alert")) for item in notices]
        await runs.insert(connection, new, now)

    async def stand_in(self) -> None:
        """A round, and what no worker sends, because none is alive; for servers."""
        await self.round()
        try:
            await self._send_overdue()
            await self._tally.report()
        except DatabaseUnavailable as error:
            log.warning("watch_interrupted", error=type(error).__name__)

    async def _send_overdue(self) -> None:
        now = self._clock.now()
        overdue = await alerts.unsent(self._database, now - OVERDUE, now - OUTDATED)
        if not overdue or await workers.alive(self._database, now):
            return
        for notice_id in overdue:
            await self._send(notice_id)

    async def _send(self, notice_id: str) -> None:
        notice = await alerts.notice(self._database, notice_id)
        if notice is None or notice.sent_at:
            return
        try:
            await deliver_alert.deliver(self._app, notice)
        except ChannelError as error:
            log.error("alert_not_sent", channel=notice.channel, code=error.code)
            return
        await alerts.sent(self._database, notice.id, notice.channel, self._clock.now())
