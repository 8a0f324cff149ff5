"""Subscriptions behind PgBouncer in transaction mode, where no notification arrives."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr
from support.pgbouncer import needed, require_clean
from support.service import Service, running_server

from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

pytestmark = needed


@asynccontextmanager
async def following(service: Service, run_id: str) -> AsyncIterator["asyncio.Task[list[dict[str, Any]]]"]:
    """A subscriber that has read the run and waits for its next change."""
    path = f"/realtime/v1/runs/{run_id}"
    async with service.http.get(path, params={"offset": "-1"}) as response:
        assert response.status == 200
        seen = {"offset": response.headers["electric-offset"], "handle": response.headers["electric-handle"]}

    async def wait() -> list[dict[str, Any]]:
        async with service.http.get(path, params={**seen, "live": "true"}) as response:
            return await response.json()

    waiting = asyncio.create_task(wait())
    async with asyncio.timeout(10):
        while f"run:{run_id}" not in service.app[keys.LIVE]._followers:
            await asyncio.sleep(0.01)
    yield waiting


async def test_subscribers_learn_of_a_change_within_a_second_of_the_first_look(pooled: Settings):
    async with running_server(pooled) as service:
        for _ in range(5):
            run_id = await service.trigger("monthly-report", delay="1h")
            async with following(service, run_id) as waiting:
                began = time.monotonic()
                await service.post(f"/api/v2/runs/{run_id}/cancel", {})
                change, *_ = await asyncio.wait_for(waiting, 10)
                assert time.monotonic() - began < 1
                assert change["value"]["status"] == "CANCELED"
    await require_clean(pooled.database_url.get_secret_value())


async def test_the_direct_url_carries_notifications(pooled: Settings, database_url: str):
    both = pooled.model_copy(update={"direct_url": SecretStr(database_url)})
    async with running_server(both) as service, service.app[keys.CHANGES].subscribe() as changes:
        async with asyncio.timeout(10):
            assert await anext(changes) is None
            while not service.app[keys.CHANGES]._echoed.is_set():
                await asyncio.sleep(0.01)
            run_id = await service.trigger("monthly-report", delay="1h")
            while (ids := await anext(changes)) is None:
                pass
        assert run_id in ids


async def test_a_direct_url_that_does_not_answer_is_replaced_by_polling(pooled: Settings):
    away = pooled.model_copy(update={"direct_url": SecretStr("postgresql://u@127.0.0.1:9/d")})
    async with running_server(away) as service:
        run_id = await service.trigger("monthly-report", delay="1h")
        async with following(service, run_id) as waiting:
            began = time.monotonic()
            await service.post(f"/api/v2/runs/{run_id}/cancel", {})
            change, *_ = await asyncio.wait_for(waiting, 10)
            assert (change["value"]["status"], time.monotonic() - began < 1) == ("CANCELED", True)
