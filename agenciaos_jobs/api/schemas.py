"""The schemas of the OpenAPI document, in the form from which client generators make usable types.

pydantic writes ``default: null`` for each optional field. Generators such as openapi-typescript take a default for a
value that is always there, so here a default is a sentence in the description of a request's field, and makes a
response's field required: responses have every field except those without a value, which they omit.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agenciaos_jobs.engine.model.job import Job, Json

REF = "#/components/schemas/{model}"


def reference(model: str) -> Json:
    return {"$ref": REF.format(model=model)}


def of_responses(models: Iterable[type[BaseModel]]) -> Json:
    """The schemas of these models and of those they contain, by name."""
    return {name: _response(schema) for name, schema in _definitions(models).items()}


def of_requests(models: Iterable[type[BaseModel]]) -> Json:
    """The schemas of these models and of those they contain, by name."""
    return {name: request(schema) for name, schema in _definitions(models).items()}


def of_payload(job: Job[Any]) -> Json:
    """The schema of a job's payload by the name of its task, and those that it contains.

    Models of different jobs may have the same name, so the task is a part of each name.
    """
    prefix = pascal_case(job.task)
    payload = job.payload.model_json_schema(ref_template=REF.format(model=f"{prefix}{{model}}"))
    inner = {f"{prefix}{name}": schema for name, schema in payload.pop("$defs", {}).items()}
    named = {job.task: payload | {"title": f"{prefix}Payload"}} | {
        name: schema | {"title": name} for name, schema in inner.items()
    }
    return {name: request(schema) for name, schema in named.items()}


def request(schema: Json) -> Json:
    """The schema of an object that callers send: a field with a default may be omitted."""
    fields = {name: _without_default(field) for name, field in schema.get("properties", {}).items()}
    return schema | {"properties": fields} if fields else schema


def pascal_case(task: str) -> str:
    """A task's name as a name of a type: ``send-reminder`` as ``SendReminder``."""
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", task))


def _definitions(models: Iterable[type[BaseModel]]) -> Mapping[str, Json]:
    _, schemas = models_json_schema([(model, "validation") for model in dict.fromkeys(models)], ref_template=REF)
    definitions: Mapping[str, Json] = schemas.get("$defs", {})
    return definitions


def _response(schema: Json) -> Json:
    fields = schema.get("properties", {})
    if not fields:
        return schema
    given = [name for name, field in fields.items() if field.get("default") is not None]
    required = [name for name in fields if name in {*schema.get("required", ()), *given}]
    shown = {name: _without_title(_never_null(field)) for name, field in fields.items()}
    return schema | {"properties": shown} | ({"required": required} if required else {})


def _never_null(field: Json) -> Json:
    """A field without its default. A response omits a field that defaults to null, rather than sending null."""
    if "default" not in field or field["default"] is not None:
        return {name: value for name, value in field.items() if name != "default"}
    rest = {name: value for name, value in field.items() if name not in {"default", "anyOf"}}
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] | rest if len(kinds) == 1 else rest | ({"anyOf": kinds} if kinds else {})


def _without_default(field: Json) -> Json:
    field = dict(field)
    default = field.pop("default", None)
    if isinstance(default, str | int | float):
        described = [field.get("description", "").rstrip("."), f"Default: {orjson.dumps(default).decode()}"]
        field["description"] = ". ".join(filter(None, described))
    return _without_title(field)


def _without_title(field: Json) -> Json:
    """pydantic's title of a field is its name again, and differs in nothing from the titles of other models' fields."""
    return {name: value for name, value in field.items() if name != "title"}
