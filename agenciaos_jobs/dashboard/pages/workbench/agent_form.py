"""The form of an agent, made from its file, and the input parsed from it."""

from collections.abc import Mapping
from typing import Any

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.inputs import InputField
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text

PREFIX = "input."

REQUIRED = Text("campo obrigatório", "required field")


def read(agent: Agent, given: Mapping[str, str]) -> tuple[Json, dict[str, Text]]:
    """The agent's input in a submitted form, without blank fields, and the errors by field."""
    values: Json = {}
    faults: dict[str, Text] = {}
    for known in agent.input:
        text = given.get(PREFIX + known.name, "").replace("\r\n", "\n").strip()
        if text:
            values[known.name] = _value(known, text)
        elif known.required:
            faults[known.name] = REQUIRED
    return values, faults


def written(agent: Agent, values: Json) -> dict[str, str]:
    """An input as the form's texts, by the names of its controls."""
    return {PREFIX + known.name: _text(known.value_of(values)) for known in agent.input}


def _value(known: InputField, text: str) -> Any:
    """A list has a line per item. What is no number stays text, for the model to read."""
    if known.type == "list":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if known.type == "number" and text.isascii() and text.isdecimal() and len(text) < 16:
        return int(text)
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
