"""What customers read of a failed run: Portuguese first, with a code that stays."""

import asyncpg
import pytest
from support.ai import REQUEST
from support.double import OpenAIDouble
from support.service import running_service

from agenciaos_jobs.ai_content.error_words import explain
from agenciaos_jobs.settings import Settings

SPENT = "Limite de uso de IA excedido para este mês: 0 de 0 gerações do plano FREE. Renova em 1/"


async def test_a_customer_reads_why_there_is_no_text(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    async with running_service(settings.model_copy(update={"plans": {"FREE": 0, "PRO": 500}})) as service:
        run = await service.outcome("ai-content", REQUEST)
        _, english = await service.get(f"/api/v3/runs/{run['id']}", **{"Accept-Language": "en-US"})
    assert (run["error"]["code"], run["error"]["name"]) == ("plan_limit_reached", "plan_limit_reached")
    assert run["error"]["message"].startswith(SPENT)
    assert english["error"]["message"].startswith("AI usage limit exceeded for this month: 0 of 0 generations")
    assert "plan FREE allows 0" in await db.fetchval(
        "SELECT error ->> 'message' FROM jobs.runs WHERE id = $1", run["id"]
    )
    openai_double.fails(401, "invalid_api_key")
    async with running_service(settings) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert run["error"]["message"].startswith("O serviço de IA não atendeu ao pedido.")
    assert run["error"]["code"] == "openai_invalid_api_key"
    assert run["attempts"][0]["error"]["message"].startswith("OpenAI answered 401")


@pytest.mark.parametrize(
    "code",
    [
        "agency_not_found", "model_refused", "content_filtered", "output_truncated", "output_not_json",
        "openai_not_configured", "openai_http_500", "upstream_unreachable", "generation_failed", "response_gone",
    ],
)  # fmt: skip
def test_each_code_has_words_in_both_languages(code: str):
    text = explain(code, {})
    assert text
    assert text.pt != text.en
    assert explain("invalid_payload", {}) is None
