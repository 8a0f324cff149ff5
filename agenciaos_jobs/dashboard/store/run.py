"""Details of a run besides its row and its attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agenciaos_jobs.dashboard.store.runs import escape_like
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.run_logs import LogLine
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Billed:
    """Tokens and cost of a run's model calls; ``cost`` is in US dollars, ``None`` where no price is known."""

    agent_type: str
    model: str
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: Decimal | None


@dataclass(frozen=True)
class Call:
    """A call to another service that an attempt made, such as one of the model."""

    attempt: int
    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class TokenWait:
    """A wait for a token; it ends with the token's completion or its timeout, which may be in the future."""

    id: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Child:
    """A run that this one's job triggered, from its trigger to its end."""

    id: str
    task: str
    status: Status
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class ReplayRun:
    """A replay of a run."""

    id: str
    status: Status
    created_at: datetime


async def log(
    executor: Executor, run_id: str, *, levels: Sequence[str] | None = None, text: str | None = None, limit: int
) -> list[LogLine]:
    """The newest log lines with these levels and containing ``text``, oldest first."""
    pattern = f"%{escape_like(text)}%" if text else None
    records = await executor.fetch(QUERIES["log"], run_id, levels, pattern, limit)
    return [LogLine(run_id=run_id, **record) for record in records]


async def calls(executor: Executor, run_id: str) -> list[Call]:
    """The calls of all attempts, in the order of their starts."""
    return [Call(**record) for record in await executor.fetch(QUERIES["calls"], run_id)]


async def token_waits(executor: Executor, run_id: str, limit: int) -> list[TokenWait]:
    """The run's waits for tokens, in the order of the tokens' creation."""
    return [TokenWait(**record) for record in await executor.fetch(QUERIES["token_waits"], run_id, limit)]


async def children(executor: Executor, run_id: str, limit: int) -> list[Child]:
    """The runs that the run has triggered, oldest first."""
    records = await executor.fetch(QUERIES["children"], run_id, limit)
    return [Child(**{**record, "status": Status(record["status"])}) for record in records]


async def log_end(executor: Executor, run_id: str) -> datetime | None:
    """The time of the newest log line."""
    end: datetime | None = await executor.fetchval(QUERIES["log_end"], run_id)
    return end


async def billed(executor: Executor, run_id: str) -> Billed | None:
    record = await executor.fetchrow(QUERIES["generation"], run_id)
    return Billed(**record) if record else None


async def replays(executor: Executor, run_id: str) -> list[ReplayRun]:
    """The newest 20 replays of a run."""
    records = await executor.fetch(QUERIES["replays"], run_id)
    return [ReplayRun(**{**record, "status": Status(record["status"])}) for record in records]


async def agency_name(executor: Executor, agency_id: str) -> str | None:
    name: str | None = await executor.fetchval(QUERIES["agency"], agency_id)
    return name
