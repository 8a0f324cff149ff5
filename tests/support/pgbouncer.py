"""A real PgBouncer before the tests' Postgres."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

EXECUTABLE = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")

SIZE = 4
"""How many connections to Postgres a pool has unless a test says otherwise."""

needed = pytest.mark.skipif(not EXECUTABLE, reason="pgbouncer is not installed")


@contextmanager
def pgbouncer(database_url: str, directory: Path, mode: str = "transaction", size: int = SIZE) -> Iterator[str]:
    """The address of the database through PgBouncer, with up to ``size`` connections to Postgres."""
    assert EXECUTABLE
    parts = urlsplit(database_url)
    (socket,), port = parse_qs(parts.query)["host"], embedded.free_port()
    config, log = directory / "pgbouncer.ini", directory / "pgbouncer.log"
    config.write_text(
        f"[databases]\n* = host={socket} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\nmax_client_conn = 200\n"
    )
    owner = pwd.getpwuid(os.stat(socket).st_uid).pw_name  # who alone may enter the directory of the socket
    command = [EXECUTABLE, *(("-u", owner) if os.getuid() == 0 else ()), str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        embedded.wait_for_port(process, port, f"PgBouncer (log: {log})")
        yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}"
    finally:
        embedded.stop(process)


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the test's database through PgBouncer in transaction mode."""
    with pgbouncer(database_url, tmp_path) as url:
        yield url


@pytest.fixture
def pooled(settings: Settings, pooled_url: str) -> Settings:
    """The test's settings, through PgBouncer."""
    return settings.model_copy(update={"database_url": SecretStr(pooled_url)})


# What PgBouncer itself sets for each of its clients: https://www.pgbouncer.org/config.html
OF_THE_POOLER = ["TimeZone", "client_encoding", "DateStyle", "standard_conforming_strings", "IntervalStyle"]

# As one text, because asyncpg changes settings of the session while it looks up the types of arrays.
SESSION = """
SELECT pg_backend_pid() AS backend, concat_ws(', ',
  (SELECT string_agg(name || '=' || setting, ' ') FROM pg_settings
   WHERE source = 'session' AND name <> ALL ($1) AND setting <> ''),
  (SELECT string_agg(statement, ' ') FROM pg_prepared_statements WHERE name <> ''),
  (SELECT string_agg(channel, ' ') FROM pg_listening_channels() AS channel),
  (SELECT string_agg(objid::text, ' ') FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
  (SELECT string_agg(relname, ' ') FROM pg_class WHERE relpersistence = 't')) AS left_behind
"""


async def other_client(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, statement_cache_size=0)


async def require_clean(url: str) -> None:
    """As another client of the pool finds them, its connections to Postgres are as new."""
    async with AsyncExitStack() as stack:
        backends = set()
        for _ in range(SIZE):
            client = await other_client(url)
            stack.push_async_callback(client.close)
            await stack.enter_async_context(client.transaction())
            backend, left_behind = await client.fetchrow(SESSION, OF_THE_POOLER)
            assert left_behind == ""
            backends.add(backend)
        assert len(backends) == SIZE
