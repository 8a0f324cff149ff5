"""A purchase is moved to another agency by a person."""

from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import asyncpg
from support.browsing import operator
from support.clock import FrozenClock
from support.commands import cli
from support.guru import EMAIL, PRODUCT, body
from support.processes import environment
from support.service import Service, running_service

from agenciaos_jobs.settings import Settings


async def prepared(settings: Settings, db: asyncpg.Connection) -> Settings:
    """Guru's customer owns agency-123, and the product gives PRO."""
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


async def moves(db: asyncpg.Connection) -> list[tuple[str, str]]:
    found = await db.fetch("SELECT agency_id, action FROM jobs.payment_events WHERE event = 'moved' ORDER BY id")
    return [tuple(record) for record in found]


async def did(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    _, answer = await service.post("/webhooks/guru", content)
    output: dict[str, Any] = (await service.finished(answer["jobId"]))["output"]
    return output


NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)
PLANS = "SELECT id, plan::text FROM public.agencies WHERE id IN ('agency-123', 'agency-124') ORDER BY id"


async def test_a_moved_purchase_takes_its_plan_and_its_future_with_it(settings: Settings, db: asyncpg.Connection):
    async def plans() -> list[str]:
        return [record["plan"] for record in await db.fetch(PLANS)]

    settings, clock = await prepared(settings, db), FrozenClock(NOON)
    async with running_service(settings, clock=clock) as service, operator(service) as browser:
        assert await plans() == ["FREE", "FREE"]
        paid = await did(service, body("sub_active"))
        assert await plans() == ["PRO", "FREE"]
        payment = await db.fetchrow("SELECT id, contract_id FROM jobs.payment_events")
        status, page = await browser.post(f"/payments/{payment['id']}/move", {"agency": "agency-none"})
        assert (status, "Não existe agência com este id" in page) == (422, True)
        assert (await browser.post(f"/payments/{payment['id']}/move", {"agency": "agency-124"}))[0] == 303
        assert await plans() == ["FREE", "PRO"]
        sentences = [(await browser.get(f"/agencies/agency-{name}"))[1] for name in (123, 124)]
        assert "Compra mudada de agência: plano PRO → FREE (a compra é agora de outra agência)." in unescape(
            sentences[0]
        )
        assert "Compra mudada de agência: plano FREE → PRO (assinatura ativa)" in unescape(sentences[1])
        ended = await did(
            service, body("sub_active", last_status="expired", dates__last_status_at="2026-12-01T09:00:00Z")
        )
        assert (paid["agencyId"], ended["agencyId"]) == ("agency-123", "agency-124")
        assert await plans() == ["FREE", "FREE"]
    assert await moves(db) == [("agency-123", "deactivated"), ("agency-124", "activated")]


async def test_the_command_moves_a_purchase_once(settings: Settings, db: asyncpg.Connection, tmp_path: Path):
    settings = await prepared(settings, db)
    async with running_service(settings) as service:
        await did(service, body("sub_active"))
    purchase = await db.fetchval("SELECT contract_id FROM jobs.payment_events")
    env = environment(settings, PLAN_PRODUCTS=f"{PRODUCT}=PRO")
    for _ in range(2):
        code, text = await cli("payments", "move", purchase, "agency-124", env=env, cwd=tmp_path)
        assert (code, "agency-124: PRO" in text) == (0, True), text
    for words, message in (
        ((purchase, "agency-none"), "no agency"),
        (("sub_none", "agency-124"), "Purchase not found"),
    ):
        code, text = await cli("payments", "move", *words, env=env, cwd=tmp_path)
        assert (code, message in text) == (1, True), text
    assert await moves(db) == [("agency-123", "deactivated"), ("agency-124", "activated")]
