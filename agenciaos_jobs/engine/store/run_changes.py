"""Changes to the metadata and tags of a stored run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Changeable:
    """The changeable fields of a run."""

    metadata: Json | None
    tags: list[str]


async def hold(connection: Connection, run_id: str) -> Changeable | None:
    """Reads the changeable fields of a run and locks its row for the transaction."""
    record = await connection.fetchrow(QUERIES["hold"], run_id)
    return Changeable(**record) if record else None


async def set_metadata(connection: Connection, run_id: str, metadata: Json, now: datetime) -> None:
    await connection.execute(QUERIES["set_metadata"], run_id, metadata, now)


async def set_tags(connection: Connection, run_id: str, tags: Sequence[str], now: datetime) -> None:
    """Replaces the tags by ``tags``, which must include all existing ones."""
    await connection.execute(QUERIES["set_tags"], run_id, list(tags), now)
