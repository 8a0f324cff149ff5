"""A run that is triggered in a transaction exists if, and only if, that transaction commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel, ValidationError
from support.probe import QUICK, Probe
from support.service import PATIENCE, Service, running_server, running_service

from agenciaos_jobs import CommitWith, GiveUp, Job, Limits, RunContext
from agenciaos_jobs.engine.intake import Intake, KeyConflictError, UnknownJobError
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.http import keys
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Order(BaseModel):
    number: int


async def _nothing(_: RunContext, payload: Order) -> dict[str, Any]:
    return {"number": payload.number}


CHILD = Job("ship-order", Order, _nothing, limits=Limits(backoff=QUICK))


@asynccontextmanager
async def knowing_child(settings: Settings, act: Any) -> AsyncIterator[tuple[Service, Probe]]:
    """Server and worker that know a job which does what ``act`` does, and the one that it triggers."""
    parent = Probe(act, attempts=2)
    known = {CHILD.task: CHILD, **parent.jobs}
    JOBS.update(known)
    try:
        async with running_service(settings, JOBS) as service:
            yield service, parent
    finally:
        for task in known:
            del JOBS[task]


async def test_a_job_triggers_another_with_its_own_changes(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE public.orders (number integer PRIMARY KEY)")

    async def act(context: RunContext) -> CommitWith:
        async def effect(connection: Any) -> dict[str, Any]:
            await connection.execute("INSERT INTO public.orders VALUES (7)")
            triggered = await context.trigger_in(connection, "ship-order", {"number": 7}, tags=("orders",))
            return {"child": triggered.run_id}

        return CommitWith(effect)

    async with knowing_child(settings, act) as (service, parent):
        run = await service.finished(await service.start(parent.job, traceparent=TRACE))
        child = await service.finished(run["output"]["child"])
    assert (child["status"], child["output"], child["tags"]) == ("COMPLETED", {"number": 7}, ["orders"])
    stored = await db.fetchrow("SELECT source, traceparent FROM jobs.runs WHERE id = $1", child["id"])
    assert stored["source"] == "probe"
    assert stored["traceparent"][3:35] == TRACE[3:35]  # of the same trace
    assert await db.fetchval("SELECT count(*) FROM public.orders") == 1


async def test_what_is_rolled_back_was_never_triggered(settings: Settings, db: asyncpg.Connection):
    async def act(context: RunContext) -> CommitWith:
        async def effect(connection: Any) -> dict[str, Any]:
            await context.trigger_in(connection, "ship-order", {"number": context.run.attempt})
            raise GiveUp("out_of_stock", "there is none left")

        return CommitWith(effect)

    async with knowing_child(settings, act) as (service, parent):
        run = await service.finished(await service.start(parent.job))
        assert run["status"] == "FAILED"
        assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE task = 'ship-order'") == 0


async def test_it_is_sent_after_the_commit_and_without_the_rescuer(settings: Settings):
    JOBS[CHILD.task] = CHILD
    try:
        async with running_server(settings) as service:
            database, intake, queue = (service.app[key] for key in (keys.DATABASE, keys.INTAKE, keys.QUEUE))
            async with database.transaction() as connection:
                triggered = await intake.trigger_in(connection, "ship-order", {"number": 1}, source="test")
                assert await queue.not_enqueued([triggered.run_id]) == {triggered.run_id}
            async with asyncio.timeout(PATIENCE):  # there is no worker, and so no rescuer
                while await queue.not_enqueued([triggered.run_id]):
                    await asyncio.sleep(0.01)
    finally:
        del JOBS[CHILD.task]


async def test_many_are_stored_in_one_statement_and_keys_count(settings: Settings, db: asyncpg.Connection):
    JOBS[CHILD.task] = CHILD
    try:
        async with running_server(settings) as service:
            database: Database = service.app[keys.DATABASE]
            intake: Intake = service.app[keys.INTAKE]
            items = [({"number": number}, {"idempotency_key": f"order:{number % 2}"}) for number in (0, 1)]
            async with database.transaction() as connection:
                first = await intake.trigger_all_in(connection, "ship-order", items, source="test")
            async with database.transaction() as connection:
                again = await intake.trigger_all_in(connection, "ship-order", items, source="test")
            assert [result.run_id for result in again] == [result.run_id for result in first]
            assert [result.is_cached for result in (*first, *again)] == [False, False, True, True]
            assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 2
            with pytest.raises(KeyConflictError):
                async with database.transaction() as connection:
                    await intake.trigger_in(
                        connection, "ship-order", {"number": 9}, source="test", idempotency_key="order:1"
                    )
            for task, payload, error in (
                ("ship-order", {"number": "many"}, ValidationError),
                ("no-such-job", {}, UnknownJobError),
            ):
                with pytest.raises(error):
                    async with database.transaction() as connection:
                        await intake.trigger_in(connection, task, payload, source="test")
    finally:
        del JOBS[CHILD.task]


@pytest.mark.parametrize(
    ("payload", "options", "field"),
    [
        ({"number": 7, "note": "a\0b"}, {}, "payload.note: must not contain the NUL"),
        ({"number": 7, "a\0b": 1}, {}, "payload.ab: must not contain the NUL"),
        ({"number": 7, "note": 2**70}, {}, "payload: is not JSON: Integer exceeds 64-bit range"),
        ({"number": 7, "note": "\ud800"}, {}, "payload: is not JSON"),
        ({"number": 7}, {"metadata": {"note": "a\0b"}}, "metadata.note: must not contain the NUL"),
        ({"number": 7}, {"metadata": {"note": "x" * 256 * 1024}}, "metadata: should have at most 256 KB"),
        ({"number": 7}, {"tags": ("a\0b",)}, "options.0.0: must not contain the NUL"),
    ],
)
async def test_what_cannot_be_stored_is_an_error_that_names_it(
    settings: Settings, db: asyncpg.Connection, payload: Any, options: Any, field: str
):
    async def act(context: RunContext) -> CommitWith:
        async def effect(connection: Any) -> dict[str, Any]:
            try:
                await context.trigger_in(connection, "ship-order", payload, **options)
            except InvalidFieldsError as error:
                # The transaction is still usable.
                return {"error": str(error), "one": await connection.fetchval("SELECT 1")}
            return {}

        return CommitWith(effect)

    async with knowing_child(settings, act) as (service, parent):
        run = await service.finished(await service.start(parent.job))
    assert run["status"] == "COMPLETED"
    assert field in run["output"]["error"]
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1
