"""agenciaos-jobs payments: what is nobody's, whose it is, and the story of a plan."""

from pathlib import Path

import asyncpg
import pytest
from support.commands import cli
from support.guru import PRODUCT, body
from support.service import Service, running_service

from agenciaos_jobs.settings import Settings

NOBODY = {"contact__email": "nobody@example.com", "source": []}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


async def test_an_unmatched_payment_is_listed_assigned_and_told(
    settings: Settings, db: asyncpg.Connection, tmp_path: Path
):
    assert settings.database_url
    assert settings.redis_url
    env = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "COLUMNS": "200",
        "LANG": "pt_BR.UTF-8",
    }

    async def payments(*words: str) -> tuple[int, str]:
        return await cli("payments", *words, env=env, cwd=tmp_path)

    async with running_service(settings) as service:
        await deliver(service)
        code, text = await payments("unmatched")
        assert (code, "nobody@example.com" in text, "R$ 297,00" in text) == (0, True, True)
        number = str(await db.fetchval("SELECT id FROM jobs.payment_events"))
        code, text = await payments("assign", number, "nobody")
        assert (code, text.strip()) == (
            1,
            "agenciaos-jobs: Não existe agência com este id: nobody",
        )
        code, text = await payments("assign", number, "agency-125")
        assert code == 0, text
        assert (await service.finished(text.strip().splitlines()[-1]))["output"]["action"] == "activated"
    code, text = await payments("history", "agency-125")
    assert (code, "atribuído à mão" in text, "plano FREE → PRO (pagamento aprovado)" in text) == (0, True, True)
    assert (await payments("unmatched")) == (0, "nenhum pagamento\n")


async def deliver(service: Service) -> None:
    status, answer = await service.post("/webhooks/guru", body("tx_approved", **NOBODY))
    assert status == 200
    assert (await service.finished(answer["jobId"]))["output"]["action"] == "unmatched"
