"""Metrics of the calls to OpenAI."""

from agenciaos_jobs.ai_content.answer import Usage
from agenciaos_jobs.foundation.metrics import counter, histogram

OPENAI_CALLS = counter("agenciaos_openai_calls_total", "Calls to OpenAI.", ["model", "outcome"])
OPENAI_SECONDS = histogram("agenciaos_openai_call_duration_seconds", "Time that calls to OpenAI took.", ["model"])
TOKENS = counter("agenciaos_openai_tokens_total", "Tokens billed by OpenAI.", ["model", "kind"])
COST = counter("agenciaos_openai_cost_dollars_total", "US dollars billed by OpenAI, where known.", ["model"])


def record_usage(usage: Usage, outcome: str) -> None:
    """Counts a call that was billed."""
    OPENAI_CALLS.labels(usage.model, outcome).inc()
    TOKENS.labels(usage.model, "input").inc(usage.input_tokens - usage.cached_tokens)
    TOKENS.labels(usage.model, "cached").inc(usage.cached_tokens)
    TOKENS.labels(usage.model, "output").inc(usage.output_tokens)
    if usage.cost is not None:
        COST.labels(usage.model).inc(float(usage.cost))
