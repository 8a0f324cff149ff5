"""The OpenAPI document, generated from the operations and their validating models."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.api import schemas, tags
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import API_DOCUMENT
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import Problem
from agenciaos_jobs.registry import OFFERED

_NOT_HTTP = "The address or a header is longer than 8,190 bytes / O endereço ou um cabeçalho passa de 8190 bytes"
"""The error that aiohttp itself returns, on any path, before there is a request."""

_DESCRIPTION = "Background jobs of AgênciaOS. Errors are RFC 9457 documents, in Portuguese or English."

_SECURITY: Json = {
    "key": {"type": "http", "scheme": "bearer", "description": "TRIGGER_SECRET_KEY"},
    "publicToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A public token whose scopes cover the request, as auth.createPublicToken makes it",
    },
}


async def show_openapi(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(request.app[API_DOCUMENT]()), content_type="application/json")


OPERATIONS = [
    Operation(
        "GET",
        "/openapi.json",
        show_openapi,
        Text("Este documento", "This document"),
        {200: "application/json"},
        needs_key=False,
    )
]


def document(operations: Iterable[Operation], url: str | None = None) -> Json:
    """OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0). ``url`` is the service's public address."""
    operations = list(operations)
    names, paths = dict(zip(map(id, operations), _operation_ids(operations), strict=True)), dict[str, Json]()
    for item in operations:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item, names[id(item)])
    return {
        "openapi": "3.1.0",
        "info": {
            # In ASCII, because generators name packages after it.
            "title": "AgenciaOS Jobs",
            "version": version("agenciaos-jobs"),
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url or "/"}],
        "tags": tags.described(paths),
        "paths": paths,
        "components": {"schemas": _schemas(operations), "securitySchemes": _SECURITY},
    }


def _operation(item: Operation, name: str) -> Json:
    described: Json = {
        "tags": [tags.tag_of(item.path)],
        "summary": item.summary.en,
        "description": item.summary.pt,
        "operationId": name,
        "responses": _responses(item),
        "security": [],
    }
    if item.needs_key:
        described["security"] = [{"key": []}, {"publicToken": []}] if item.token_access else [{"key": []}]
    if item.parameters or item.query:
        described["parameters"] = [
            *({"name": name, "in": "path", "required": True, "schema": kind} for name, kind in item.parameters.items()),
            *({"name": name, "in": "query", "required": False, "schema": kind} for name, kind in item.query.items()),
        ]
    media: Mapping[str, Any] = {"application/json": item.request} if item.request is not None else item.media
    if media:
        content = {kind: {"schema": _schema(schema)} for kind, schema in media.items()}
        described["requestBody"] = {"required": not item.is_body_optional, "content": content}
    return described


def _operation_ids(operations: Sequence[Operation]) -> Iterator[str]:
    """The handlers' names, with the API version of the path where a handler serves several versions."""
    uses = Counter(item.handler.__name__ for item in operations)
    for item in operations:
        name = item.handler.__name__
        version = re.match(r"/api/(v\d+)/", item.path)
        yield f"{name}_{version[1]}" if uses[name] > 1 and version else name


def _responses(item: Operation) -> Json:
    responses: Json = {}
    for status, kind in item.answers.items():
        responses[str(status)] = {"description": item.summary.en if status == 200 else "—", "content": _content(kind)}
    problems = {*item.problems, *((401,) if item.needs_key else ()), *((403,) if item.token_access else ())}
    problems |= set() if item.is_probe else {429}
    for status in sorted(problems - set(item.answers)):
        responses[str(status)] = {
            "description": "Problem / Problema",
            "content": {"application/problem+json": {"schema": _schema(Problem)}},
        }
    refused = responses.setdefault("400", {"description": _NOT_HTTP, "content": {}})
    refused["content"]["text/plain"] = {"schema": {"type": "string"}}
    return responses


def _content(kind: type[BaseModel] | str) -> Json:
    if isinstance(kind, str):
        return {kind: {"schema": {"type": "object" if kind == "application/json" else "string"}}}
    return {"application/json": {"schema": _schema(kind)}}


def _schema(kind: Any) -> Json:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return schemas.reference(kind.__name__)
    schema: Json = kind() if callable(kind) else kind
    return schema


def _schemas(operations: list[Operation]) -> Json:
    answered = [kind for item in operations for kind in item.answers.values() if not isinstance(kind, str)]
    requested = [kind for item in operations for kind in (item.request, *item.media.values()) if isinstance(kind, type)]
    components: Json = schemas.of_responses([*answered, Problem]) | schemas.of_requests(requested)
    for job in OFFERED.values():
        components |= schemas.of_payload(job)
    return components
