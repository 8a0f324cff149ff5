"""taskiq as its documentation sets it up: ``taskiq worker bench.taskiq_app:broker``."""

import asyncio
import os
import time
from typing import Any

from redis.asyncio import Redis
from taskiq_redis import ListQueueBroker

broker = ListQueueBroker(os.environ["REDIS_URL"])
redis: Any = Redis.from_url(os.environ["REDIS_URL"])


@broker.task(task_name="noop")
async def noop(sent_at: float = 0, seconds: float = 0) -> float:
    started_at = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    await redis.lpush("bench:done", started_at - sent_at)
    return started_at - sent_at
