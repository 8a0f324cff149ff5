"""The fields of an agent's form: what callers may send, and what of it the model gets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agenciaos_jobs.engine.model.job import Json

VALUE_LIMIT = 40_000
INPUT_LIMIT = 60_000
"""In characters of JSON: what one field may have, and all of them together."""

_BLANK: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class InputField:
    """A field of the form.

    ``longest`` is what the agent needs of it, in characters; more is cut off. ``choices`` maps the values that the form
    offers to their labels; another value reaches the model as it is. ``also`` are former names of the field.
    """

    name: str
    label: str
    hint: str = ""
    type: Literal["text", "long", "choice", "number", "list"] = "text"
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    longest: int = 4_000
    also: tuple[str, ...] = ()

    @classmethod
    def from_file(cls, name: str, values: Json) -> "InputField":
        """A field as a file has it; its type follows from its choices or its length where it is not given."""
        implied = "choice" if values.get("choices") else "long" if values.get("longest", 0) > cls.longest else "text"
        return cls(**{"name": name, "type": implied, **values, "also": tuple(values.get("also", ()))})

    def value_of(self, given: Mapping[str, Any]) -> Any:
        """What was given under the field's name, or else under a former one; ``None`` for blank."""
        values = (given.get(name) for name in (self.name, *self.also))
        return next((value for value in values if not is_blank(value)), None)

    def prepared(self, value: Any) -> Any:
        """The value for the model: a choice by its label, a text no longer than needed."""
        if self.choices and isinstance(value, str | int):
            return self.choices.get(str(value), value)
        return value[: self.longest] if isinstance(value, str) else value


def is_blank(value: Any) -> bool:
    """Whether a form's field counts as not given."""
    return value in _BLANK or (isinstance(value, str) and not value.strip())


def problem(fields: Sequence[InputField], given: Json) -> tuple[str, Json] | None:
    """Why an input can't be used: a code and its figures; ``None`` where it can.

    An input under a field's former name comes from callers from before there were required fields.
    """
    if all(is_blank(value) for value in given.values()):
        return "input_empty", {}
    sizes = {name: len(json.dumps(value, ensure_ascii=False)) for name, value in given.items()}
    for name, size in sizes.items():
        if size > VALUE_LIMIT:
            return "input_value_too_long", {"name": name[:100], "size": size, "limit": VALUE_LIMIT}
    if sum(sizes.values()) > INPUT_LIMIT:
        return "input_too_long", {"size": sum(sizes.values()), "limit": INPUT_LIMIT}
    if not any(name in given for known in fields for name in known.also):
        missing = [known.name for known in fields if known.required and known.value_of(given) is None]
        if missing:
            return "input_missing", {"names": ", ".join(missing)}
    return None


def prepare(fields: Sequence[InputField], given: Json) -> tuple[Json, list[str]]:
    """The input for the model, and the names of the fields that were cut.

    Blank fields are left out. Fields that are not in the form come after those that are.
    """
    values: Json = {}
    cut = []
    for known in fields:
        value = known.value_of(given)
        if value is None:
            continue
        values[known.name] = known.prepared(value)
        if isinstance(value, str) and len(value) > known.longest:
            cut.append(known.name)
    names = {name for known in fields for name in (known.name, *known.also)}
    others = {name: value for name, value in given.items() if name not in names and not is_blank(value)}
    return values | others, cut
