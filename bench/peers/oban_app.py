"""Oban's job and client, as its documentation writes them: ``oban start --queues default:100``."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from oban import Oban, worker
from oban.schema import install
from psycopg_pool import AsyncConnectionPool

from bench.peers import starts
from bench.peers.client import Payload


@worker(queue="default")
class Noop:
    async def process(self, job: Any) -> None:
        started_at = time.time()
        if job.args["seconds"]:
            await asyncio.sleep(job.args["seconds"])
        starts.record(started_at, job.args["sent_at"])


class Client:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool, self._oban = pool, Oban(pool=pool)

    async def install(self) -> None:
        await install(self._pool)

    async def enqueue(self, payload: Payload) -> None:
        await self._oban.enqueue(Noop.new(payload))

    async def enqueue_all(self, payloads: list[Payload]) -> None:
        await self._oban.enqueue_many([Noop.new(payload) for payload in payloads])


@asynccontextmanager
async def client() -> AsyncIterator[Client]:
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=1, open=False) as pool:
        yield Client(pool)
