"""Workers that are frozen in the middle of something, and what it is that they keep locked."""

import asyncio

import asyncpg
import pytest

from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.connections import connector
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from agenciaos_jobs.worker import worker_services


async def test_who_is_frozen_in_the_middle_of_a_round_does_not_keep_others_from_it(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(
        connector.QUERIES, "prepare_session", "SELECT set_config('idle_in_transaction_session_timeout', '300ms', false)"
    )
    frozen, other = await database.connect(database_url, size=1), await database.connect(database_url, size=1)
    taken = asyncio.Event()

    async def freeze() -> None:
        async with frozen.transaction() as connection:
            assert await workers.try_maintenance_lock(connection)
            async with asyncio.timeout(10):
                while not await leads(other):
                    await asyncio.sleep(0.05)
            taken.set()
            await connection.execute("SELECT 1")

    try:
        with pytest.raises(DatabaseUnavailableError):
            await freeze()
        assert taken.is_set()
        assert await frozen.fetchval("SELECT 1") == 1
    finally:
        await frozen.close()
        await other.close()


@pytest.mark.parametrize("began", ["before", "after"])
async def test_who_is_frozen_in_the_middle_of_a_statement_is_cut_off_when_its_lease_is_out(
    settings: Settings, database_url: str, db: asyncpg.Connection, began: str
):
    name = {"application_name": "agenciaos-jobs worker_gone"}
    frozen = await asyncpg.connect(database_url, server_settings=name)
    lease = "INSERT INTO jobs.workers VALUES ('worker_gone', 'h', 1, now(), now(), clock_timestamp())"
    try:
        async with open_runtime(settings) as runtime:
            if began == "after":
                await db.execute(lease)
            await frozen.execute("BEGIN")
            assert await workers.try_maintenance_lock(frozen)
            await frozen.prepare("SELECT id FROM jobs.runs")  # Postgres waits for the rest, and calls that no idleness
            state = "SELECT state FROM pg_stat_activity WHERE application_name LIKE '% worker_gone'"
            assert await db.fetchval(state) == "active"
            if began == "before":
                await db.execute(lease)
            await worker_services(runtime, JOBS).rescuer.run_once()
            assert await leads(runtime.database) is (began == "before")
    finally:
        frozen.terminate()


async def leads(pool: database.Database) -> bool:
    async with pool.transaction() as connection:
        return await workers.try_maintenance_lock(connection)
