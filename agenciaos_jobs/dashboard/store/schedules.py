"""Schedules for the dashboard, each with its newest run."""

from dataclasses import dataclass, fields
from datetime import datetime

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.schedules import StoredSchedule
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_COLUMNS = [field.name for field in fields(StoredSchedule)]


@dataclass(frozen=True)
class LastRun:
    """The newest run of a schedule."""

    id: str
    status: Status
    created_at: datetime


@dataclass(frozen=True)
class ScheduleRow:
    """A row of the list."""

    stored: StoredSchedule
    last: LastRun | None

    @property
    def place(self) -> tuple[str, str, str]:
        """The row's cursor in the list."""
        return self.stored.type, self.stored.task, self.stored.id


async def page(executor: Executor, *, after: tuple[str, str, str] | None = None, limit: int) -> list[ScheduleRow]:
    """Schedules, declared ones first, then by task, starting after ``after``."""
    position = after or (None, None, None)
    rows = []
    for record in await executor.fetch(QUERIES["page"], *position, limit):
        stored = StoredSchedule(**{name: record[name] for name in _COLUMNS})
        known = record["run_id"] is not None
        last = LastRun(record["run_id"], Status(record["run_status"]), record["run_at"]) if known else None
        rows.append(ScheduleRow(stored, last))
    return rows
