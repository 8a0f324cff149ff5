"""superjson, the encoding of payloads by Trigger.dev's SDKs, decoded to plain JSON.

The text is ``{"json": …, "meta": {"values": …, "v": 1}}``; ``values`` is a tree of the types by path that JSON lacks
(https://github.com/flightcontrolhq/superjson).
"""

from collections.abc import Iterator
from typing import Any

_MAX_DEPTH = 100
_SAFE_INTEGER = 2**53 - 1

Path = list[str]


def decode(document: Any) -> Any:
    """The value of a parsed superjson text, with JavaScript's own types converted to JSON.

    A date becomes its ISO text. An undefined value is omitted from an object, and null in an array. A bigint becomes a
    number, or text where a number would be inexact. A map with only text and number keys becomes an object, any other
    map an array of pairs; a set becomes an array. NaN and the infinities become null. Raises :class:`ValueError` for
    invalid superjson.
    """
    if not isinstance(document, dict) or "json" not in document:
        raise ValueError("expected superjson, an object with the field json")
    root = [document["json"]]
    meta = document.get("meta") or {}
    if not isinstance(meta, dict):
        raise ValueError("expected meta to be an object")  # noqa: TRY004 - wrong text, not a wrong call
    has_version = bool(meta.get("v"))
    for path, kind in _annotations(meta.get("values"), has_version):
        _change(root, ["0", *path], kind)
    return root[0] if root else None


def _annotations(tree: Any, has_version: bool, path: Path | None = None) -> Iterator[tuple[Path, Any]]:
    """Each annotated path with its type, nested values first."""
    path = path or []
    if len(path) > _MAX_DEPTH:
        raise ValueError(f"expected at most {_MAX_DEPTH} levels")
    if not tree:
        return
    kind, children = (*tree, None)[:2] if isinstance(tree, list) else (None, tree)
    if not isinstance(children or {}, dict):
        raise ValueError("expected meta to hold types by path")  # noqa: TRY004
    for name, child in (children or {}).items():
        yield from _annotations(child, has_version, [*path, *_split(name, has_version)])
    if kind is not None:
        yield path, kind


def _split(path: str, has_version: bool) -> Path:
    """The segments of a path, split at unescaped dots; only a versioned path escapes backslashes too."""
    segments, segment, characters = [], "", iter(path)
    for character in characters:
        if character == ".":
            segments.append(segment)
            segment = ""
        elif character == "\\":
            escaped = next(characters, "")
            segment += escaped if escaped == "." or (has_version and escaped == "\\") else character + escaped
        else:
            segment += character
    return [*segments, segment]


def _change(root: list[Any], path: Path, kind: Any) -> None:
    """Replaces the value at ``path`` by its JSON form."""
    parent: Any = None
    here: Any = root
    place: Any = None
    while path:
        parent = here
        place, path = _step(parent, path)
        here = parent[place]
    if kind == "undefined" and isinstance(parent, dict):
        del parent[place]
    else:
        parent[place] = _plain(here, kind)


def _step(parent: Any, path: Path) -> tuple[Any, Path]:
    """The key or index at the start of the path, and the rest of the path."""
    if isinstance(parent, list) and path[0].isdecimal() and int(path[0]) < len(parent):
        return int(path[0]), path[1:]
    # SDK 4.x does not escape dots in keys.
    for end in range(1, len(path) + 1 if isinstance(parent, dict) else 0):
        if (key := ".".join(path[:end])) in parent:
            return key, path[end:]
    raise ValueError(f"expected no type for {path[0]!r}, which is not there")


def _plain(value: Any, kind: Any) -> Any:
    if kind == "bigint" and isinstance(value, str):
        number = int(value)
        return number if abs(number) <= _SAFE_INTEGER else str(number)
    if kind == "number":
        return 0 if value == "-0" else None
    if kind == "map" and isinstance(value, list):
        return _as_object(value)
    return value


def _as_object(pairs: list[Any]) -> Any:
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise ValueError("expected a map as an array of pairs")
    keys = {str(key) for key, _ in pairs if isinstance(key, str | int | float) and not isinstance(key, bool)}
    return {str(key): value for key, value in pairs} if len(keys) == len(pairs) else pairs
