"""Operations on a run's metadata, in the form that Trigger.dev's SDK sends."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.errors import InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.json_input import require_storable

MAX_METADATA = 256 * 1024
"""The most bytes of a run's metadata, as JSON."""

Kind = Literal["set", "delete", "append", "remove", "increment", "update"]


@dataclass(frozen=True)
class Change:
    """One operation. ``key`` names a field, or after ``$.`` a path through objects; ``update`` has none."""

    kind: Kind
    key: str = ""
    value: Any = None


def require_acceptable(metadata: Json, *where: str | int) -> None:
    """Raises :class:`InvalidFieldsError` for metadata that are too large, or that Postgres cannot store."""
    require_storable(metadata, *where)
    if len(orjson.dumps(metadata, default=str, option=orjson.OPT_NON_STR_KEYS)) > MAX_METADATA:
        english = "should have at most 256 KB"
        name = ".".join(map(str, where))
        raise InvalidFieldsError(f"{name}: {english}", fields=[WrongField(where, "metadata_too_large", english)])


def changed(metadata: Json, changes: Iterable[Change]) -> Json:
    """The metadata after the changes. A change that does not fit, such as removing from a text, is skipped."""
    result = deepcopy(metadata)
    for change in changes:
        if change.kind == "update":
            result = deepcopy(change.value) if isinstance(change.value, dict) else result
            continue
        path = change.key[2:].split(".") if change.key.startswith("$.") else [change.key]
        _apply(_inside(result, path[:-1]), path[-1], change)
    return result


def _inside(metadata: Json, path: list[str]) -> Json:
    """The object at a path; creates missing objects and replaces values that are no objects."""
    for name in path:
        if not isinstance(metadata.get(name), dict):
            metadata[name] = {}
        metadata = metadata[name]
    return metadata


def _apply(parent: Json, name: str, change: Change) -> None:
    present = parent.get(name)
    match change.kind:
        case "set":
            parent[name] = change.value
        case "delete":
            parent.pop(name, None)
        case "append":
            before = [] if name not in parent else present if isinstance(present, list) else [present]
            parent[name] = [*before, change.value]
        case "remove" if isinstance(present, list):
            parent[name] = [item for item in present if item != change.value]
        case "increment" if isinstance(change.value, int | float):
            counted = present if isinstance(present, int | float) and not isinstance(present, bool) else 0
            parent[name] = counted + change.value
