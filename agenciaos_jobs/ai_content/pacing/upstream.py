"""OpenAI as an upstream: each of its models has limits of its own."""

from datetime import timedelta

from agenciaos_jobs.engine.pacing.upstream import Upstream

OPENAI = "openai:"
"""The prefix of the models' keys."""


def upstream_of(model: str, wait_limit: timedelta) -> Upstream:
    return Upstream(OPENAI + model, "OpenAI", wait_limit, "ai_wait_limit_reached", "AI_WAIT_LIMIT")
