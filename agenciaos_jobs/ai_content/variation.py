"""A variation: one text of an earlier answer written anew, while the rest stays as it is."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.schema import expanded
from agenciaos_jobs.engine.model.job import Json

_ANSWER = "texto"

_TASK = """
Já existe um conteúdo pronto, em variacao.conteudo. Reescreva somente o texto de variacao.campo, que hoje é
variacao.texto_atual: escreva uma versão com outro ângulo, que sirva no mesmo lugar e combine com o resto, que fica como
está. Não repita o texto atual nem os outros da mesma lista.
"""


class Variation(BaseModel):
    """Which text to write anew: its ``path`` in the ``data`` of an earlier output, which is sent along.

    Only this text is generated. The new output is ``data`` with it.
    """

    model_config = ConfigDict(json_schema_extra={"title": "Variation"})

    path: list[str | int] = Field(min_length=1, max_length=12, description="such as ['headlines', 2]")
    data: dict[str, JsonValue] = Field(description="data of the earlier output")

    def answer(self, agent: Agent) -> Json:
        """The earlier answer: ``data`` without what is derived from it."""
        answer: Json = _projected(agent.output, self.data)
        return answer

    def is_of_text(self, agent: Agent) -> bool:
        """Whether the path leads to a text of ``data`` that the agent writes freely."""
        schema, value = _at(agent, self.data, self.path)
        return isinstance(value, str) and schema.get("type") == "string" and "enum" not in schema

    def narrowed(self, agent: Agent) -> Agent:
        """The agent that writes this text alone. It has the text's limits, and must not repeat what there is."""
        schema, text = _at(agent, self.data, self.path)
        _, around = _at(agent, self.data, self.path[:-1])
        taken = [text, *(around if isinstance(around, list) else ())]
        output = expanded({"properties": {_ANSWER: schema | {"differsFrom": taken}}})
        return replace(agent, output=output, instructions=f"{agent.instructions.strip()}\n{_TASK}")

    def as_data(self, agent: Agent) -> Json:
        """What the model is sent of it."""
        _, text = _at(agent, self.data, self.path)
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        return {"campo": place, "texto_atual": text, "conteudo": self.answer(agent)}

    def applied(self, agent: Agent, written: Json) -> Json:
        """The whole answer with the new text in its place."""
        answer: Json = _replaced(self.answer(agent), self.path, written[_ANSWER])
        return answer


def _at(agent: Agent, value: Any, path: list[str | int]) -> tuple[Json, Any]:
    """The schema and the value at a path; nothing where it leads to none."""
    schema = agent.output
    for part in path:
        if isinstance(part, int):
            is_there = isinstance(value, list) and 0 <= part < len(value)
            schema, value = schema.get("items", {}), value[part] if is_there else None
        else:
            schema = schema.get("properties", {}).get(part, {})
            value = value.get(part) if isinstance(value, dict) else None
    return schema, value


def _projected(schema: Json, value: Any) -> Any:
    """What of a value the schema has."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: _projected(known[name], own) for name, own in value.items() if name in known}
    if isinstance(value, list):
        return [_projected(schema.get("items", {}), item) for item in value]
    return value


def _replaced(value: Any, path: list[str | int], text: str) -> Any:
    """The value with a text at a path that exists."""
    if not path:
        return text
    first, *rest = path
    if isinstance(value, list):
        return [_replaced(item, rest, text) if number == first else item for number, item in enumerate(value)]
    return {name: _replaced(own, rest, text) if name == first else own for name, own in value.items()}
