"""Plans as data, and the explanation of a plan."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.browsing import operator
from support.clock import FrozenClock
from support.commands import cli
from support.guru import EMAIL, PRODUCT, body
from support.histories import BOUGHT, LATER
from support.lives import TERMS, lived
from support.processes import environment
from support.service import Service, running_service

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.payments.explanation import explain
from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)
PLANS = {"FREE": 0, "PRO": 500, "AGENCY": 1}
PRODUCTS = {PRODUCT: "PRO", "gold": "AGENCY"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plans": PLANS, "plan_products": PRODUCTS})


@pytest.fixture(autouse=True)
async def _three_plans(db: asyncpg.Connection) -> None:
    await db.execute("""ALTER TYPE "Plan" ADD VALUE 'AGENCY'""")
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)


async def did(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200, answer
    output: dict[str, Any] = (await service.finished(answer["jobId"]))["output"]
    return output


async def test_the_higher_of_two_plans_counts_and_the_lower_is_left(settings: Settings, db: asyncpg.Connection):
    gold = {"subscription_code": "sub_2", "id": "sub_2", "internal_id": "u2", "product__offer__id": "gold"}
    content = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "x"}}
    async with running_service(settings, clock=FrozenClock(NOON)) as service:
        assert (await service.outcome("ai-content", content))["error"]["name"] == "plan_limit_reached"
        assert (await did(service, body("sub_active", **gold)))["planAfter"] == "AGENCY"
        assert (await did(service, body("sub_active")))["planAfter"] == "AGENCY"
        assert (await service.outcome("ai-content", content))["status"] == "COMPLETED"
        assert (await service.outcome("ai-content", content))["error"]["name"] == "plan_limit_reached"
        ended = await did(service, body("sub_canceled", last_status="expired", **gold))
        assert (ended["action"], ended["planAfter"]) == ("deactivated", "PRO")


async def test_a_plan_is_explained_on_the_page_and_by_the_command(
    settings: Settings, db: asyncpg.Connection, tmp_path: Path
):
    async with running_service(settings, clock=FrozenClock(NOON)) as service, operator(service) as browser:
        await did(service, body("sub_active"))
        _, page = await browser.get("/agencies/agency-123")
    for words in (
        "Plano PRO: assinatura ativa (Guru sub_AgOs00000000001",
        "pago até 21/12/2026 00:00",
        "Não muda sozinho; sem renovação, é conferido em 24/12/2026 00:00.",
        "Com um cancelamento: plano PRO, até 21/12/2026 00:00 (cancelada, com o período pago por usar).",
        "Com um reembolso: plano FREE (reembolso).",
    ):
        assert words in page, words
    env = environment(settings, PLAN_PRODUCTS=f"{PRODUCT}=PRO", LANG="pt_BR.UTF-8")
    code, text = await cli("payments", "explain", "agency-123", env=env, cwd=tmp_path)
    assert (code, "Plano PRO: assinatura ativa" in text, "Com um reembolso" in text) == (0, True, True)


def test_what_a_hypothesis_says_is_what_happens():
    account, _ = lived(BOUGHT, now=NOON)
    told = explain(account, NOON, TERMS, Formatter("en", NOON))
    assert told.because.startswith("Plan PRO: subscription active")
    assert "If it expires: plan FREE (expiry)." in told.would_change
    nothing = explain(Account("FREE", None, {}), LATER, TERMS, Formatter("en", LATER))
    assert nothing.because == "Plan FREE: no payment is known."
    assert nothing.by_itself == "It does not change by itself."
    assert nothing.would_change == ["With a payment: plan PRO (subscription active)."]
