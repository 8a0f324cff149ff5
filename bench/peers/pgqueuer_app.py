"""pgqueuer's job and client, as its documentation writes them: ``python -m bench.peers.pgqueuer_app BATCH LIMIT``.

Its command ``pgq run`` does the same, but release 1.6.0 does not start with the current release of typer.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from bench.peers import starts
from bench.peers.client import Payload


async def work(batch_size: int, limit: int) -> None:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        queue = PgQueuer(AsyncpgPoolDriver(pool))
        queue.entrypoint("noop")(noop)
        await queue.run(batch_size=batch_size, max_concurrent_tasks=limit)


async def noop(job: Job) -> None:
    started_at = time.time()
    payload = json.loads(job.payload or b"{}")
    if payload["seconds"]:
        await asyncio.sleep(payload["seconds"])
    starts.record(started_at, payload["sent_at"])


class Client:
    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def install(self) -> None:
        await self._queries.install()

    async def enqueue(self, payload: Payload) -> None:
        await self._queries.enqueue("noop", json.dumps(payload).encode())

    async def enqueue_all(self, payloads: list[Payload]) -> None:
        texts = [json.dumps(payload).encode() for payload in payloads]
        await self._queries.enqueue(["noop"] * len(texts), [*texts], [0] * len(texts))


@asynccontextmanager
async def client() -> AsyncIterator[Client]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1) as pool:
        yield Client(Queries(AsyncpgPoolDriver(pool)))


if __name__ == "__main__":
    uvloop.run(work(int(sys.argv[1]), int(sys.argv[2])))
