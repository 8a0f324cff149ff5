"""AI generations: the monthly quota, and what each attempt consumed."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from agenciaos_jobs.core.content import Usage
from agenciaos_jobs.core.job import Json
from agenciaos_jobs.core.report import Month
from agenciaos_jobs.core.run import ClaimedRun
from agenciaos_jobs.storage.database import Connection, Database, Executor
from agenciaos_jobs.storage.queries import load
from agenciaos_jobs.storage.runs import OwnershipLost

QUERIES = load("ai")


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
    """Sets aside one generation for the run, unless ``limit`` is reached; once a run, however often it is tried.

    Raises :class:`OwnershipLost` where the attempt is over: nobody would give back what it set aside.
    """
    run_id, day = run.id, month.first_day
    async with database.transaction() as connection:
        if await connection.fetchrow(QUERIES["hold_attempt"], run_id, run.attempt) is None:
            raise OwnershipLost(run_id)
        before = await _lock_quota(connection, agency_id, month)
        used = before + int(await connection.fetchval(QUERIES["reserved"], agency_id, day))
        if await connection.fetchrow(QUERIES["reservation"], run_id):
            return Reservation(granted=True, used=used - 1)
        if used >= limit:
            return Reservation(granted=False, used=used)
        await connection.execute(QUERIES["reserve"], run_id, agency_id, day, now)
        return Reservation(granted=True, used=used)


async def _lock_quota(connection: Connection, agency_id: str, month: Month) -> int:
    key: tuple[str, date] = (agency_id, month.first_day)
    before = await connection.fetchval(QUERIES["lock_quota"], *key)
    if before is None:
        await connection.execute(QUERIES["open_quota"], *key, *month.bounds)
        before = await connection.fetchval(QUERIES["lock_quota"], *key)
    return int(before)


async def release(connection: Connection, run_ids: list[str]) -> None:
    """Gives back what runs that ended without a generation had set aside."""
    await connection.execute(QUERIES["release"], run_ids)


async def record(executor: Executor, generation: Generation, now: datetime) -> None:
    """Notes what an attempt consumed, in the transaction that ends it."""
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
    )


async def record_usage(connection: Connection, run_id: str, now: datetime) -> None:
    """Adds the run's one row to the application's ``ai_usage``."""
    await connection.execute(QUERIES["record_usage"], run_id, now)


async def cost_of(executor: Executor, run_id: str) -> Decimal:
    """US dollars that the run's attempts cost, as far as prices are known."""
    cost: Decimal = await executor.fetchval(QUERIES["cost_of"], run_id)
    return cost
