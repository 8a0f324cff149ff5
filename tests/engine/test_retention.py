"""Retention: months are dropped, or replaced by what must stay of them, while the service works."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FrozenClock
from support.commands import cli
from support.service import Service, running_service

from agenciaos_jobs.engine.model.retention_policy import Fate, MonthOfRuns, Retention
from agenciaos_jobs.engine.worker.pruner import Pruner
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.settings import Settings

NOW = SystemClock().now()


def months_ago(number: int) -> datetime:
    """The tenth of a month, ``number`` months back."""
    year, month = divmod(NOW.year * 12 + NOW.month - 1 - number, 12)
    return datetime(year, month + 1, 10, tzinfo=UTC)


async def old_run(db: asyncpg.Connection, ago: int, status: str, number: int = 0) -> str:
    """A run with an attempt and a log line, made and ended ``ago`` months back."""
    moment = months_ago(ago) + timedelta(seconds=number)
    await db.execute("SELECT jobs.ensure_partitions($1, 0)", moment)
    run_id = make_id("run", moment, number)
    ended = None if status in {"DELAYED", "QUEUED"} else moment
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at,
                                  due_at, finished_at)
           VALUES ($1, 'generate-monthly-reports', $2, '{"month": "2999-01"}', 's', 1, 60, $3, $3, $5, $4)""",
        run_id, status, moment, ended, NOW + timedelta(days=1) if status == "DELAYED" else moment,
    )  # fmt: skip
    await db.execute("INSERT INTO jobs.attempts VALUES ($1, 9, 'COMPLETED', 'w', $2, $2)", run_id, moment)
    await db.execute("INSERT INTO jobs.run_logs VALUES ($1, 1, $2, 'info', 'said')", run_id, moment)
    return run_id


async def ids(db: asyncpg.Connection, table: str, column: str = "run_id") -> set[str]:
    return {row[0] for row in await db.fetch(f"SELECT {column} FROM jobs.{table}")}


async def tables(db: asyncpg.Connection, ago: int) -> int:
    suffix = f"%{months_ago(ago):\\_%Y\\_%m}%"
    return int(await db.fetchval("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE $1", suffix))


@pytest.fixture
async def caretaker(database_url: str):
    pool = await database.connect(database_url, size=2)
    yield Pruner(pool, SystemClock(), Retention())
    await pool.close()


async def test_a_month_goes_when_all_in_it_has_expired(caretaker: Pruner, db: asyncpg.Connection):
    for number, status in enumerate(["COMPLETED", "FAILED", "CANCELED", "TIMED_OUT"]):
        await old_run(db, 6, status, number)
    recent = await old_run(db, 0, "COMPLETED")
    assert await tables(db, 6) >= 3
    assert [(month.held, month.expired) for month in await caretaker.months()] == [(4, 4)]
    (pruned,) = await caretaker.prune()
    assert pruned.fate is Fate.DROPPED
    assert await tables(db, 6) == 0
    assert await ids(db, "runs", "id") == await ids(db, "attempts") == await ids(db, "run_logs") == {recent}


async def test_of_a_younger_month_the_failures_stay_and_what_has_not_ended(
    settings: Settings, caretaker: Pruner, db: asyncpg.Connection
):
    for number in range(40):
        await old_run(db, 2, "COMPLETED", number)
    failed, delayed = await old_run(db, 2, "FAILED", 50), await old_run(db, 2, "DELAYED", 51)
    (pruned,) = await caretaker.prune()
    assert (pruned.fate, pruned.held, pruned.expired) == (Fate.COMPACTED, 42, 40)
    assert await ids(db, "runs", "id") == await ids(db, "attempts") == await ids(db, "run_logs") == {failed, delayed}
    assert await tables(db, 2) >= 3
    assert await caretaker.prune() == []
    await db.execute("UPDATE jobs.runs SET due_at = now() WHERE id = $1", delayed)
    async with running_service(settings) as service:
        ended = await service.finished(delayed)  # it goes on in the month's new table
    assert (ended["status"], ended["error"]["name"]) == ("FAILED", "month_in_future")


async def test_runs_go_on_while_months_are_exchanged(service: Service, caretaker: Pruner, db: asyncpg.Connection):
    await caretaker.run_once()  # so that the worker's own has no turn within the hour
    for number in range(200):
        await old_run(db, 2, "COMPLETED" if number % 10 else "FAILED", number)
        await old_run(db, 7, "COMPLETED", number)

    async def trigger() -> list[str]:
        return [await service.trigger("monthly-report", {"month": "2026-01"}) for _ in range(60)]

    triggered, pruned = await asyncio.gather(trigger(), caretaker.prune())
    assert {month.fate for month in pruned} == {Fate.DROPPED, Fate.COMPACTED}
    for run_id in triggered:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE status = 'FAILED'") == 20


