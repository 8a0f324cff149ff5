"""SAQ as its documentation sets it up: ``saq bench.saq_app.settings``."""

import asyncio
import os
import time
from typing import Any

from saq import Queue

queue = Queue.from_url(os.environ["REDIS_URL"])


async def noop(context: dict[str, Any], *, sent_at: float = 0, seconds: float = 0) -> float:
    started_at = time.time()
    if seconds:
        await asyncio.sleep(seconds)
    await context["worker"].queue.redis.lpush("bench:done", started_at - sent_at)
    return started_at - sent_at


settings = {"queue": queue, "functions": [noop], "concurrency": int(os.environ.get("SLOTS", "100"))}
