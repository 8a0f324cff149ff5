"""The page about every agent, ``docs/agents.md``, in Markdown."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

from agenciaos_jobs.ai_content.agents.agent import Agent
from agenciaos_jobs.ai_content.agents.inputs import InputField
from agenciaos_jobs.ai_content.agents.limits import described
from agenciaos_jobs.engine.model.job import Json

_INTRODUCTION = """\
# Agents

Written by `agenciaos-jobs agents`, from the agents' files; do not edit it. `GET /api/agents` has the same as JSON.
[Writing an agent](writing-an-agent.md) explains the files.

`agentType` takes the type or the slug, in any case. `input` takes the fields below; a blank one counts as not given,
what exceeds a field's length is cut off, and unknown fields reach the model too. A field may have 40,000 characters,
and all of them 60,000. A choice reaches the model by its label, any other value as it is. With one of a field's
former names in it, an input has no required fields, as it had none before.

The output has the model's answer in `data`, the Markdown made from it in `content`, and the same Markdown under the
key that the application's page reads; the pages of Funil, WhatsApp and CRM find that key in `data` too. Every text is
in Brazilian Portuguese and not blank, unless its limits permit it.

With `"stream": true` in the payload, the run writes the Markdown to its stream `content` while the model writes it;
an agent that is written in the background gives it at once at the end.
[How a page shows it](from-trigger-dev.md#ai-content-as-it-is-written).
"""


def document(agents: Iterable[Agent]) -> str:
    """The page about some agents, family by family."""
    families = groupby(sorted(agents, key=lambda agent: (agent.family, agent.slug)), key=lambda agent: agent.family)
    known = [(family, list(members)) for family, members in families]
    lines = [_INTRODUCTION, "| agent | type | family | page reads |", "|---|---|---|---|"]
    for family, members in known:
        lines += [f"| [{item.slug}](#{item.slug}) | `{item.type}` | {family} | {_read_by(item)} |" for item in members]
    for family, members in known:
        lines += ["", f"## {family}"]
        lines += [line for agent in members for line in _section(agent)]
    return "\n".join(lines) + "\n"


def _read_by(agent: Agent) -> str:
    return f"`{agent.form_key}`" if agent.form_key else "`data`"


def _section(agent: Agent) -> Iterator[str]:
    where = "in the background" if agent.long else "in the foreground"
    yield from ("", f"### {agent.slug}", "")
    yield f"`{agent.type}`: {agent.name}. Written {where}, within {agent.max_duration} seconds an attempt."
    yield from ("", "| field | label | required | value |", "|---|---|---|---|")
    yield from map(_input_row, agent.input)
    yield from ("", "| answer | what it is | limits |", "|---|---|---|")
    yield from _output_rows(agent.output, "")
    yield from (f"| `{name}` | derived | |" for name in agent.derived)
    yield from ("", "```json", json.dumps({"agentType": agent.slug, "input": agent.example_input}, ensure_ascii=False))
    yield "```"


def _input_row(known: InputField) -> str:
    names = f"`{known.name}`" + "".join(f", formerly `{name}`" for name in known.also)
    label = f"{known.label}: {known.hint}" if known.hint else known.label
    choices = ", ".join(f"`{value}`" for value in known.choices)
    value = f"{known.type}: {choices}" if choices else f"{known.type}, up to {known.longest:,} characters"
    return f"| {names} | {label} | {'yes' if known.required else ''} | {value} |"


def _output_rows(schema: Json, place: str) -> Iterator[str]:
    for name, own in schema.get("properties", {}).items():
        yield from _field_rows(own, f"{place}.{name}".lstrip("."))


def _field_rows(schema: Json, place: str) -> Iterator[str]:
    yield f"| `{place}` | {schema.get('description', '')} | {'; '.join(_limits(schema))} |"
    yield from _output_rows(schema, place)
    if items := schema.get("items"):
        if "properties" not in items and (limits := list(_limits(items))):
            yield f"| `{place}[]` | | {'; '.join(limits)} |"
        yield from _output_rows(items, f"{place}[]")


def _limits(schema: Json) -> Iterator[str]:
    """Every limit in words, with those that OpenAI enforces by itself."""
    yield from described(schema)
    if "enum" in schema:
        yield "um destes: " + ", ".join(schema["enum"])
    if "minimum" in schema:
        yield f"de {schema['minimum']} a {schema['maximum']}"
    if "pattern" in schema:
        pattern = schema["pattern"].replace("|", "\\|").replace("\n", "\\n")
        yield f"padrão `{pattern}`"
