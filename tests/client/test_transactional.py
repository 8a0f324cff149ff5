"""The client triggers runs in the transaction of a program that shares the service's database."""

from datetime import timedelta

import asyncpg
import pytest
from conftest import KEY
from pydantic import BaseModel
from support.sdk import running_with_test_jobs

from agenciaos_jobs.client import Client, InvalidRequestError, NotFoundError
from agenciaos_jobs.settings import Settings


class Greeting(BaseModel):
    name: str


@pytest.mark.slow
async def test_a_run_is_triggered_in_the_callers_transaction(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service, Client(service.url, KEY) as client:
        transaction = db.transaction()
        await transaction.start()
        await client.trigger_in(db, "echo", {"n": 1}, tags=["rolled-back"])
        await transaction.rollback()
        async with db.transaction():
            handle = await client.trigger_in(
                db, "echo", Greeting(name="Ana"), idempotency_key="one", tags=["kept"], delay=timedelta(seconds=1)
            )
            with pytest.raises(InvalidRequestError) as refused:
                await client.trigger_in(db, "generate-monthly-reports", {"month": "yesterday"})
            assert list(refused.value.fields) == ["payload.month"]
            with pytest.raises(NotFoundError, match="There is no task nothing"):
                await client.trigger_in(db, "nothing")
            with pytest.raises(InvalidRequestError) as refused:
                await client.trigger_in(db, "echo", delay="soon")
            assert list(refused.value.fields) == ["options.delay"]
            again = await client.trigger_in(db, "echo", Greeting(name="Ana"), idempotency_key="one")
            assert (again.id, again.is_cached, handle.is_cached) == (handle.id, True, False)
            with pytest.raises(NotFoundError):
                await client.runs.retrieve(handle.id)
        run = await client.runs.wait(handle.id, timeout=20)
        assert (run.output_as(Greeting).name, run.tags) == ("Ana", ["kept"])
        assert (await client.runs.list(tag=["rolled-back"])).data == []
