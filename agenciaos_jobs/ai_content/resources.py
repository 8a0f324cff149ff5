"""Resources of the AI content jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from aiohttp import web

from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.pacing.pacer import Pacer
from agenciaos_jobs.alerts.buffer import AlertBuffer


@dataclass(frozen=True)
class AIContent:
    """The model and its pacer, how many generations a month each plan allows, and where alerts are recorded."""

    model: OpenAIModel
    pacer: Pacer
    monthly_limits: Mapping[str, int]
    alerts: AlertBuffer


MONTHLY_LIMITS: web.AppKey[Mapping[str, int]] = web.AppKey("monthly_limits")

AI_BUDGET: web.AppKey[Decimal | None] = web.AppKey("ai_budget")
"""US dollars a month (``AI_BUDGET_USD``); ``None`` without a budget."""
