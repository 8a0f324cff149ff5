"""The image, made once for all tests of this folder, and a database that has never been migrated."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from support import dockerfile
from support.installation import Installation
from support.processes import environment

from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings


@pytest.fixture(scope="session")
def plain() -> Iterator[Installation]:
    """What the Dockerfile's steps make, replayed in a directory that every user may read."""
    with tempfile.TemporaryDirectory(prefix="agenciaos-image-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Installation(dockerfile.replay(Path(directory)))


@pytest.fixture
async def env(servers: dict[str, str], settings: Settings) -> AsyncIterator[dict[str, str]]:
    """The settings for an application's database that has never been migrated."""
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute("CREATE DATABASE plain_install")
    url = servers["DATABASE_URL"].replace("/postgres?", "/plain_install?")
    connection = await asyncpg.connect(url)
    await seed.create_application_tables(connection)
    await seed.seed(connection, SystemClock().now())
    await connection.close()
    port = embedded.free_port()
    yield environment(settings.model_copy(update={"database_url": SecretStr(url)}), PORT=str(port), SHUTDOWN_DELAY="0")
    await admin.execute("DROP DATABASE plain_install WITH (FORCE)")
    await admin.close()
