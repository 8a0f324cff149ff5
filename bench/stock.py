"""Stock arq, as its documentation sets it up: ``arq bench.stock.WorkerSettings``. TUNED=1 tunes what can be tuned."""

import asyncio
import os
import time
from typing import Any

from arq.connections import RedisSettings

TUNED = bool(os.environ.get("TUNED"))


async def noop(context: dict[str, Any], sent_at: float = 0, seconds: float = 0) -> float:
    started_at = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    await context["redis"].lpush("bench:done", started_at - sent_at)
    return started_at - sent_at


class WorkerSettings:
    functions = [noop]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    if TUNED:
        poll_delay = 0.01
        max_jobs = 50
    elif slots := os.environ.get("SLOTS"):
        max_jobs = int(slots)
