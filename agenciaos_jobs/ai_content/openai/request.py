"""Requests to OpenAI's Responses API."""

from collections.abc import Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.prompt import Prompt, PromptMessage

IN_BACKGROUND = frozenset({"background", "store"})
"""The options of a request that OpenAI stores and answers later."""


@dataclass(frozen=True)
class Options:
    """Options of requests; ``None`` is OpenAI's default. Those in an agent's own file take precedence.

    ``long_model`` writes the long agents' content, if it is not ``model``.
    """

    model: str
    long_model: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None

    def model_for(self, agent: Agent) -> str:
        return self.long_model or self.model if agent.long else self.model


@dataclass(frozen=True)
class Origin:
    """The run, and the agency and user that it is for."""

    run_id: str
    agency_id: str
    user_id: str | None

    @property
    def safety_identifier(self) -> str:
        """A hash by which OpenAI can distinguish end users without identifying them
        (https://platform.openai.com/docs/guides/safety-best-practices)."""
        return sha256(f"{self.agency_id}\0{self.user_id or ''}".encode()).hexdigest()


def request_of(options: Options, prompt: Prompt, origin: Origin | None, without: Set[str]) -> dict[str, Any]:
    """The body of a request, but for whether OpenAI is to store the answer; ``without`` the options of these names."""
    agent = prompt.agent
    effort = agent.reasoning_effort or options.reasoning_effort
    verbosity = agent.verbosity or options.verbosity
    text: dict[str, Any] = {"format": _format(agent)}
    if verbosity and "verbosity" not in without:
        text["verbosity"] = verbosity
    optional = {
        "prompt_cache_key": agent.type.lower(),
        "service_tier": agent.service_tier or options.service_tier,
        "reasoning": {"effort": effort} if effort else None,
        "safety_identifier": origin.safety_identifier if origin else None,
        "metadata": {"run_id": origin.run_id} if origin else None,
    }
    return {
        "model": options.model_for(agent),
        "instructions": agent.brief,
        "input": [_turn(message) for message in prompt.messages],
        "max_output_tokens": agent.max_output_tokens,
        "text": text,
        **{name: value for name, value in optional.items() if value is not None and name not in without},
    }


def _turn(message: PromptMessage) -> dict[str, str]:
    return {"role": "assistant" if message.role == "assistant" else "user", "content": message.text}


def _format(agent: Agent) -> dict[str, Any]:
    return {"type": "json_schema", "name": agent.type.lower(), "schema": agent.wire_schema, "strict": True}
