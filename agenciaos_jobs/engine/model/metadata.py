"""Changes to a run's metadata, as Trigger.dev's SDK writes them."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from agenciaos_jobs.engine.model.job import Json

Kind = Literal["set", "delete", "append", "remove", "increment", "update"]


@dataclass(frozen=True)
class Change:
    """One operation. ``key`` names a field, or after ``$.`` a path through objects; ``update`` has none."""

    kind: Kind
    key: str = ""
    value: Any = None


def changed(metadata: Json, changes: Iterable[Change]) -> Json:
    """The metadata after the changes; one that does not fit what is there (removing from a text) is left out."""
    result = deepcopy(metadata)
    for change in changes:
        if change.kind == "update":
            result = deepcopy(change.value) if isinstance(change.value, dict) else result
            continue
        path = change.key[2:].split(".") if change.key.startswith("$.") else [change.key]
        _apply(_inside(result, path[:-1]), path[-1], change)
    return result


def _inside(metadata: Json, path: list[str]) -> Json:
    """The object at a path; what is missing, or is no object, becomes one."""
    for name in path:
        if not isinstance(metadata.get(name), dict):
            metadata[name] = {}
        metadata = metadata[name]
    return metadata


def _apply(place: Json, name: str, change: Change) -> None:
    present = place.get(name)
    match change.kind:
        case "set":
            place[name] = change.value
        case "delete":
            place.pop(name, None)
        case "append":
            before = [] if name not in place else present if isinstance(present, list) else [present]
            place[name] = [*before, change.value]
        case "remove" if isinstance(present, list):
            place[name] = [item for item in present if item != change.value]
        case "increment" if isinstance(change.value, int | float):
            counted = present if isinstance(present, int | float) and not isinstance(present, bool) else 0
            place[name] = counted + change.value