async def test_a_table_in_use_is_left_for_another_day(caretaker: Pruner, db: asyncpg.Connection, database_url: str):
    await old_run(db, 6, "COMPLETED")
    reader = await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.execute("SELECT count(*) FROM jobs.runs")
        assert await caretaker.prune() == []
    assert await tables(db, 6) >= 3
    assert len(await caretaker.prune()) == 1
    await reader.close()


async def test_a_worker_forgets_runs_and_keeps_what_they_did_of_payments_reports_and_bills(
    settings: Settings, db: asyncpg.Connection
):
    await db.execute("SELECT jobs.ensure_partitions($1, 0)", months_ago(6))
    paid = {"event": "payment.approved", "customerId": "agency-123", "productId": "pro-monthly", "amount": 97}
    ad = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
    async with running_service(settings, clock=FrozenClock(months_ago(6))) as service:
        for kind, payload in (
            ("payment-webhook", paid | {"status": "paid"}),
            ("monthly-report", {}),
            ("ai-content", ad),
        ):
            run = await service.outcome(kind, payload)
            assert run["status"] == "COMPLETED", run["error"]
    kept = await what_stays(db)
    assert all(kept)
    async with running_service(settings, clock=FrozenClock(NOW)) as service, asyncio.timeout(20):
        while await db.fetchval("SELECT count(*) FROM jobs.runs WHERE id <= $1", run["id"]):
            await asyncio.sleep(0.05)
        assert (await service.get(f"/api/v3/runs/{run['id']}"))[0] == 404
    for before, after in zip(kept, await what_stays(db), strict=True):
        assert before <= after  # a worker that lives so late also makes the reports of the months between
    assert await db.fetchval("SELECT count(content) FROM jobs.ai_generations") == 0


async def what_stays(db: asyncpg.Connection) -> list[set[str]]:
    """The rows that are kept for ever, but for the texts that were written."""
    kept = ("jobs.payment_events", "jobs.monthly_reports", "jobs.ai_generations", "public.ai_usage")
    rows = "SELECT to_jsonb(kept) - 'content' FROM {} AS kept"
    return [{str(row[0]) for row in await db.fetch(rows.format(table))} for table in kept]


async def test_bills_stay_texts_and_keys_go(caretaker: Pruner, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.ai_generations
           SELECT 'run_' || n, 1, 'a', NULL, 'A', 'completed', NULL, '{"t": 1}', 'm', NULL, 1, 10, 0, 10, 0, 0.5,
             now() - interval '60 days' * (n % 2) FROM generate_series(1, 12000) AS n"""
    )
    await db.execute(
        """INSERT INTO jobs.ai_feedback
           SELECT 'run_' || n, 'session', 'a', 'A', true, 'bom', now() - interval '60 days' * (n % 2)
           FROM generate_series(1, 11000) AS n"""
    )
    await db.execute(
        """INSERT INTO jobs.idempotency_keys
           SELECT 't', n::text, 'run_x', 'h', now() - interval '1 h' FROM generate_series(1, 11000) AS n"""
    )
    await caretaker.run_once()
    assert await db.fetchval("SELECT count(*) FROM jobs.idempotency_keys") == 0
    assert await db.fetchval("SELECT count(content) FROM jobs.ai_generations") == 6_000
    assert await db.fetchval("SELECT sum(cost) FROM jobs.ai_generations") == 6_000
    verdicts = await db.fetchrow("SELECT count(word) AS words, count(*) AS held FROM jobs.ai_feedback")
    assert tuple(verdicts) == (5_500, 11_000)
    await db.execute("INSERT INTO jobs.idempotency_keys VALUES ('t', 'k', 'run_x', 'h', now() - interval '1 hour')")
    await caretaker.run_once()  # within the hour it is nobody's turn
    assert await db.fetchval("SELECT count(*) FROM jobs.idempotency_keys") == 1


async def test_prune_shows_before_it_drops(settings: Settings, db: asyncpg.Connection, tmp_path: Path):
    await old_run(db, 6, "COMPLETED")
    env = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    code, said = await cli("prune", "--dry-run", env=env, cwd=tmp_path)
    assert (code, f"{months_ago(6):%Y-%m}" in said, "dropped" in said) == (0, True, True)
    assert await tables(db, 6) >= 3
    code, said = await cli("prune", env={**env, "RETAIN_COMPLETED_DAYS": "400"}, cwd=tmp_path)
    assert "nothing to drop" in said
    code, _ = await cli("prune", env=env, cwd=tmp_path)
    assert (code, await tables(db, 6)) == (0, 0)


@given(held=st.integers(0, 1000), expired=st.integers(0, 1000))
def test_a_month_is_dropped_only_where_nothing_must_stay(held: int, expired: int):
    fate = MonthOfRuns("2026_01", held, min(held, expired), 0).fate
    assert (fate is Fate.DROPPED) == (expired >= held)
    assert fate is not Fate.COMPACTED or expired * 2 >= held > expired
