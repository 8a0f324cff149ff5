"""A form generated from a payload's JSON Schema, and the payload parsed from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.text import Text

NOT_JSON = Text("não é JSON válido", "is not valid JSON")
LONG = 500


@dataclass(frozen=True)
class Field:
    """A form field. ``kind`` is text, long, number, flag, choice or json; ``sample`` is an example value."""

    name: str
    kind: str
    is_required: bool
    options: tuple[str, ...] = ()
    sample: str = ""
    description: str = ""


def fields(schema: Json) -> list[Field]:
    """The fields of an object's schema, required ones first."""
    required, example = set(schema.get("required", ())), example_of(schema)
    found = []
    for name, own in schema.get("properties", {}).items():
        options = _alternatives(own)
        values = tuple(str(value) for option in options for value in option.get("enum", ()))
        kind = "choice" if values else _kind(options)
        sample = _sample(options, own, example.get(name))
        found.append(Field(name, kind, name in required, values, sample, own.get("description", "")))
    return sorted(found, key=lambda field: not field.is_required)


def example_of(schema: Json) -> Json:
    """The schema's example; empty where it has none."""
    return next((dict(example) for example in schema.get("examples", ()) if isinstance(example, dict)), {})


def written(field: Field, value: Any) -> str:
    """A value as the form's text."""
    if value is None:
        return ""
    if field.kind == "json":
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value)


def read(known: Sequence[Field], given: Mapping[str, str]) -> tuple[Json, dict[str, Text]]:
    """The payload of the form's texts, and the errors by field. Empty fields are omitted."""
    payload: Json = {}
    faults: dict[str, Text] = {}
    for field in known:
        text = given.get(field.name, "").strip()
        if not text and field.kind != "flag":
            continue
        try:
            payload[field.name] = _value(field, text)
        except orjson.JSONDecodeError:
            faults[field.name] = NOT_JSON
        except InvalidFieldsError as error:
            (wrong,) = error.fields
            faults[field.name] = Text(wrong.message("pt"), wrong.message("en"))
    return payload, faults


def _value(field: Field, text: str) -> Any:
    """The value of a text. An invalid number stays text, for the payload's model to reject."""
    if field.kind == "json":
        return json_input.parse(text)
    if field.kind == "flag":
        return text == "true"
    if field.kind == "number":
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        is_plain = number.is_finite() and number == number.to_integral_value() and abs(number) < 2**53
        return int(number) if is_plain else text
    return text


def _alternatives(schema: Json) -> list[Json]:
    """The schema's alternatives without null."""
    return [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]


def _kind(options: list[Json]) -> str:
    types = {option.get("type") for option in options}
    if types & {"integer", "number"}:
        return "number"
    if types == {"boolean"}:
        return "flag"
    if types == {"string"}:
        return "long" if max(option.get("maxLength", 0) for option in options) > LONG else "text"
    return "json"


def _sample(options: list[Json], own: Json, example: Any) -> str:
    if any(option.get("format") == "date-time" for option in options):
        return "2026-11-24T09:00:00-03:00"
    value = example if example is not None else next(iter(own.get("examples", ())), None)
    return str(value) if isinstance(value, str | int | float) else ""
