"""The OpenAPI document, generated from the operations and their validating models."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import Problem
from agenciaos_jobs.registry import OFFERED

_REF = "#/components/schemas/{model}"

_NOT_HTTP = "O endereço ou um cabeçalho passa de 8190 bytes / The address or a header is longer than 8,190 bytes"
"""The error that aiohttp itself returns, on any path, before there is a request."""


def operation(operations: Iterable[Operation], public_url: str | None) -> Operation:
    """The endpoint that serves the document of these operations, itself included."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=text, content_type="application/json")

    own = Operation(
        "GET",
        "/openapi.json",
        show,
        Text("Este documento", "This document"),
        {200: "application/json"},
        needs_key=False,
    )
    text = orjson.dumps(document([*operations, own]) | ({"servers": [{"url": public_url}]} if public_url else {}))
    return own


def document(operations: Iterable[Operation]) -> Json:
    """OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""
    operations = list(operations)
    paths: dict[str, Json] = {}
    for item in operations:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AgênciaOS Jobs",
            "version": version("agenciaos-jobs"),
            "description": "Background jobs of AgênciaOS. Errors are RFC 9457 documents, in Portuguese or English.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "TRIGGER_SECRET_KEY"},
                "publicToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A public token whose scopes cover what is read, as auth.createPublicToken makes it",
                },
            },
        },
    }


def _operation(item: Operation) -> Json:
    described: Json = {"summary": str(item.summary), "operationId": _operation_id(item), "responses": _responses(item)}
    if item.needs_key:
        described["security"] = [{"key": []}, {"publicToken": []}] if item.token_access else [{"key": []}]
    if item.parameters or item.query:
        described["parameters"] = [
            *({"name": name, "in": "path", "required": True, "schema": kind} for name, kind in item.parameters.items()),
            *({"name": name, "in": "query", "required": False, "schema": kind} for name, kind in item.query.items()),
        ]
    if item.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(item.request)}},
        }
    return described


def _operation_id(item: Operation) -> str:
    """The handler's name, with the API version of the path where it has one: a handler may serve several versions."""
    version = re.match(r"/api/(v\d+)/", item.path)
    return f"{item.handler.__name__}_{version[1]}" if version else item.handler.__name__


def _responses(item: Operation) -> Json:
    responses: Json = {}
    for status, kind in item.answers.items():
        content = {kind: {}} if isinstance(kind, str) else {"application/json": {"schema": _schema(kind)}}
        responses[str(status)] = {"description": str(item.summary) if status == 200 else "—", "content": content}
    problems = {*item.problems, *((401,) if item.needs_key else ()), *((403,) if item.token_access else ())}
    problems |= set() if item.is_probe else {429}
    for status in sorted(problems - set(item.answers)):
        schema = _schema(Problem)
        responses[str(status)] = {
            "description": "Problema / Problem",
            "content": {"application/problem+json": {"schema": schema}},
        }
    refused = responses.setdefault("400", {"description": _NOT_HTTP, "content": {}})
    refused["content"]["text/plain"] = {}
    return responses


def _schema(kind: Any) -> Json:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {"$ref": _REF.format(model=kind.__name__)}
    schema: Json = kind() if callable(kind) else kind
    return schema


def _schemas(operations: list[Operation]) -> Json:
    answered = [kind for item in operations for kind in item.answers.values() if not isinstance(kind, str)]
    asked = [item.request for item in operations if isinstance(item.request, type)]
    models = [(model, "validation") for model in [*answered, *asked, Problem]]
    _, schemas = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    components: Json = schemas["$defs"]
    for job in OFFERED.values():
        payload = job.payload.model_json_schema(ref_template=_REF)
        components |= payload.pop("$defs", {}) | {job.task: payload}
    return components
