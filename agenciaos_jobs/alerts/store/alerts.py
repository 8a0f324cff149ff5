"""Alerts: what was raised, what of it was told, on which channel, and how that went."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.alerts.alert import INCIDENT_GAP, Alert, Event, GroupedEvents, together
from agenciaos_jobs.alerts.kind import AlertKind, condition_kinds, kind_named
from agenciaos_jobs.alerts.message import Message
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

RETENTION = timedelta(days=90)


@dataclass(frozen=True)
class NewNotice:
    """An alert that is to be told on a channel, by a run."""

    id: str
    alert_id: str
    kind: str
    channel: str
    telling: str
    message: Message
    run_id: str


@dataclass(frozen=True)
class Notice:
    """A notice as its delivery needs it; ``sent_at`` is set once the channel has taken it."""

    id: str
    kind: str
    channel: str
    message: Message
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


async def add(executor: Executor, events: Iterable[Event], clock: Clock) -> None:
    """Raises alerts: in a transaction as its last statement, or by itself. They are told later, by whoever watches."""
    await add_raised(executor, together(events), clock)


async def add_raised(executor: Executor, raised: list[GroupedEvents], clock: Clock) -> None:
    """The same for events that were put together already."""
    now = clock.now()
    for one in (item for item in raised if item.once):
        await _add_once(executor, one, clock.new_id("alert"), now)
    rows = [vars(item) | {"id": clock.new_id("alert")} for item in raised if not item.once]
    if rows:
        await executor.execute(QUERIES["add"], rows, now, INCIDENT_GAP)


async def _add_once(executor: Executor, one: GroupedEvents, alert_id: str, now: datetime) -> None:
    await executor.execute(QUERIES["add_once"], alert_id, one.kind, one.key, list(one.subjects), one.details, now)


async def is_open(executor: Executor) -> bool:
    """Whether there is anything that may have to be told."""
    return bool(await executor.fetchval(QUERIES["is_open"], condition_kinds()))


async def try_notifier_lock(connection: Connection) -> bool:
    """Whether this transaction, and no other one at the time, may tell alerts."""
    return bool(await connection.fetchval(QUERIES["try_notifier_lock"]))


async def open_alerts(connection: Connection) -> list[Alert]:
    """What may have to be told, locked until the transaction ends."""
    return [alert_of(record) for record in await connection.fetch(QUERIES["open"], condition_kinds())]


async def mark_notified(connection: Connection, *, dropped: list[str], notified: list[str], now: datetime) -> None:
    """Notes what was told, by the alerts' ids; nothing is pending of either any more."""
    await connection.execute(QUERIES["mark_notified"], dropped, notified, now)


async def add_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    await connection.execute(QUERIES["add_notices"], [asdict(notice) for notice in notices], now)


async def notice(executor: Executor, notice_id: str) -> Notice | None:
    record = await executor.fetchrow(QUERIES["notice"], notice_id)
    if record is None:
        return None
    values = record["message"] | {"subjects": tuple(record["message"]["subjects"])}
    return Notice(record["id"], record["kind"], record["channel"], Message(**values), record["sent_at"])


async def lock_out_notifier(connection: Connection) -> None:
    """Waits until nobody tells alerts, and lets nobody until the transaction ends."""
    await connection.execute(QUERIES["lock_out_notifier"])


async def unsent(executor: Executor, before: datetime, after: datetime) -> list[str]:
    """The notices made between these moments that were not sent, newest first; twenty at most."""
    return [record["id"] for record in await executor.fetch(QUERIES["unsent"], before, after)]


async def sent(executor: Executor, notice_id: str, channel: str, now: datetime) -> None:
    """Notes that the channel took the notice."""
    await executor.execute(QUERIES["sent"], notice_id, channel, now)


async def failed(executor: Executor, notice_id: str | None, channel: str, error: str, now: datetime) -> None:
    """Notes that the channel did not take the notice, and why."""
    await executor.execute(QUERIES["failed"], notice_id, channel, error, now)


async def channel_states(executor: Executor) -> list[ChannelState]:
    """How it went on each channel that was ever used."""
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
