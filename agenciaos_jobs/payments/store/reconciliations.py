"""How far reconciliations have come: what each found and did, by agency."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_LIFE = timedelta(days=2)
"""How long the progress of a run that failed is kept."""


async def done(executor: Executor, run_id: str) -> Mapping[str, Json]:
    """What came of each agency that the run has compared."""
    return {record["agency_id"]: record["comparison"] for record in await executor.fetch(QUERIES["done"], run_id)}


async def note(connection: Connection, run_id: str, agency_id: str, comparison: Json, now: datetime) -> None:
    await connection.execute(QUERIES["note"], run_id, agency_id, comparison, now)


async def drop(connection: Connection, run_id: str, now: datetime) -> None:
    """Deletes the progress of a run that ends, and what failed ones have left."""
    await connection.execute(QUERIES["drop"], run_id, now - _LIFE)
