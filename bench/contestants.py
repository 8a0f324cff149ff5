"""The others: how each one's worker is started and given work. Their jobs keep no history but a list in Redis."""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from arq.connections import RedisSettings, create_pool

SCRIPTS = Path(sys.executable).parent


class Contestant(ABC):
    """``ready`` is what the worker's log says when it works; ``options`` go into its environment."""

    ready: ClassVar[str]
    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def command(self, slots: int) -> list[str]: ...

    @abstractmethod
    async def open(self, redis_url: str) -> None: ...

    @abstractmethod
    async def enqueue(self, seconds: float = 0) -> None:
        """Sends one job that sleeps for ``seconds``."""

    @abstractmethod
    async def close(self) -> None: ...


class Arq(Contestant):
    """Stock arq with its defaults."""

    ready = "redis_version"

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-m", "arq", "bench.stock.WorkerSettings"]

    async def open(self, redis_url: str) -> None:
        self._redis = await create_pool(RedisSettings.from_dsn(redis_url))

    async def enqueue(self, seconds: float = 0) -> None:
        await self._redis.enqueue_job("noop", time.time(), seconds)

    async def close(self) -> None:
        await self._redis.aclose()


class TunedArq(Arq):
    """Stock arq with what its settings can do."""

    options = {"TUNED": "1"}


class Saq(Contestant):
    ready = "orker starting"

    def command(self, slots: int) -> list[str]:
        return [str(SCRIPTS / "saq"), "bench.saq_app.settings", "-v"]

    async def open(self, redis_url: str) -> None:
        os.environ["REDIS_URL"] = redis_url
        self._queue: Any = import_module("saq").Queue.from_url(redis_url)
        await self._queue.connect()

    async def enqueue(self, seconds: float = 0) -> None:
        await self._queue.enqueue("noop", sent_at=time.time(), seconds=seconds)

    async def close(self) -> None:
        await self._queue.disconnect()


class Taskiq(Contestant):
    ready = "Listening started"

    def command(self, slots: int) -> list[str]:
        words = ["worker", "bench.taskiq_app:broker", "--workers", "1", "--max-async-tasks", str(slots)]
        return [str(SCRIPTS / "taskiq"), *words]

    async def open(self, redis_url: str) -> None:
        os.environ["REDIS_URL"] = redis_url
        self._app = import_module("bench.taskiq_app")
        self._app.broker = self._app.ListQueueBroker(redis_url)
        await self._app.broker.startup()

    async def enqueue(self, seconds: float = 0) -> None:
        kicker = self._app.noop.kicker().with_broker(self._app.broker)
        await kicker.kiq(time.time(), seconds)

    async def close(self) -> None:
        await self._app.broker.shutdown()


PEERS: tuple[Contestant, ...] = (Saq("SAQ"), Taskiq("taskiq"))
