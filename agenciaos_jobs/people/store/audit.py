"""Rows of the audit. They are only ever added: a trigger refuses anything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

Origin = Literal["dashboard", "cli"]
Outcome = Literal["done", "asked", "refused", "failed"]
"""``asked``: a page asked for a confirmation, and nothing was changed."""


@dataclass(frozen=True)
class Act:
    """What somebody is about to do. ``address`` is the client's; of the command line, the name of the host.

    ``action`` is the path of a dashboard's form without its ids, or a command's words: ``runs/cancel``. ``subjects``
    are ids of what it changes, each of which gets an entry.
    """

    actor: str
    origin: Origin
    address: str
    action: str
    subjects: Sequence[str] = ("",)
    detail: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry of the audit. ``outcome`` is ``None`` while the action goes on, or if the process ended meanwhile."""

    id: int
    acted_at: datetime
    actor: str
    origin: Origin
    address: str
    action: str
    subject: str
    detail: str
    outcome: Outcome | None
    led_to: str | None


async def begin(executor: Executor, act: Act, now: datetime) -> list[int]:
    """Adds an entry for each subject; returns their ids in this order."""
    values = now, act.actor, act.origin, act.address, act.action, act.detail, list(act.subjects)
    return sorted(record["id"] for record in await executor.fetch(QUERIES["begin"], *values))


async def finish(executor: Executor, ids: list[int], outcome: Outcome, led_to: list[str], now: datetime) -> None:
    """Adds the result of each entry."""
    await executor.execute(QUERIES["finish"], ids, now, outcome, led_to)


async def page(
    executor: Executor, *, before: int | None, actor: str | None, action: str | None, subject: str | None, limit: int
) -> list[Entry]:
    """The newest entries before the id ``before`` that match, newest first."""
    records = await executor.fetch(QUERIES["page"], before, actor, action, subject, limit)
    return [Entry(**record) for record in records]
