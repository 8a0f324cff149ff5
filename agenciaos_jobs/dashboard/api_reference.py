"""The API reference as a view of the OpenAPI document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agenciaos_jobs.api.tags import TAGS
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text

_MOST_VALUES = 12
"""Of an enumeration, how many values are shown."""


@dataclass(frozen=True)
class Kind:
    """A part of a type as it is shown; ``model`` is the schema that it links to."""

    text: str
    model: str | None = None


Kinds = Sequence[Kind]


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of an object; ``place`` is ``path`` or ``query`` for a parameter."""

    name: str
    kinds: Kinds
    is_required: bool
    description: str
    place: str = ""


@dataclass(frozen=True)
class Model:
    """A schema. An object has ``fields``; any other has ``kinds``."""

    name: str
    title: str
    description: str
    fields: Sequence[Field]
    kinds: Kinds


@dataclass(frozen=True)
class Body:
    """A body of one media type; ``alternatives`` are the objects of which it is one, if they have no name."""

    media: str
    kinds: Kinds
    description: str
    alternatives: Sequence[Model]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint; ``security`` names the schemes that open it, none for one that is open to all."""

    name: str
    method: str
    path: str
    summary: str
    security: Sequence[str]
    parameters: Sequence[Field]
    bodies: Sequence[Body]
    is_body_required: bool
    responses: Sequence[tuple[str, Body | None]]


@dataclass(frozen=True)
class Group:
    """The endpoints with one tag."""

    name: str
    title: Text
    endpoints: Sequence[Endpoint]


def groups(document: Json, language: Language) -> list[Group]:
    """The endpoints by tag, with their summaries in the reader's language."""
    found = [
        (operation["tags"][0], _endpoint(path, method, operation, language))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    tagged = [(tag, [endpoint for name, endpoint in found if name == tag.name]) for tag in TAGS]
    return [Group(tag.name, tag.title, endpoints) for tag, endpoints in tagged if endpoints]


def models(document: Json) -> list[Model]:
    """The schemas by name."""
    return [_model(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]


def _endpoint(path: str, method: str, operation: Json, language: Language) -> Endpoint:
    body = operation.get("requestBody", {})
    return Endpoint(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        # The document has the English summary as summary, and the Portuguese one as description.
        summary=operation["description" if language == "pt" else "summary"],
        security=[name for scheme in operation["security"] for name in scheme],
        parameters=[
            Field(
                given["name"],
                kinds(given["schema"]),
                given["required"],
                given["schema"].get("description", ""),
                given["in"],
            )
            for given in operation.get("parameters", ())
        ],
        bodies=_bodies(body.get("content", {})),
        is_body_required=body.get("required", False),
        responses=[
            (status, next(iter(_bodies(response["content"])), None))
            for status, response in sorted(operation["responses"].items())
        ],
    )


def _bodies(content: Mapping[str, Any]) -> list[Body]:
    return [
        Body(
            media,
            kinds(described["schema"]),
            described["schema"].get("description", ""),
            [_model(item.get("title", ""), item) for item in described["schema"].get("oneOf", ())],
        )
        for media, described in content.items()
    ]


def _model(name: str, schema: Json) -> Model:
    required = set(schema.get("required", ()))
    fields = [
        Field(field, kinds(kind), field in required, kind.get("description", ""))
        for field, kind in schema.get("properties", {}).items()
    ]
    return Model(name, schema.get("title", name), schema.get("description", ""), fields, kinds(schema))


def kinds(schema: Json) -> list[Kind]:
    """The type that a schema describes: names, with a link to each schema among them."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [Kind(name, name)]
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return _joined([kinds(kind) for kind in schema[either]])
    if "const" in schema:
        return [Kind(repr(schema["const"]))]
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        more = ["…"] if len(values) > _MOST_VALUES else []
        return [Kind(" | ".join([*values[:_MOST_VALUES], *more]))]
    if schema.get("type") == "array":
        return [Kind("["), *kinds(schema.get("items", {})), Kind("]")]
    bounds = [f"{sign} {schema[name]}" for name, sign in (("minimum", "≥"), ("maximum", "≤")) if name in schema]
    plain: str = schema.get("format") or schema.get("type") or "any"
    return [Kind(" ".join([plain, *bounds]))]


def _joined(parts: Iterable[list[Kind]]) -> list[Kind]:
    joined: list[Kind] = []
    for part in parts:
        joined += [Kind(" | "), *part] if joined else part
    return joined
