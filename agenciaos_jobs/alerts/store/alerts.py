"""Alerts: what was raised, what of it was told, on which channel, and how that went."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import asyncpg

from agenciaos_jobs.alerts.alert import CONDITIONS, EPISODE, Alert, Event, Kind, Raised, together
from agenciaos_jobs.alerts.message import Message
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_CONDITIONS = sorted(kind.value for kind in CONDITIONS)


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


async def add_raised(executor: Executor, raised: list[Raised], clock: Clock) -> None:
    """The same for events that were put together already."""
    now = clock.now()
    for one in (item for item in raised if item.once):
        await _add_once(executor, one, clock.new_id("alert"), now)
    rows = [vars(item) | {"id": clock.new_id("alert")} for item in raised if not item.once]
    if rows:
        await executor.execute(QUERIES["add"], rows, now, EPISODE)


async def _add_once(executor: Executor, one: Raised, alert_id: str, now: datetime) -> None:
    await executor.execute(QUERIES["add_once"], alert_id, one.kind.value, one.key, list(one.subjects), one.details, now)


async def is_open(executor: Executor) -> bool:
    """Whether there is anything that may have to be told."""
    return bool(await executor.fetchval(QUERIES["is_open"], _CONDITIONS))


async def lead(connection: Connection) -> bool:
    """Whether this transaction, and no other one at the time, may tell alerts."""
    return bool(await connection.fetchval(QUERIES["lead"]))


async def open_alerts(connection: Connection) -> list[Alert]:
    """What may have to be told, locked until the transaction ends."""
    return [_alert(record) for record in await connection.fetch(QUERIES["open"], _CONDITIONS)]


async def settle(connection: Connection, *, forgotten: list[str], told: list[str], now: datetime) -> None:
    """Notes what was told, by the alerts' ids; nothing is pending of either any more."""
    await connection.execute(QUERIES["settle"], forgotten, told, now)


async def add_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    await connection.execute(QUERIES["add_notices"], [asdict(notice) for notice in notices], now)


async def notice(executor: Executor, notice_id: str) -> Notice | None:
    record = await executor.fetchrow(QUERIES["notice"], notice_id)
    if record is None:
        return None
    values = record["message"] | {"subjects": tuple(record["message"]["subjects"])}
    return Notice(record["id"], record["kind"], record["channel"], Message(**values), record["sent_at"])


async def follow(connection: Connection) -> None:
    """Waits until nobody tells alerts, and lets nobody until the transaction ends."""
    await connection.execute(QUERIES["follow"])


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


async def newest(executor: Executor, *, kind: Kind | None = None, limit: int = 50) -> list[Alert]:
    """The alerts that were raised last."""
    return [_alert(record) for record in await executor.fetch(QUERIES["newest"], kind, limit)]


async def drop_old(executor: Executor, before: datetime) -> None:
    """Forgets alerts that were last raised before then, and what was sent of them."""
    await executor.execute(QUERIES["drop_old"], before)


def _alert(record: asyncpg.Record) -> Alert:
    return Alert(**{**record, "kind": Kind(record["kind"]), "subjects": tuple(record["subjects"])})
