"""Prompts, answers, and the validation of answers."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal

import orjson

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.engine.model.job import Json


@dataclass(frozen=True)
class Usage:
    """What one or more calls consumed. ``cost`` is in US dollars, ``None`` where the model's price is not known."""

    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: Decimal | None
    service_tier: str | None = None
    requests: int = 1

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            model=other.model,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
            service_tier=other.service_tier,
            requests=self.requests + other.requests,
        )

    def as_json(self) -> Json:
        return {
            "model": self.model,
            "inputTokens": self.input_tokens,
            "cachedTokens": self.cached_tokens,
            "outputTokens": self.output_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "totalTokens": self.input_tokens + self.output_tokens,
            "costUsd": None if self.cost is None else str(self.cost),
        }


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

    def corrected(self, answer: str, problems: Sequence[str]) -> "Prompt":
        """The same request with the answer it got, and what is to be put right in it."""
        request = "A resposta não cumpre estes limites:\n" + "\n".join(f"- {problem}" for problem in problems)
        request += "\nDevolva a resposta inteira outra vez, corrigindo só o que foi apontado."
        return Prompt(self.agent, (*self.messages, PromptMessage("assistant", answer), PromptMessage("user", request)))


@dataclass(frozen=True)
class Answer:
    """What a model answered: its text, or why there is none to use (``fault``: a code and words for people)."""

    text: str
    usage: Usage
    fault: tuple[str, str] | None = None

    def as_json(self) -> Json:
        cost = None if self.usage.cost is None else str(self.usage.cost)
        return {"text": self.text, "usage": asdict(self.usage) | {"cost": cost}, "fault": self.fault}

    @classmethod
    def from_json(cls, values: Json) -> "Answer":
        cost = values["usage"]["cost"]
        usage = Usage(**values["usage"] | {"cost": None if cost is None else Decimal(cost)})
        return cls(values["text"], usage, tuple(values["fault"]) if values["fault"] else None)


@dataclass(frozen=True)
class ParsedAnswer:
    """A parsed answer: its content, or its problems."""

    content: Json = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_json: bool = True


def read(agent: Agent, text: str) -> ParsedAnswer:
    """The content of an answer's text, checked against the agent's schema and limits."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return ParsedAnswer(problems=(f"the answer is not JSON: {error}",), is_json=False)
    problems = tuple(agent.problems(content))
    return ParsedAnswer(problems=problems) if problems else ParsedAnswer(content=content)


def prompt(agent: Agent, agency: str, clients: Sequence[str], projects: Sequence[str], user_input: Json) -> Prompt:
    """Instructions first, data after them: what users wrote stands in JSON and is never read as instructions."""
    facts: Json = {"agencia": agency}
    if "clients" in agent.context:
        facts["clientes_recentes"] = list(clients)
    if "projects" in agent.context:
        facts["projetos_recentes"] = list(projects)
    request = json.dumps({**facts, "pedido": user_input}, ensure_ascii=False)
    return Prompt(agent, (PromptMessage("user", request),))
