"""The service behind PgBouncer in transaction mode: it works, and the pool's other clients notice nothing."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.pgbouncer import needed, other_client, pgbouncer, require_clean
from support.probe import Probe
from support.service import Service, running_server, running_service, running_worker

from agenciaos_jobs.engine.model.job import CommitWith
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation import database, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.connections import connector
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.settings import Settings

pytestmark = needed


@pytest.mark.parametrize(
    ("mode", "size", "busy", "is_pooled"),
    [
        ("transaction", 10, 0, True),
        ("transaction", 10, 8, True),
        ("transaction", 2, 0, True),
        ("transaction", 1, 0, True),
        ("session", 10, 0, False),
    ],
)
async def test_a_pooler_is_found_out_by_its_mode(
    database_url: str, tmp_path: Path, mode: str, size: int, busy: int, is_pooled: bool
):
    async def query(url: str) -> None:
        client = await other_client(url)
        while True:
            await client.execute("SELECT pg_sleep(0.001)")

    with pgbouncer(database_url, tmp_path, mode, size) as url:
        others = [asyncio.create_task(query(url)) for _ in range(busy)]
        try:
            for _ in range(3):
                found = await connector.Connector.find(url, "test", {"timeout": 10})
                assert found.is_pooled == is_pooled
        finally:
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
    assert not (await connector.Connector.find(database_url, "test", {})).is_pooled
    assert (await connector.Connector.find(f"{database_url}&pgbouncer=true", "test", {})).is_pooled


async def test_runs_complete_are_canceled_and_rescued_and_the_pool_stays_clean(
    pooled: Settings, db: asyncpg.Connection
):
    await db.execute("CREATE TABLE effects (n int)")
    await require_clean(pooled.database_url.get_secret_value())
    mode = ["complete"]

    async def act(context: Any) -> Any:
        if mode[0] == "wait":
            await asyncio.sleep(60)

        async def effect(connection: Any) -> dict[str, int]:
            await connection.execute("INSERT INTO effects VALUES ($1)", context.run.attempt)
            return {"attempt": context.run.attempt}

        return CommitWith(effect)

    probe = Probe(act)
    async with running_server(pooled) as service:
        async with running_worker(pooled, probe.jobs):
            runs = await asyncio.gather(*[service.start(probe.job) for _ in range(20)])
            ended = [await service.finished(run_id) for run_id in runs]
            assert {(run["status"], run["attemptCount"]) for run in ended} == {("COMPLETED", 1)}
            assert await db.fetchval("SELECT count(*) FROM effects") == 20
            mode[0] = "wait"
            run_id = await service.start(probe.job)
            await service.reaches(run_id, lambda run: run["isExecuting"])
            assert (await service.post(f"/api/v2/runs/{run_id}/cancel", {}))[0] == 200
            assert (await service.finished(run_id))["status"] == "CANCELED"
            mode[0] = "complete"
        run_id = await lost_with_its_worker(service, probe, db)
        async with running_worker(pooled, probe.jobs):
            run = await service.finished(run_id)
    assert (run["output"], run["attempts"][0]["error"]["name"]) == ({"attempt": 2}, "worker_lost")
    await require_clean(pooled.database_url.get_secret_value())


async def lost_with_its_worker(service: Service, probe: Probe, db: asyncpg.Connection) -> str:
    run_id = await service.start(probe.job)
    await db.execute(
        "INSERT INTO jobs.workers VALUES ('worker_gone', 'h', 1, now(), now(), now() - interval '1 second')"
    )
    await db.execute(
        """UPDATE jobs.runs SET status = 'EXECUTING', attempt = 1, worker_id = 'worker_gone', attempt_started_at = now()
           WHERE id = $1""",
        run_id,
    )
    return run_id


async def test_payments_and_reports_work_and_the_pool_stays_clean(pooled: Settings):
    async with running_service(pooled) as service:
        payment = {"event": "payment.approved", "customerId": "agency-123", "productId": "pro-monthly"}
        paid = await service.outcome("payment-webhook", payment | {"amount": 97.0, "status": "paid"})
        report = await service.outcome("monthly-report", {"month": "2026-10"})
        status, _ = await service.get("/api/v1/runs")
    assert (paid["status"], report["status"], status) == ("COMPLETED", "COMPLETED", 200)
    await require_clean(pooled.database_url.get_secret_value())


async def test_migrations_run_through_a_pooler(pooled_url: str):
    pool = await database.connect(pooled_url, size=1)
    try:
        async with pool.connection() as connection:
            assert await migrate.migrate(connection, SystemClock().now(), lambda _: None) == 0
    finally:
        await pool.close()
    await require_clean(pooled_url)


async def test_a_frozen_transaction_is_ended_and_another_client_s_is_not(
    pooled_url: str, monkeypatch: pytest.MonkeyPatch
):
    assert "'10s', true)" in connector.QUERIES["prepare_transaction"]
    short = connector.QUERIES["prepare_transaction"].replace("10s", "200ms")
    monkeypatch.setitem(connector.QUERIES, "prepare_transaction", short)
    pool, other = await database.connect(pooled_url, size=1), await other_client(pooled_url)
    try:
        with pytest.raises(DatabaseUnavailableError):
            await lead_until(pool, lambda: leads(other))
        async with pool.transaction():
            pass
        async with other.transaction():
            await other.execute("SELECT 1")
            await asyncio.to_thread(time.sleep, 0.4)  # as idle as the other was
            assert await other.fetchval("SELECT 1") == 1
    finally:
        await pool.close()
        await other.close()


async def lead_until(pool: database.Database, condition: Any) -> None:
    async with pool.transaction() as connection:
        assert await workers.try_maintenance_lock(connection)
        await until(condition)
        await connection.execute("SELECT 1")


async def leads(client: asyncpg.Connection) -> bool:
    async with client.transaction():
        return await workers.try_maintenance_lock(client)


async def holds(connection: Any) -> bool:
    """Never true; raises once the connection is lost."""
    return not await connection.fetchval("SELECT 1")


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_the_transaction_of_an_expired_worker_is_terminated(pooled_url: str, db: asyncpg.Connection):
    pool, rescuer = await database.connect(pooled_url, name="worker_gone"), await database.connect(pooled_url)
    try:
        async with pool.transaction() as connection:
            await workers.try_maintenance_lock(connection)
            await db.execute("INSERT INTO jobs.workers VALUES ('worker_gone', 'h', 1, now(), now(), clock_timestamp())")
            soon = SystemClock().now() + timedelta(seconds=1)  # it counts milliseconds
            await workers.terminate_backends_of_expired(rescuer, soon, "another")
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await until(lambda: holds(connection))
            async with rescuer.transaction() as other:
                assert await workers.try_maintenance_lock(other)
            raise OSError("the connection is gone")
    except DatabaseUnavailableError:
        pass
    finally:
        await pool.close()
        await rescuer.close()
