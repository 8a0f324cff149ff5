"""``GET /api/agents``: every agent with its form, its limits and an example, so that a page can draw the form."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.ai_content.agents import AGENTS, Agent
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.scopes import any_token


class AgentChoice(BaseModel):
    """A value that a field of the form offers, and its label."""

    value: str
    label: str


class AgentField(BaseModel):
    """A field of the form; ``type`` is text, long, choice, number or list, ``longest`` is in characters."""

    name: str
    label: str
    hint: str
    type: str
    required: bool
    choices: list[AgentChoice]
    longest: int


class AgentDescription(BaseModel):
    """An agent. ``output`` is the JSON Schema of its answer, with the limits; ``formKey`` is where its page reads."""

    type: str
    slug: str
    family: str
    name: str
    long: bool
    formKey: str | None = None  # noqa: N815
    input: list[AgentField]
    output: dict[str, Any]
    exampleInput: dict[str, Any]  # noqa: N815
    example: dict[str, Any]


class AgentList(BaseModel):
    """Every agent, by type."""

    agents: list[AgentDescription]


async def list_agents(_: web.Request) -> web.Response:
    return answer(AgentList(agents=[_described(AGENTS[name]) for name in sorted(AGENTS)]))


def _described(agent: Agent) -> AgentDescription:
    fields = [
        AgentField(
            name=known.name,
            label=known.label,
            hint=known.hint,
            type=known.type,
            required=known.required,
            choices=[AgentChoice(value=value, label=label) for value, label in known.choices.items()],
            longest=known.longest,
        )
        for known in agent.input
    ]
    return AgentDescription(
        type=agent.type,
        slug=agent.slug,
        family=agent.family,
        name=agent.name,
        long=agent.long,
        formKey=agent.form_key,
        input=fields,
        output=agent.output,
        exampleInput=agent.example_input,
        example=agent.example,
    )


OPERATIONS = [
    Operation(
        "GET",
        "/api/agents",
        list_agents,
        Text("Os agentes de conteúdo e os seus formulários", "The content agents and their forms"),
        answers={200: AgentList},
        token_access=any_token,
    )
]
