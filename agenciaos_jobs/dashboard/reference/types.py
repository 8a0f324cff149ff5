"""The types of the OpenAPI document, as the reference shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agenciaos_jobs.dashboard.reference import portuguese
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.language import Language

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
    description: str
    fields: Sequence[Field]
    kinds: Kinds

    @property
    def links(self) -> Iterator[str]:
        """The names of the schemas that it links to."""
        return links(self.kinds, *(field.kinds for field in self.fields))


def model(name: str, schema: Json, language: Language) -> Model:
    """The schema under this name, with its texts in the reader's language."""
    required = set(schema.get("required", ()))
    fields = [
        Field(field, kinds(kind), field in required, portuguese.in_language(kind.get("description", ""), language))
        for field, kind in schema.get("properties", {}).items()
    ]
    description = portuguese.in_language(schema.get("description", ""), language)
    return Model(name, description, fields, [] if fields else kinds(schema))


def models(names: Iterable[str], schemas: Json, language: Language) -> list[Model]:
    """The schemas with these names and those that they link to, directly or not; by name."""
    found: dict[str, Model] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = model(name, schemas[name], language)
            waiting += found[name].links
    return [found[name] for name in sorted(found)]


def links(*shown: Kinds) -> Iterator[str]:
    """The names of the schemas that these types link to."""
    return (kind.model for parts in shown for kind in parts if kind.model)


def kinds(schema: Json) -> list[Kind]:
    """The type that a schema describes: names, with a link to each schema among them."""
    if name := named(schema):
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


def named(schema: Json) -> str:
    """The name of the schema that this one refers to, or nothing."""
    reference: str = schema.get("$ref", "")
    return reference.rpartition("/")[2]


def _joined(parts: Iterable[list[Kind]]) -> list[Kind]:
    joined: list[Kind] = []
    for part in parts:
        joined += [Kind(" | "), *part] if joined else part
    return joined
