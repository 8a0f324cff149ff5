"""Fixtures of the tests in Chromium: a stack with something to see in it, and a window that is logged in."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from agenciaos_jobs.ai_content.store import feedback
from agenciaos_jobs.ai_content.store.feedback import Feedback
from agenciaos_jobs.engine.control import Control
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings
from support.chromium import Chromium, Site, site
from support.guru import PRODUCT, TOKEN, body
from support.service import Service

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
PAID = {"event": "e", "customerId": "agency-124", "productId": "pro-monthly", "amount": 97, "status": "paid"}
SCHEDULE = {"task": "generate-monthly-reports", "cron": "30 8 * * 1", "deduplicationKey": "weekly"}


@pytest.fixture(scope="module")
def live(servers: dict[str, str], template: str) -> Iterator[Site]:
    async def on_server(statement: str) -> None:
        admin = await asyncpg.connect(servers["DATABASE_URL"])
        await admin.execute(statement)
        await admin.close()

    asyncio.run(on_server(f"CREATE DATABASE in_browser TEMPLATE {template} STRATEGY FILE_COPY"))
    settings = Settings(
        database_url=servers["DATABASE_URL"].replace("/postgres?", "/in_browser?"),
        redis_url=servers["REDIS_URL"],
        trigger_secret_key="tr_test_0123456789",
        dashboard_password="correct horse",
        openai_api_key="sk-test-0123456789",
        dmg_webhook_secret=TOKEN,
        oidc_issuer="https://login.example",
        oidc_client_id="jobs",
        oidc_client_secret="a secret of the client",
        oidc_domains="agenciaos.com.br",
        plan_products={PRODUCT: "PRO", "pro-monthly": "PRO"},
        shutdown_grace=0,
    )
    with site(settings) as running:
        yield running
    asyncio.run(on_server("DROP DATABASE in_browser WITH (FORCE)"))


@pytest.fixture(scope="module")
def window(live: Site) -> Iterator[Chromium]:
    window = Chromium(live)
    yield window
    window.close()


@pytest.fixture
def chromium(window: Chromium) -> Iterator[Chromium]:
    """A window that is logged in; whatever it had to complain about is a failure."""
    window.size(1280, 900)
    window.theme("light")
    window.runs_scripts(True)
    if not window.driver.get_cookie("agenciaos_session"):
        window.log_in()
    window.complaints()
    yield window
    assert window.complaints() == []


@pytest.fixture(scope="module")
def story(live: Site) -> dict[str, str]:
    """A run of each kind by what became of it, and where else there is something to see."""
    ids = {
        "written": live.trigger("ai-content", AI, tags=["verão"]),
        "failed": live.trigger("monthly-report", {"month": "2999-01"}),
        "nowhere": live.trigger("monthly-report", {"month": "2026-10", "agencyId": "agency-nowhere"}),
        "approved": live.trigger("approve", {}),
        "busy": live.trigger("busy", {}),
        "delayed": live.trigger("monthly-report", {}, delay="2h"),
        "paid": live.trigger("payment-webhook", PAID),
        "reported": live.trigger("monthly-report", {"month": "2026-10"}),
    }
    service = live.service
    unmatched = live.does(service.post("/webhooks/guru", body("tx_approved", contact__email="x@y.example", source=[])))
    ids["unmatched"] = unmatched[1]["jobId"]
    for name in ("written", "failed", "nowhere", "paid", "reported", "unmatched"):
        live.does(service.finished(ids[name]))
    live.does(service.reaches(ids["approved"], lambda run: run["isWaiting"]))
    assert live.does(service.post("/api/v1/schedules", SCHEDULE))[0] == 200
    ids["varied"] = live.does(_varied(service, ids["written"]))
    bulk = live.does(service.app[keys.BULK].start("replay", [ids["failed"], "run_gone"]))
    return {**ids, "bulk": bulk}


async def _varied(service: Service, run_id: str) -> str:
    """A run that has varied a text of another one, and what somebody thinks of it."""
    control: Control = service.app[keys.CONTROL]
    run = await control.get(run_id)
    variation = {"path": ["headlines", 1], "data": (run.output or {})["data"]}
    varied = (await control.replay(run_id, payload={**run.payload, "variation": variation})).run_id
    assert (await service.finished(varied))["status"] == "COMPLETED"
    verdict = Feedback(varied, "session_1", "agency-123", "META_ADS_COPY", True, "direto", run.created_at)
    await feedback.give(service.app[keys.DATABASE], verdict)
    return varied
