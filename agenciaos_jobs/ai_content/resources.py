"""Resources of the AI content jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from aiohttp import web

from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.engine.pacing.pacer import Pacer


@dataclass(frozen=True)
class AIContent:
    """The model and its pacer, how many generations a month each plan allows, and where alerts are recorded.

    ``wait_limit`` is the longest that a run waits for OpenAI.
    """

    model: OpenAIModel
    pacer: Pacer
    wait_limit: timedelta
    monthly_limits: Mapping[str, int]
    alerts: AlertBuffer


MONTHLY_LIMITS: web.AppKey[Mapping[str, int]] = web.AppKey("monthly_limits")

AI_BUDGET: web.AppKey[Decimal | None] = web.AppKey("ai_budget")
"""US dollars a month (``AI_BUDGET_USD``); ``None`` without a budget."""
