"""Redis servers that answer a ping and do not do what the queue needs."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis.asyncio

from agenciaos_jobs.dev import embedded

Start = Callable[..., int]


@contextmanager
def redis_servers(directory: Path) -> Iterator[Start]:
    """Starts a Redis with these options; returns its port."""
    executable = embedded.redis_executable()
    assert executable
    with ExitStack() as stack:

        def start(*options: str) -> int:
            port = next(
                port for port in iter(embedded.free_port, None) if port < 55_000
            )  # a cluster uses port + 10,000
            config = directory / f"{port}.conf"  # Sentinel insists on a file of its own
            config.write_text(f"port {port}\nbind 127.0.0.1\ndir {directory}\n")
            command = [executable, str(config), *options, "--loglevel", "warning"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(embedded.stop, process)
            embedded.wait_for_port(process, port, "Redis")
            return port

        yield start


async def command(url: str, *words: str) -> Any:
    async with redis.asyncio.from_url(url) as client:
        return await client.execute_command(*words)


async def replica(start: Start) -> str:
    url = f"redis://127.0.0.1:{start('--replicaof', '127.0.0.1', str(start('--save', '')))}"
    async with asyncio.timeout(10), redis.asyncio.from_url(url) as client:
        while (await client.info("replication"))["master_link_status"] != "up":
            await asyncio.sleep(0.05)
    return url


async def full(start: Start) -> str:
    return f"redis://127.0.0.1:{start('--save', '', '--maxmemory', '100kb', '--maxmemory-policy', 'noeviction')}"


async def unwritable(start: Start) -> str:
    directory = tempfile.mkdtemp()
    url = f"redis://127.0.0.1:{start('--save', '', '--dir', directory)}"
    await command(url, "CONFIG", "SET", "save", "3600 1000")
    shutil.rmtree(directory)
    await command(url, "SET", "x", "1")
    await command(url, "BGSAVE")
    async with asyncio.timeout(10), redis.asyncio.from_url(url) as client:
        while (await client.info("persistence"))["rdb_last_bgsave_status"] == "ok":
            await asyncio.sleep(0.05)
    return url


async def user(start: Start, *rules: str) -> str:
    port = start("--save", "")
    await command(f"redis://127.0.0.1:{port}", "ACL", "SETUSER", "jobs", "on", ">secret-0", *rules)
    return f"redis://jobs:secret-0@127.0.0.1:{port}"


async def without_scripts(start: Start) -> str:
    return await user(start, "~*", "&*", "+@all", "-@scripting")


async def without_writes(start: Start) -> str:
    return await user(start, "~*", "&*", "+@all", "-@write")


async def without_channels(start: Start) -> str:
    return await user(start, "~*", "resetchannels", "+@all")


async def without_keys(start: Start) -> str:
    return await user(start, "~arq:*", "&*", "+@all")


async def wrong_password(start: Start) -> str:
    return f"redis://jobs:wrong-00@127.0.0.1:{start('--save', '')}"


async def cluster(start: Start) -> str:
    return f"redis://127.0.0.1:{start('--save', '', '--cluster-enabled', 'yes')}"


async def cluster_with_slots(start: Start) -> str:
    url = await cluster(start)
    async with asyncio.timeout(10), redis.asyncio.from_url(url) as client:
        await client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        while "ok" not in str(await client.execute_command("CLUSTER INFO")).partition("cluster_state")[2][:8]:
            await asyncio.sleep(0.05)
    return url


async def sentinel(start: Start) -> str:
    return f"redis://127.0.0.1:{start('--sentinel')}"
