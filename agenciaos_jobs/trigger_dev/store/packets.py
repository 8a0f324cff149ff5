"""Large payloads, which an SDK uploads before the trigger that refers to them."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Packet:
    """A payload as it was uploaded, and its declared content type."""

    content_type: str
    body: str


async def put(executor: Executor, packet_id: str, packet: Packet, expires_at: datetime) -> None:
    """Stores a packet until ``expires_at``; the same id again replaces it."""
    await executor.execute(QUERIES["put"], packet_id, packet.content_type, packet.body, expires_at)


async def get(executor: Executor, packet_id: str, now: datetime) -> Packet | None:
    record = await executor.fetchrow(QUERIES["get"], packet_id, now)
    return Packet(**record) if record else None


async def drop_expired(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_expired"], now)
