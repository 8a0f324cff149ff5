"""JSON Schemas of agents' outputs: as their files write them, as answers are checked, and as OpenAI takes them."""

from collections.abc import Iterable, Sequence
from typing import Any

from agenciaos_jobs.ai_content.agents.limits import UNSUPPORTED_BY_OPENAI, described
from agenciaos_jobs.engine.model.job import Json


def expanded(schema: Json) -> Json:
    """A file's schema with what it leaves out.

    The type follows from the other keywords, and is ``string`` without any. Every object requires all of its
    properties and allows no others, as OpenAI's strict mode demands. A text is not blank unless it ``mayBeBlank``.
    """
    whole = {"type": _type(schema), **schema}
    if "properties" in whole:
        properties = {name: expanded(own) for name, own in whole["properties"].items()}
        whole |= {"properties": properties, "required": list(properties), "additionalProperties": False}
    if "items" in whole:
        whole["items"] = expanded(whole["items"])
    if whole["type"] == "string" and not {"enum", "mayBeBlank"} & whole.keys():
        whole["notBlank"] = True
    return whole


def _type(schema: Json) -> str:
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    return "integer" if {"minimum", "maximum"} & schema.keys() else "string"


def for_openai(schema: Json) -> Json:
    """The schema as OpenAI's strict mode takes it, with each field's limits in its description."""
    sent = {name: value for name, value in schema.items() if name not in UNSUPPORTED_BY_OPENAI}
    if limits := "; ".join(described(schema)):
        sent["description"] = f"{schema['description']} ({limits})" if "description" in schema else limits
    if "properties" in sent:
        sent["properties"] = {name: for_openai(own) for name, own in sent["properties"].items()}
    if "items" in sent:
        sent["items"] = for_openai(sent["items"])
    return sent


def ordered(schema: Json, names: Sequence[str]) -> Json:
    """The schema with every object's properties in the order of these names, and the others after them."""
    places = {name: place for place, name in enumerate(names)}
    own = dict(schema)
    if "properties" in own:
        ranked = sorted(own["properties"].items(), key=lambda item: places.get(item[0], len(places)))
        own["properties"] = {name: ordered(inner, names) for name, inner in ranked}
    if "items" in own:
        own["items"] = ordered(own["items"], names)
    return own


def texts(schema: Json, value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], str]]:
    """The free texts of a value, each with its path; choices and texts with a pattern are none."""
    inner: Iterable[tuple[Json, Any, str | int]]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        inner = [(known.get(name, {}), own, name) for name, own in value.items()]
    elif isinstance(value, list):
        inner = [(schema.get("items", {}), own, number) for number, own in enumerate(value)]
    elif isinstance(value, str) and not {"enum", "pattern"} & schema.keys():
        return [(path, value)]
    else:
        return []
    return [found for own_schema, own, part in inner for found in texts(own_schema, own, (*path, part))]
