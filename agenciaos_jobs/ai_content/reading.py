"""Reading an answer: what of it can be used, and what must be requested again.

A paid answer is used as far as it can be. A bad item of a list is dropped while the list stays long enough; a field
that is still wrong is requested again, alone.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.limits import Fault
from agenciaos_jobs.ai_content.answer_text import objects_in
from agenciaos_jobs.ai_content.prompt import Prompt, PromptMessage
from agenciaos_jobs.engine.model.job import Json

_NOT_JSON = Fault((), "json", "resposta: não traz o objeto JSON pedido")
_AMBIGUOUS = Fault((), "json", "resposta: traz vários objetos JSON diferentes, deve trazer um só")


@dataclass(frozen=True)
class Reading:
    """An answer as read: its content, and its faults, of which the run needs none.

    ``dropped`` counts the items of lists that were left out. ``is_json``: there was an object at all.
    """

    content: Json = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    dropped: int = 0
    is_json: bool = True

    @property
    def problems(self) -> list[str]:
        """The faults in words."""
        return [fault.words for fault in self.faults]

    @property
    def wrong_fields(self) -> frozenset[str]:
        """The fields to request again; empty if that is the whole answer."""
        fields = {str(fault.path[0]) for fault in self.faults if fault.path}
        return frozenset(fields) if all(fault.path for fault in self.faults) else frozenset()


def read(agent: Agent, text: str) -> Reading:
    """The reading of an answer's text. Of several objects it is the only one without faults, if there is one."""
    objects = [found for found in objects_in(text) if found.keys() & _properties(agent).keys()]
    readings = [_checked(agent, found) for found in objects]
    good = [reading for reading in readings if not reading.faults]
    if len(good) == 1:
        return good[0]
    if len(good) > 1:
        return Reading(faults=(_AMBIGUOUS,))
    return readings[-1] if readings else Reading(faults=(_NOT_JSON,), is_json=False)


def correction(request: Prompt, answer: str, reading: Reading) -> Prompt:
    """The request once more with the answer it got and what is wrong with it: for the wrong fields alone, if it can."""
    wanted = [name for name in _properties(request.agent) if name in reading.wrong_fields]
    agent = _narrowed(request.agent, wanted) if wanted else request.agent
    words = "A resposta não cumpre estes limites:\n" + "\n".join(f"- {problem}" for problem in reading.problems)
    if wanted:
        words += f"\nDevolva só estes campos, corrigidos: {', '.join(wanted)}."
    else:
        words += "\nDevolva a resposta inteira outra vez, corrigindo só o que foi apontado."
    return Prompt(agent, (*request.messages, PromptMessage("assistant", answer), PromptMessage("user", words)))


def corrected(agent: Agent, before: Reading, text: str) -> Reading:
    """The reading after the corrective round: the first answer, with the fields that came anew.

    A list that is still too short is filled up with the good items that it had before.
    """
    if not before.wrong_fields:
        return read(agent, text)
    fields = {name: name for name in before.wrong_fields}
    again = [found for found in objects_in(text) if found.keys() & fields.keys()]
    if not again:
        return replace(before, is_json=bool(objects_in(text)))
    content = {**before.content, **{name: again[-1][name] for name in fields if name in again[-1]}}
    reading = _checked(agent, content)
    if not reading.faults:
        return reading
    united = _checked(agent, {**content, **_united(agent, reading.wrong_fields, content, before.content)})
    return reading if united.faults else united


def _checked(agent: Agent, content: Json) -> Reading:
    """The content without unknown fields and without the items that can be spared, and the faults that remain."""
    properties = _properties(agent)
    content = deepcopy({name: value for name, value in content.items() if name in properties})
    dropped = _drop(agent.output, content, agent.faults(content))
    return Reading(content, tuple(_located(agent, content)), dropped)


def _located(agent: Agent, content: Json) -> Iterable[Fault]:
    """The content's faults; a missing field's is at the field."""
    missing = [name for name in _properties(agent) if name not in content]
    yield from (Fault((name,), "required", f"{name}: falta") for name in missing)
    yield from (fault for fault in agent.faults(content) if fault.path or fault.rule != "required")


def _drop(schema: Json, content: Json, faults: Iterable[Fault]) -> int:
    """Removes bad items from lists that stay long enough without them, and whatever exceeds a list; counts them."""
    bad: dict[tuple[str | int, ...], set[int]] = {}
    for fault in faults:
        if fault.rule == "maxItems":
            bad.setdefault(fault.path, set())
        elif place := _innermost_item(fault.path):
            bad.setdefault(place[0], set()).add(place[1])
    dropped = 0
    for path, indices in sorted(bad.items(), key=lambda item: len(item[0]), reverse=True):
        items, limits = _at(content, path), _schema_at(schema, path)
        kept = [item for index, item in enumerate(items) if index not in indices][: limits.get("maxItems")]
        if len(kept) >= max(1, limits.get("minItems", 1)):
            dropped += len(items) - len(kept)
            items[:] = kept
    return dropped


def _innermost_item(path: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], int] | None:
    """The innermost item of a list that a path leads through: the list's path, and the item's index."""
    for depth in range(len(path) - 1, -1, -1):
        part = path[depth]
        if isinstance(part, int):
            return path[:depth], part
    return None


def _united(agent: Agent, fields: Iterable[str], *contents: Json) -> Json:
    """For each field that is a list, the good items of all contents, as many as it may have."""
    united: Json = {}
    for name in fields:
        schema = _properties(agent)[name]
        if schema.get("type") != "array":
            continue
        alone = _narrowed(agent, [name])
        items: list[Any] = []
        for content in contents:
            listed = content.get(name)
            found = listed if isinstance(listed, list) else []
            bad = {fault.path[1] for fault in alone.faults({name: found}) if len(fault.path) > 1}
            items += [item for index, item in enumerate(found) if index not in bad and item not in items]
        united[name] = items[: schema.get("maxItems")]
    return united


def _narrowed(agent: Agent, fields: Iterable[str]) -> Agent:
    """The agent with an answer of these fields alone."""
    wanted = list(fields)
    properties = {name: _properties(agent)[name] for name in wanted}
    return replace(agent, output={**agent.output, "properties": properties, "required": wanted})


def _properties(agent: Agent) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = agent.output["properties"]
    return properties


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        value = value[part]
    return value


def _schema_at(schema: Json, path: Iterable[str | int]) -> Json:
    """The schema of the value at a path; empty where it is not known."""
    for part in path:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return schema
