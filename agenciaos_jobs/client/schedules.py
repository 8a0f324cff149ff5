"""Calls on schedules: ``client.schedules``."""

from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from agenciaos_jobs.client.models import Schedule, SchedulePage
from agenciaos_jobs.client.transport import Transport

_PATH = "/api/v1/schedules"


class _Deleted(BaseModel):
    id: str


class Schedules:
    """Reads and changes schedules. Those that a job declares in code can only be read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self, task: str, cron: str, *, deduplication_key: str, timezone: str = "UTC", external_id: str | None = None
    ) -> Schedule:
        """Creates a schedule, or updates the one with this ``deduplication_key``.

        ``external_id`` is in the payloads of its runs.
        """
        body = _body(task, cron, timezone, external_id) | {"deduplicationKey": deduplication_key}
        return await self._transport.call(Schedule, "POST", _PATH, body)

    async def list(self, *, page: int = 1, per_page: int = 50) -> SchedulePage:
        query = {"page": str(page), "perPage": str(per_page)}
        return await self._transport.call(SchedulePage, "GET", _PATH, query=query)

    async def retrieve(self, schedule_id: str) -> Schedule:
        return await self._transport.call(Schedule, "GET", _one(schedule_id))

    async def update(
        self, schedule_id: str, task: str, cron: str, *, timezone: str = "UTC", external_id: str | None = None
    ) -> Schedule:
        body = _body(task, cron, timezone, external_id)
        return await self._transport.call(Schedule, "PUT", _one(schedule_id), body)

    async def delete(self, schedule_id: str) -> None:
        await self._transport.call(_Deleted, "DELETE", _one(schedule_id))

    async def activate(self, schedule_id: str) -> Schedule:
        return await self._transport.call(Schedule, "POST", f"{_one(schedule_id)}/activate")

    async def deactivate(self, schedule_id: str) -> Schedule:
        return await self._transport.call(Schedule, "POST", f"{_one(schedule_id)}/deactivate")


def _one(schedule_id: str) -> str:
    return f"{_PATH}/{quote(schedule_id, safe='')}"


def _body(task: str, cron: str, timezone: str, external_id: str | None) -> dict[str, Any]:
    body = {"task": task, "cron": cron, "timezone": timezone}
    return body if external_id is None else body | {"externalId": external_id}
