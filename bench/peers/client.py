"""A peer's own client as a command: ``python -m bench.peers.client bench.peers.oban_app fill COUNT SECONDS``.

The others are ``install`` and ``trigger SAMPLES``. The module named has a context manager ``client``.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from bench.peers import starts

_START_TIMEOUT = 60
Payload = dict[str, Any]


class Client(Protocol):
    async def install(self) -> None:
        """Creates the system's tables."""

    async def enqueue(self, payload: Payload) -> None: ...

    async def enqueue_all(self, payloads: list[Payload]) -> None: ...


async def main(module: str, *arguments: str) -> None:
    async with import_module(module).client() as client:
        await _act(client, arguments)


async def _act(client: Client, arguments: tuple[str, ...]) -> None:
    match arguments:
        case ("install",):
            await client.install()
        case ("fill", count, seconds):
            payload = {"sent_at": time.time(), "seconds": float(seconds)}
            await client.enqueue_all([payload] * int(count))
        case ("trigger", samples):
            await trigger_each(client.enqueue, int(samples), Path(os.environ["STARTS"]))


async def trigger_each(enqueue: Callable[[Payload], Awaitable[None]], samples: int, started: Path) -> None:
    """Triggers single jobs, after a first one that shows that the worker is up."""
    await enqueue({"sent_at": time.time(), "seconds": 0})
    async with asyncio.timeout(_START_TIMEOUT):
        while not starts.count(started):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    for _ in range(samples):
        await enqueue({"sent_at": time.time(), "seconds": 0})
        # Out of step with a worker that polls at fixed times.
        await asyncio.sleep(0.05 + random.random() * 0.5)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
