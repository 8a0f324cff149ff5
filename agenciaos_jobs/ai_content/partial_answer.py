"""The Markdown of an answer that a model is still writing, as far as it is certain.

The JSON so far is completed in two ways: once as if every value ended here, once as if the last ones went on. Both are
rendered up to the first value that is missing. What the two have in common does not depend on how the answer goes on,
whether the template prints, joins, counts or sums it. Only a template that searches a text for words may differ later.
"""

import re
from os.path import commonprefix
from typing import Any

from pydantic_core import from_json

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.agents.rendering import render_available, tidied
from agenciaos_jobs.ai_content.answer_text import repaired
from agenciaos_jobs.engine.model.job import Json

_MORE = "\0"
"""Stands for text that is still to come. No text has this character, because it is removed from answers."""

_BARE_MARKUP = re.compile(r"(^|\n)[^\w\n]*(\d+\.)?\Z")
"""A last line without a word yet: as long as it is alone, ``-`` makes the line above it a heading."""

_UNCERTAIN = object()


def markdown_so_far(agent: Agent, text: str) -> str:
    """The beginning of the Markdown that an answer beginning with ``text`` will have; empty while there is none.

    Repairs and dropped items may still change the answer afterwards: compare with the Markdown of the whole answer.
    """
    value = _parsed(text)
    if not value:
        return ""
    endings = [_ending(agent.output, value, goes_on=goes_on) for goes_on in (False, True)]
    certain = commonprefix([render_available(agent.content, ending) for ending in endings])  # noqa: RUF071 - of texts
    return _BARE_MARKUP.sub("", tidied(certain))


def _parsed(text: str) -> Json:
    """The object that the text begins, with the string that is being written; empty where there is none."""
    _, brace, rest = text.partition("{")
    try:
        value = from_json(brace + rest, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return repaired(value) if isinstance(value, dict) else {}


def _ending(schema: Json, value: Any, *, goes_on: bool) -> Any:
    """A value whose innermost last part ends here or goes on; :data:`_UNCERTAIN` for one that is no text or container.

    The digits of a number and the letters of a choice mean nothing before the last of them.
    """
    if isinstance(value, dict):
        if not value:
            return value
        *before, (name, last) = value.items()
        end = _ending(schema.get("properties", {}).get(name, {}), last, goes_on=goes_on)
        return dict(before) if end is _UNCERTAIN else {**dict(before), name: end}
    if isinstance(value, list):
        item = schema.get("items", {})
        ends = [_ending(item, last, goes_on=goes_on) for last in value[-1:]]
        another = [{} if "properties" in item else _MORE] if goes_on else []
        return [*value[:-1], *(end for end in ends if end is not _UNCERTAIN), *another]
    if isinstance(value, str) and not {"enum", "pattern"} & schema.keys():
        return value + _MORE if goes_on else value
    return _UNCERTAIN
