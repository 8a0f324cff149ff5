"""Who gets an agency's reports, and what was sent to whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

Channel = Literal["email", "webhook"]
RecipientStatus = Literal["active", "unsubscribed", "bounced"]
Status = Literal["sending", "sent", "refused", "failed"]


@dataclass(frozen=True)
class Recipient:
    """An address that gets an agency's reports, or no longer does. ``is_owner``: it is the agency's owner's."""

    email: str
    is_owner: bool
    status: RecipientStatus
    reason: str | None


@dataclass(frozen=True)
class Delivery:
    """One revision to one recipient. A ``request`` is the run that was triggered to send it once more."""

    agency_id: str
    month: Month
    revision: int
    channel: Channel
    recipient: str
    request: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        month = self.month.first_day
        return (self.agency_id, month, self.revision, self.channel, self.recipient, self.request)


@dataclass(frozen=True)
class Delivered:
    """A recorded delivery. ``sending`` is one whose outcome is unknown, unless its run is still at work."""

    revision: int
    channel: Channel
    recipient: str
    status: Status
    detail: str | None
    run_id: str
    updated_at: datetime


async def with_recipients(executor: Executor, agency_ids: list[str]) -> set[str]:
    """Those of the agencies that somebody gets reports of."""
    return {record["id"] for record in await executor.fetch(QUERIES["with_recipients"], agency_ids)}


async def recipients(executor: Executor, agency_id: str) -> list[Recipient]:
    """The agency's recipients, its owner first, and those who no longer get reports."""
    return [Recipient(**record) for record in await executor.fetch(QUERIES["recipients"], agency_id)]


async def set_recipient(
    executor: Executor, agency_id: str, email: str, status: RecipientStatus, now: datetime, reason: str | None = None
) -> None:
    """Adds a recipient, or changes whether it gets reports. The address must be lower-case and trimmed."""
    await executor.execute(QUERIES["set_recipient"], agency_id, email, status, reason, now)


async def remove_recipient(executor: Executor, agency_id: str, email: str) -> None:
    await executor.execute(QUERIES["remove_recipient"], agency_id, email)


async def begin(executor: Executor, delivery: Delivery, run_id: str, now: datetime) -> bool:
    """Whether the delivery is to be made now; it is recorded as under way before it is."""
    return await executor.fetchval(QUERIES["begin"], *delivery.key, run_id, now) is not None


async def finish(
    executor: Executor, delivery: Delivery, status: Status, now: datetime, detail: str | None = None
) -> None:
    await executor.execute(QUERIES["finish"], *delivery.key, status, detail, now)


async def of_report(executor: Executor, agency_id: str, month: Month) -> list[Delivered]:
    """The deliveries of a report, newest first."""
    return [Delivered(**record) for record in await executor.fetch(QUERIES["of_report"], agency_id, month.first_day)]
