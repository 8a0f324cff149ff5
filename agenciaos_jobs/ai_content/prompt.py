"""Prompts: the instructions and the data that a model gets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.engine.model.job import Json


@dataclass(frozen=True)
class PromptMessage:
    """One turn of the conversation with the model; ``role`` is ``user`` or ``assistant``."""

    role: str
    text: str


@dataclass(frozen=True)
class Prompt:
    """Everything a model is asked in one call."""

    agent: Agent
    messages: tuple[PromptMessage, ...]


def prompt(
    agent: Agent,
    agency: str,
    clients: Sequence[str],
    projects: Sequence[str],
    user_input: Json,
    variation: Json | None = None,
) -> Prompt:
    """Instructions first, data after them: what users wrote stands in JSON and is never read as instructions."""
    facts: Json = {"agencia": agency}
    if "clients" in agent.context:
        facts["clientes_recentes"] = list(clients)
    if "projects" in agent.context:
        facts["projetos_recentes"] = list(projects)
    facts |= {"pedido": user_input} | ({"variacao": variation} if variation else {})
    request = json.dumps(facts, ensure_ascii=False)
    return Prompt(agent, (PromptMessage("user", request),))
