"""What customers read of a failed run: Portuguese first, with a code that stays."""

import ast
from datetime import timedelta
from pathlib import Path

import asyncpg
from support.ai import REQUEST
from support.double import OpenAIDouble
from support.service import running_service

from agenciaos_jobs import ai_content
from agenciaos_jobs.ai_content.error_words import explain
from agenciaos_jobs.ai_content.pacing.upstream import upstream_of
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
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


def raised_codes() -> set[str]:
    """The codes of all errors that the wing raises; of a code that is put together, its beginning."""
    errors = {"GiveUp", "RetryLater", *(kind.__name__ for kind in (*subclasses(GiveUp), *subclasses(RetryLater)))}
    codes = set()
    for file in Path(ai_content.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors and node.args:
                code = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                codes |= {code.value} if isinstance(code, ast.Constant) else set()
    return codes


def subclasses(kind: type) -> set[type]:
    return {below for direct in kind.__subclasses__() for below in (direct, *subclasses(direct))}


FAULTS = {"model_refused", "content_filtered", "output_truncated", "generation_failed"}
"""Of the model's own, which are raised as they come."""

DETAILS = {
    "plan_limit_reached": {"used": 1, "limit": 1, "plan": "FREE", "resetsAt": "2026-12-01T00:00:00-03:00"},
    "output_limits_exceeded": {"problems": ["titulo: está vazio"]},
}


def test_each_code_has_words_in_both_languages():
    codes = raised_codes() | FAULTS | {upstream_of("a-model", timedelta()).limit_code}
    assert {"openai_", "upstream_", "ai_wait_limit_reached", "unknown_plan"} <= codes
    for code in codes:
        text = explain(code, DETAILS.get(code, {}))
        assert text, code
        assert text.pt != text.en
    assert explain("invalid_payload", {}) is None
