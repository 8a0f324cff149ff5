"""Answers and usage as servers really send them: used, billed by what is known, and never thrown away."""

import json
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.ai import REQUEST
from support.background import bills
from support.double import OpenAIDouble
from support.service import Service

from agenciaos_jobs.ai_content.agents import AGENTS

COPY = AGENTS["META_ADS_COPY"].example
COUNTS = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}


@pytest.mark.parametrize(
    ("usage", "tokens", "cost", "is_incomplete"),
    [
        ({**COUNTS, "output_tokens_details": {"reasoning_tokens": None}}, (1000, 0, 100), "0.00015", False),
        ({**COUNTS, "input_tokens_details": None, "output_tokens_details": "none"}, (1000, 0, 100), "0.00015", False),
        ({**COUNTS, "input_tokens_details": {"cached_tokens": 1500}}, (1000, 1000, 100), "0.00006", True),
        ({**COUNTS, "input_tokens_details": {"cache_write_tokens": 800}}, (1000, 0, 100), "0.00017", False),
        ({"prompt_tokens": 1000, "completion_tokens": 100}, (1000, 0, 100), "0.00015", False),
        ({"input_tokens": 1000, "output_tokens": None}, (1000, 0, 0), "0.0001", True),
        ({"input_tokens": -5, "output_tokens": "many"}, (0, 0, 0), "0", True),
        ("a lot", (0, 0, 0), "0", True),
        (None, (0, 0, 0), None, True),
    ],
    ids=["null", "no details", "cached above all", "cache writes", "chat names", "half", "nonsense", "text", "missing"],
)
async def test_usage_is_read_tolerantly_and_billed_by_what_is_known(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection, usage: Any, tokens, cost, is_incomplete: bool
):
    openai_double.says(COPY, usage=usage)
    run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"], run["output"]["data"]) == ("COMPLETED", 1, COPY)
    kept = await db.fetchrow("SELECT * FROM jobs.ai_generations")
    assert (kept["input_tokens"], kept["cached_tokens"], kept["output_tokens"]) == tokens
    assert kept["cost"] == (cost and Decimal(cost))
    assert kept["usage_incomplete"] == is_incomplete == run["output"]["usage"].get("usageIncomplete", False)
    lines = [row["message"] for row in await db.fetch("SELECT message FROM jobs.run_logs")]
    assert ("usage_incomplete" in lines) == is_incomplete


async def test_two_messages_and_prose_around_the_json_are_one_answer(service: Service, openai_double: OpenAIDouble):
    def message(text: str | None) -> dict[str, Any]:
        return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}

    fenced = f"Pronto:\n```json\n{json.dumps(COPY)}\n```"
    openai_double.says("", output=[message("Vou pensar nos ângulos {benefício, dor}."), message(None), message(fenced)])
    run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["output"]["data"]) == ("COMPLETED", COPY)
    assert len(openai_double.requests) == 1


async def test_an_answer_that_is_not_json_gets_the_corrective_round_and_both_are_billed(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    openai_double.says("Desculpe, não entendi o pedido.")
    run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"], run["output"]["data"]) == ("COMPLETED", 1, COPY)
    assert "não traz o objeto JSON pedido" in openai_double.requests[1]["input"][-1]["content"]
    assert await bills(db) == [("completed", None, 2)]


async def test_an_answer_that_was_cut_off_is_asked_for_once_more_with_twice_the_tokens(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    openai_double.says('{"headlines": [', **cut)
    assert (await service.outcome("ai-content", REQUEST))["output"]["data"] == COPY
    first, second = openai_double.requests
    assert second["max_output_tokens"] == 2 * first["max_output_tokens"]
    assert second["input"] == first["input"]
    for _ in range(2):
        openai_double.says('{"headlines": [', **cut)
    run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["error"]["name"], run["attemptCount"]) == ("FAILED", "output_truncated", 1)
    assert await bills(db) == [("completed", None, 2), ("failed", "output_truncated", 2)]


async def test_the_price_is_that_of_the_model_and_tier_that_answered(service: Service, openai_double: OpenAIDouble):
    usage = {"input_tokens": 100_000, "output_tokens": 0}
    for model, tier, cost in (("gpt-4o-mini", "default", "0.015"), ("gpt-6-luna", "flex", "0.005")):
        openai_double.says(COPY, model=model, service_tier=tier, usage=usage)
        run = await service.outcome("ai-content", REQUEST)
        assert Decimal(run["output"]["usage"]["costUsd"]) == Decimal(cost)
