"""Alerts, their notices, and the state of each channel."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.alerts.alert import INCIDENT_GAP, Alert, AlertEvent, GroupedEvents, group
from agenciaos_jobs.alerts.kind import AlertKind, condition_kinds, kind_named
from agenciaos_jobs.alerts.message import AlertMessage
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

RETENTION = timedelta(days=90)


@dataclass(frozen=True)
class NewNotice:
    """A notice to be delivered on a channel by a run."""

    id: str
    alert_id: str
    kind: str
    channel: str
    notification: str
    message: AlertMessage
    run_id: str


@dataclass(frozen=True)
class Notice:
    """A notice as its delivery needs it; ``sent_at`` is set once the channel has taken it."""

    id: str
    kind: str
    channel: str
    message: AlertMessage
    sent_at: datetime | None


@dataclass(frozen=True)
class ChannelState:
    """When a channel last took a message, and when and why it last did not."""

    channel: str
    last_sent_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None

    @property
    def is_broken(self) -> bool:
        """Whether the last thing that happened was a failure."""
        if self.last_error_at is None:
            return False
        return self.last_sent_at is None or self.last_sent_at < self.last_error_at


@dataclass(frozen=True)
class AffectedRow:
    """An agency or an error that an alert is about; ``subject`` is the alert's subject that leads to it, if any."""

    alert_id: str
    subject: str | None
    agency: str | None
    error: str | None


async def affected(
    executor: Executor, subjects: Sequence[tuple[str, str]], errors: Sequence[tuple[str, str, datetime]]
) -> list[AffectedRow]:
    """What alerts are about: by their subjects, and by the runs of error groups since a moment, 100 each."""
    columns = [
        *([pair[place] for pair in subjects] for place in range(2)),
        *([item[place] for item in errors] for place in range(3)),
    ]
    return [AffectedRow(**record) for record in await executor.fetch(QUERIES["affected"], *columns)]


async def add(executor: Executor, events: Iterable[AlertEvent], clock: Clock) -> None:
    """Raises alerts: as the last statement of a transaction, or by itself. The notifier sends them later."""
    await add_grouped(executor, group(events), clock)


async def add_grouped(executor: Executor, raised: list[GroupedEvents], clock: Clock) -> None:
    """Raises alerts for grouped events."""
    now = clock.now()
    for one in (item for item in raised if item.once):
        await _add_once(executor, one, clock.new_id("alert"), now)
    rows = [vars(item) | {"id": clock.new_id("alert")} for item in raised if not item.once]
    if rows:
        await executor.execute(QUERIES["add"], rows, now, INCIDENT_GAP)


async def _add_once(executor: Executor, one: GroupedEvents, alert_id: str, now: datetime) -> None:
    await executor.execute(QUERIES["add_once"], alert_id, one.kind, one.key, list(one.subjects), one.details, now)


async def is_open(executor: Executor) -> bool:
    """Whether any alert may need a notification."""
    return bool(await executor.fetchval(QUERIES["is_open"], condition_kinds()))


async def try_notifier_lock(connection: Connection) -> bool:
    """Tries to take the notifier lock until the transaction ends."""
    return bool(await connection.fetchval(QUERIES["try_notifier_lock"]))


async def open_alerts(connection: Connection) -> list[Alert]:
    """Alerts that may need a notification, locked until the transaction ends."""
    return [alert_of(record) for record in await connection.fetch(QUERIES["open"], condition_kinds())]


async def mark_notified(connection: Connection, *, dropped: list[str], notified: list[str], now: datetime) -> None:
    """Marks alerts as notified or dropped, by id; clears the pending count of both."""
    await connection.execute(QUERIES["mark_notified"], dropped, notified, now)


async def add_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    await connection.execute(QUERIES["add_notices"], [asdict(notice) for notice in notices], now)


async def notice(executor: Executor, notice_id: str) -> Notice | None:
    record = await executor.fetchrow(QUERIES["notice"], notice_id)
    if record is None:
        return None
    values = record["message"] | {"subjects": tuple(record["message"]["subjects"])}
    return Notice(record["id"], record["kind"], record["channel"], AlertMessage(**values), record["sent_at"])


async def lock_out_notifier(connection: Connection) -> None:
    """Waits for the notifier lock, and holds it until the transaction ends."""
    await connection.execute(QUERIES["lock_out_notifier"])


async def unsent(executor: Executor, before: datetime, after: datetime) -> list[str]:
    """The notices made between these moments that were not sent, newest first; twenty at most."""
    return [record["id"] for record in await executor.fetch(QUERIES["unsent"], before, after)]


async def mark_sent(executor: Executor, notice_id: str, channel: str, now: datetime) -> None:
    """Records that the channel accepted the notice."""
    await executor.execute(QUERIES["mark_sent"], notice_id, channel, now)


async def mark_failed(executor: Executor, notice_id: str | None, channel: str, error: str, now: datetime) -> None:
    """Records that the channel did not accept the notice, and why."""
    await executor.execute(QUERIES["mark_failed"], notice_id, channel, error, now)


async def channel_states(executor: Executor) -> list[ChannelState]:
    """The state of each channel that was ever used."""
    return [ChannelState(**record) for record in await executor.fetch(QUERIES["channels"])]


async def newest(executor: Executor, *, kind: AlertKind | None = None, limit: int = 50) -> list[Alert]:
    """The alerts that were raised last."""
    return [alert_of(record) for record in await executor.fetch(QUERIES["newest"], kind, limit)]


async def drop_old_alerts(executor: Executor, now: datetime) -> None:
    """Deletes alerts that were last raised :data:`RETENTION` ago, and what was sent of them."""
    await executor.execute(QUERIES["drop_old"], now - RETENTION)


def alert_of(record: asyncpg.Record) -> Alert:
    """The alert in a row of ``jobs.alerts``."""
    return Alert(**{**record, "kind": kind_named(record["kind"]), "subjects": tuple(record["subjects"])})
