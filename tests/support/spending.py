"""AI generations that were billed, and those that count against a month's limit."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import asyncpg

from agenciaos_jobs.foundation.clock import SAO_PAULO

NOW = datetime(2026, 11, 28, 15, tzinfo=UTC)
Made = tuple[str, str, str, str | None, datetime]


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SAO_PAULO)


def november(day: int, hour: int = 9) -> datetime:
    return at(date(2026, 11, day), hour)


async def store(db: asyncpg.Connection, made: Iterable[Made]) -> None:
    """Generations: whose, by which agent, with which model, US dollars, when."""
    await db.executemany(
        """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                                            input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                            created_at)
           VALUES ('run_1', 1, $1, $2, 'completed', $3, 1, 1, 0, 1, 0, $4::text::numeric, $5)""",
        list(made),
    )


TWO_MONTHS = (
    ("agency-123", "COPY", "big", "4", at(date(2026, 10, 2))),
    ("agency-123", "COPY", "big", "6", at(date(2026, 10, 30))),
    ("agency-123", "COPY", "big", "3", november(1)),
    ("agency-123", "BLOG", "small", "0.5", november(26)),
    ("agency-124", "BLOG", "big", "7", november(25)),
    ("agency-124", "BLOG", "big", None, november(28)),
    ("gone", "BLOG", "small", "0.004", november(27)),
)


async def use(db: asyncpg.Connection, agency_id: str, count: int) -> None:
    """Takes generations of November."""
    await db.execute(
        "INSERT INTO jobs.ai_quotas (agency_id, month, used_before) VALUES ($1, '2026-11-01', 0)", agency_id
    )
    await db.execute(
        """INSERT INTO jobs.ai_reservations (run_id, agency_id, month, reserved_at)
           SELECT 'run_' || $1 || n, $1, '2026-11-01', now() FROM generate_series(1, $2::integer) AS n""",
        agency_id,
        count,
    )
