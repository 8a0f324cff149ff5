"""Each durable system: how it is installed, filled, triggered, and how its worker starts. Ours among them."""

import asyncio
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import asyncpg

from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from bench import workers
from bench.jobs import NOOP
from bench.peers import client, install

_FILLED_AT_ONCE = 1_000
_CLIENT_TIMEOUT = 600


class System(ABC):
    """``worker`` is the command that starts a worker, once :meth:`install` was called; ``given`` is its environment."""

    name: ClassVar[str]
    pending: ClassVar[str]
    """Whether a job has not ended, as a query."""
    tables: ClassVar[str]

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.given: Mapping[str, str] = environment

    @property
    def database(self) -> str:
        return self.given["DATABASE_URL"]

    @abstractmethod
    def install(self) -> None:
        """Raises :class:`~bench.peers.install.CannotInstallError`."""

    @abstractmethod
    def worker(self, slots: int) -> list[str]: ...

    @abstractmethod
    async def fill(self, count: int, seconds: float) -> None:
        """Enqueues jobs that sleep for ``seconds``, all at once."""

    @abstractmethod
    async def trigger(self, samples: int, started: Path) -> None: ...

    async def empty(self) -> None:
        """Forgets all jobs. What was deleted costs the next measurement nothing."""
        connection = await asyncpg.connect(self.database)
        await connection.execute(f"TRUNCATE {self.tables} CASCADE")
        await connection.close()

    async def analyze(self) -> None:
        connection = await asyncpg.connect(self.database)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()


class Ours(System):
    name = "agenciaos-jobs worker"
    pending = "SELECT EXISTS (SELECT FROM jobs.runs WHERE status IN ('DELAYED', 'QUEUED', 'EXECUTING'))"
    tables = "jobs.runs, jobs.attempts"
    command: ClassVar = workers.OURS

    def install(self) -> None:
        pass

    def worker(self, slots: int) -> list[str]:
        return self.command

    async def fill(self, count: int, seconds: float) -> None:
        async with open_runtime(self._settings()) as runtime:
            run = new_run(NOOP, {"sent_at": time.time(), "seconds": seconds}, source="bench")
            for left in range(count, 0, -_FILLED_AT_ONCE):
                await asyncio.gather(*[runtime.intake.trigger(run) for _ in range(min(left, _FILLED_AT_ONCE))])
            await runtime.outbox.flush()

    async def trigger(self, samples: int, started: Path) -> None:
        async with open_runtime(self._settings()) as runtime:

            async def enqueue(payload: client.Payload) -> None:
                await runtime.intake.trigger(new_run(NOOP, payload, source="bench"))

            await client.trigger_each(enqueue, samples, started)

    def _settings(self) -> Settings:
        return Settings(database_url=self.database, redis_url=self.given["REDIS_URL"])


class OursUnderArq(Ours):
    name = "arq command, ours"
    command = workers.OURS_UNDER_ARQ


class Peer(System):
    """A system of others, in a database of its own. ``client`` is the command of its own client."""

    client: list[str]

    def __init__(self, environment: Mapping[str, str]) -> None:
        parts = urlsplit(environment["DATABASE_URL"])
        self._name_of_database = type(self).__name__.lower()
        url = parts._replace(path=f"/{self._name_of_database}").geturl()
        super().__init__({"DATABASE_URL": url, "PYTHONPATH": str(workers.HERE.parent)})
        self._main_database = environment["DATABASE_URL"]

    async def create_database(self) -> None:
        connection = await asyncpg.connect(self._main_database)
        await connection.execute(f"CREATE DATABASE {self._name_of_database}")
        await connection.close()
        await self._call("install")

    async def fill(self, count: int, seconds: float) -> None:
        await self._call("fill", str(count), str(seconds))

    async def trigger(self, samples: int, started: Path) -> None:
        await self._call("trigger", str(samples), STARTS=str(started))

    async def _call(self, *arguments: str, **given: str) -> None:
        command, environment = [*self.client, *arguments], {**os.environ, **self.given, **given}
        await asyncio.to_thread(subprocess.run, command, env=environment, check=True, timeout=_CLIENT_TIMEOUT)


class Oban(Peer):
    name = "Oban"
    pending = "SELECT EXISTS (SELECT FROM oban_jobs WHERE state <> 'completed')"
    tables = "oban_jobs"

    def install(self) -> None:
        self._python = install.python_with(install.OBAN, install.obans_python())
        self.client = [str(self._python), "-m", "bench.peers.client", "bench.peers.oban_app"]

    def worker(self, slots: int) -> list[str]:
        options = ["--dsn", self.database, "--queues", f"default:{slots}", "--log-level", "WARNING"]
        return [str(self._python), "-m", "oban", "start", *options, "--cron-modules", "bench.peers.oban_app"]


class PgQueuer(Peer):
    name = "pgqueuer"
    pending = "SELECT EXISTS (SELECT FROM pgqueuer)"
    tables = "pgqueuer, pgqueuer_log"

    def install(self) -> None:
        self._python = install.python_with(install.PGQUEUER)
        self.client = [str(self._python), "-m", "bench.peers.client", "bench.peers.pgqueuer_app"]

    def worker(self, slots: int) -> list[str]:
        batch = slots // 2  # the most that it allows
        return [str(self._python), "-m", "bench.peers.pgqueuer_app", str(batch), str(slots)]


class GraphileWorker(Peer):
    name = "graphile-worker"
    pending = "SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)"
    tables = "graphile_worker._private_jobs"

    def install(self) -> None:
        self.given = {**self.given, "NODE_PATH": str(install.node_modules())}
        self.client = ["node", str(_SCRIPTS / "client.js")]

    def worker(self, slots: int) -> list[str]:
        return ["node", str(_SCRIPTS / "worker.js")]


_SCRIPTS = Path(__file__).parent / "graphile"
OURS = (Ours, OursUnderArq)
PEERS = (Oban, PgQueuer, GraphileWorker)
