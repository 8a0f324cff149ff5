"""The example of an operator's own jobs, given by JOBS_MODULES to a server, workers and commands of their own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from conftest import KEY, PASSWORD
from support.browsing import operator
from support.commands import cli
from support.processes import environment, running, worker
from support.service import Service

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation.clock import SAO_PAULO, SystemClock
from agenciaos_jobs.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"
MODULE = {"JOBS_MODULES": "send_invoice_reminder"}
REMINDER = {"agencyId": "agency-123", "invoiceId": "invoice-1"}
BODY = "Olá, Paula Reis! Gestão de redes sociais: R$ 4.200,50, vence em 15/12/2026."


@pytest.fixture
async def invoices(db: asyncpg.Connection) -> asyncpg.Connection:
    """The example's table, and a client who can be written to."""
    await db.execute((EXAMPLES / "invoice_reminders.sql").read_text())
    await db.execute("UPDATE clients SET email = 'paula@techcel.example' WHERE id = 'client-1'")
    return db


async def add_invoice(db: asyncpg.Connection, invoice_id: str, client_id: str | None, date: str = "2026-12-15") -> None:
    await db.execute(
        """INSERT INTO revenues (id, "agencyId", "clientId", description, amount, category, date, "updatedAt")
           VALUES ($1, 'agency-123', $2, 'Gestão de redes sociais', 4200.5, 'Mensalidade', $3::text::date, now())""",
        invoice_id,
        client_id,
        date,
    )


@asynccontextmanager
async def deployed(settings: Settings) -> AsyncIterator[Service]:
    """A server and a worker as processes that know the example."""
    port = embedded.free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(settings, PORT=str(port), SHUTDOWN_DELAY="0", DASHBOARD_PASSWORD=PASSWORD, **MODULE)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with running("agenciaos-jobs", "serve", env=env, cwd=EXAMPLES) as server:
        await server.says("server_started")
        async with worker(settings, EXAMPLES, **MODULE), aiohttp.ClientSession(url, headers=headers) as http:
            yield Service(http, aiohttp.web.Application(), settings, url)


async def text(service: Service, path: str) -> str:
    async with service.http.get(path) as response:
        assert response.status == 200
        return await response.text()


@pytest.mark.slow
async def test_a_reminder_is_triggered_by_every_endpoint_and_seen_on_every_surface(
    settings: Settings, invoices: asyncpg.Connection
):
    await add_invoice(invoices, "invoice-1", "client-1")
    async with deployed(settings) as service:
        status, accepted = await service.post("/api/trigger", {"type": "invoice-reminder", "payload": REMINDER})
        assert (status, accepted["message"]) == (200, "Lembrete iniciado")
        first = await service.finished(accepted["jobId"])
        path = "/api/v1/tasks/send-invoice-reminder/trigger"
        status, accepted = await service.post(path, {"payload": REMINDER})
        assert status == 200, accepted
        second = await service.finished(accepted["id"])
        words = ("trigger", "send-invoice-reminder", "--payload", json.dumps(REMINDER))
        code, printed = await cli(*words, "--wait", env=environment(settings, **MODULE), cwd=EXAMPLES)
        assert (code, '"isNew": false' in printed) == (0, True), printed
        assert await surfaces(service, first["id"]) == []
    assert [run["output"]["isNew"] for run in (first, second)] == [True, False]
    stored = await invoices.fetch("SELECT run_id, email, body FROM invoice_reminders")
    assert [tuple(row) for row in stored] == [(first["id"], "paula@techcel.example", BODY)]


async def surfaces(service: Service, run_id: str) -> list[str]:
    """The surfaces that do not show the jobs."""
    async with operator(service) as browser:
        _, run_page = await browser.get(f"/runs/{run_id}")
        _, schedules_page = await browser.get("/schedules")
    shown = {
        "document": '"send-invoice-reminder"' in await text(service, "/openapi.json"),
        "metrics": await counted(service, 'agenciaos_runs_total{outcome="completed",task="send-invoice-reminder"} 3.0'),
        "run page": "send-invoice-reminder" in run_page and "invoice-1" in run_page and "reminder_ready" in run_page,
        "schedules page": "find-due-invoices" in schedules_page,
        "schedules": "sched_find-due-invoices" in await text(service, "/api/v1/schedules"),
    }
    return [name for name, is_shown in shown.items() if not is_shown]


async def counted(service: Service, sample: str) -> bool:
    """Whether the metrics come to show this; workers report theirs once a second."""
    async with asyncio.timeout(10):
        while sample not in await text(service, "/metrics"):
            await asyncio.sleep(0.1)
    return True


async def test_a_reminder_waits_for_its_invoice_and_gives_up_without_an_address(
    settings: Settings, invoices: asyncpg.Connection
):
    await add_invoice(invoices, "invoice-2", "client-2")
    async with deployed(settings) as service:
        early = await service.trigger("send-invoice-reminder", REMINDER)
        given_up = await service.outcome("send-invoice-reminder", {**REMINDER, "invoiceId": "invoice-2"})
        await service.reaches(early, lambda run: run["attempts"])
        await add_invoice(invoices, "invoice-1", "client-1")
        late = await service.finished(early)
        status, problem = await service.post("/api/trigger", {"type": "invoice-reminder", "payload": {"agencyId": ""}})
    assert (late["status"], late["attemptCount"], late["output"]["isNew"]) == ("COMPLETED", 2, True)
    assert late["attempts"][0]["error"]["name"] == "invoice_missing"
    assert (given_up["status"], given_up["attemptCount"]) == ("FAILED", 1)
    assert given_up["error"]["name"] == "email_missing"
    assert status == 422, problem


@pytest.mark.slow
async def test_the_morning_s_search_triggers_each_due_invoice_once(settings: Settings, invoices: asyncpg.Connection):
    due = (SystemClock().now().astimezone(SAO_PAULO) + timedelta(days=5)).date().isoformat()
    for number, date in enumerate((due, due, "2026-01-31")):
        await add_invoice(invoices, f"invoice-{number}", "client-1", date)
    async with deployed(settings) as service:
        found: list[dict[str, Any]] = [
            (await service.outcome("find-due-invoices", {"daysAhead": 5}))["output"] for _ in range(2)
        ]
        runs = [await service.finished(run_id) for run_id in found[0]["triggered"]]
    assert (found[0]["dueOn"], len(runs), found[1]["triggered"]) == (due, 2, [])
    assert {(run["status"], tuple(run["tags"])) for run in runs} == {("COMPLETED", ("reminders",))}
    assert await invoices.fetchval("SELECT count(*) FROM invoice_reminders") == 2
