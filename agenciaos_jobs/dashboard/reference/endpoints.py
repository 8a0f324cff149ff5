"""The endpoints of the OpenAPI document, as the reference shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agenciaos_jobs.api.tags import TAGS, Tag
from agenciaos_jobs.dashboard.reference import portuguese, types
from agenciaos_jobs.dashboard.reference.types import Field, Kinds, Model
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.language import Language


@dataclass(frozen=True)
class Body:
    """A body of one media type.

    ``models`` are shown in place: its own, or the alternatives of which it is one. ``shared`` are the fields that all
    alternatives have.
    """

    media: str
    description: str
    kinds: Kinds = ()
    models: Sequence[Model] = ()
    shared: Sequence[Field] = ()

    @property
    def links(self) -> Iterator[str]:
        """The names of the schemas that it links to."""
        yield from types.links(self.kinds, *(field.kinds for field in self.shared))
        for model in self.models:
            yield from model.links


@dataclass(frozen=True)
class Response:
    """A response; ``statuses`` are all those that have it. Without a body its ``media`` is empty."""

    statuses: Sequence[str]
    media: str
    kinds: Kinds


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
    responses: Sequence[Response]

    @property
    def links(self) -> Iterator[str]:
        """The names of the schemas that it links to."""
        yield from types.links(*(field.kinds for field in self.parameters), *(item.kinds for item in self.responses))
        for body in self.bodies:
            yield from body.links


@dataclass(frozen=True)
class Group:
    """The endpoints with one tag."""

    tag: Tag
    endpoints: Sequence[Endpoint]


def groups(document: Json, language: Language) -> list[Group]:
    """The endpoints by tag, with their texts in the reader's language."""
    schemas = document["components"]["schemas"]
    found = [
        (operation["tags"][0], _endpoint(path, method, operation, schemas, language))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    tagged = [(tag, [endpoint for name, endpoint in found if name == tag.name]) for tag in TAGS]
    return [Group(tag, endpoints) for tag, endpoints in tagged if endpoints]


def models(group: Group, document: Json, language: Language) -> list[Model]:
    """The schemas that the endpoints of a group link to, directly or not."""
    names = [name for endpoint in group.endpoints for name in endpoint.links]
    return types.models(names, document["components"]["schemas"], language)


def _endpoint(path: str, method: str, operation: Json, schemas: Json, language: Language) -> Endpoint:
    body = operation.get("requestBody", {})
    return Endpoint(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        # The document has the English summary as summary, and the Portuguese one as description.
        summary=operation["description" if language == "pt" else "summary"],
        security=[name for scheme in operation["security"] for name in scheme],
        parameters=[_parameter(given, language) for given in operation.get("parameters", ())],
        bodies=[
            _body(media, content["schema"], schemas, language) for media, content in body.get("content", {}).items()
        ],
        is_body_required=body.get("required", False),
        responses=_responses(operation["responses"]),
    )


def _parameter(given: Json, language: Language) -> Field:
    schema = given["schema"]
    description = portuguese.in_language(schema.get("description", ""), language)
    return Field(given["name"], types.kinds(schema), given["required"], description, given["in"])


def _body(media: str, schema: Json, schemas: Json, language: Language) -> Body:
    description = portuguese.in_language(schema.get("description", ""), language)
    if name := types.named(schema):
        return Body(media, description, models=[types.model(name, schemas[name], language)])
    if "oneOf" not in schema:
        return Body(media, description, types.kinds(schema))
    models = [_alternative(item, language) for item in schema["oneOf"]]
    shared = [field for field in models[0].fields if all(field in model.fields for model in models)]
    own = [replace(model, fields=[field for field in model.fields if field not in shared]) for model in models]
    return Body(media, description, models=own, shared=shared)


def _alternative(schema: Json, language: Language) -> Model:
    """One of several objects; its description is a job's title, in both languages."""
    title = portuguese.of_both(schema["description"], language)
    return types.model(schema["title"], schema | {"description": title}, language)


def _responses(responses: Json) -> list[Response]:
    """The responses by status; those that differ in nothing else are one."""
    found: dict[tuple[str, Kinds], list[str]] = {}
    for status, response in sorted(responses.items()):
        media, content = next(iter(response["content"].items()), ("", None))
        shown = (media, tuple(types.kinds(content["schema"])) if content else ())
        found.setdefault(shown, []).append(status)
    return [Response(statuses, media, kinds) for (media, kinds), statuses in found.items()]
