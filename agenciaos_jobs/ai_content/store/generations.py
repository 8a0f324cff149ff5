"""AI generations: the monthly quota, and what each attempt consumed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agenciaos_jobs.ai_content.answer import Usage
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Reservation:
    """Whether a run may use one generation of the month, and how many were used without it."""

    granted: bool
    used: int


@dataclass(frozen=True)
class Generation:
    """What one attempt consumed, and what came of it. ``error_code`` is set where nothing did."""

    run_id: str
    attempt: int
    agency_id: str
    user_id: str | None
    agent_type: str
    usage: Usage
    content: Json | None = None
    error_code: str | None = None


async def reserve(
    database: Database, run: ClaimedRun, agency_id: str, month: Month, limit: int, now: datetime
) -> Reservation:
    """Reserves one generation for the run, unless ``limit`` is reached; once for all attempts.

    Raises :class:`OwnershipLostError` if the attempt is over, because nothing would release its reservation.
    """
    key = (agency_id, month.first_day, *month.bounds)
    record = await database.fetchrow(QUERIES["reserve"], run.id, run.attempt, *key, limit, now)
    assert record
    if not record["is_owned"]:
        raise OwnershipLostError(run.id)
    return Reservation(record["granted"], record["used"])


async def release(connection: Connection, run_ids: list[str]) -> None:
    """Gives back what runs that ended without a generation had set aside."""
    await connection.execute(QUERIES["release"], run_ids)


async def record(executor: Executor, generation: Generation, now: datetime) -> None:
    """Notes what an attempt consumed, in the transaction that ends it; a success in the application's own table too."""
    usage = generation.usage
    await executor.execute(
        QUERIES["record_generation"],
        generation.run_id,
        generation.attempt,
        generation.agency_id,
        generation.user_id,
        generation.agent_type,
        "failed" if generation.error_code else "completed",
        generation.error_code,
        generation.content,
        usage.model,
        usage.service_tier,
        usage.requests,
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.cost,
        now,
        usage.cache_write_tokens,
        usage.is_incomplete,
    )


async def cost_of(executor: Executor, run_id: str) -> Decimal:
    """US dollars that the run's attempts cost, as far as prices are known."""
    cost: Decimal = await executor.fetchval(QUERIES["cost_of"], run_id)
    return cost
