"""Storable text and JSON: what code outside our control produces, in a form that Postgres and every reader accept."""

from typing import Any

import orjson

MAX_DEPTH = 200
"""The deepest nesting of stored JSON. Parsers of other languages, and answers that wrap a value, take a little more."""

_ORJSON_DEPTH = 254
_CUT = "…"
_OPTIONS = orjson.OPT_NON_STR_KEYS


def storable(text: str, limit: int | None = None) -> str:
    """``text`` without U+0000, and with ``?`` for a lone surrogate: Postgres stores neither in any text.

    A text of more than ``limit`` bytes is cut at its end, and says so.
    """
    if limit is not None:
        text = text[: limit + 1]
    data = text.replace("\0", "").encode("utf-8", "replace")
    if limit is None or len(data) <= limit:
        return data.decode()
    return data[: limit - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


def without_middle(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` bytes; what is too long loses its middle, and a line says how much."""
    data = storable(text).encode()
    if len(data) <= limit:
        return data.decode()
    note = f"\n… {len(data) - limit} bytes …\n"
    half = (limit - len(note.encode())) // 2
    return data[:half].decode("utf-8", "ignore") + note + data[-half:].decode("utf-8", "ignore")


def text_of(value: object, limit: int | None = None) -> str:
    """``str(value)``, storable, even if ``__str__`` raises."""
    try:
        return storable(str(value), limit)
    except Exception as error:  # noqa: BLE001 - another's __str__ may raise anything
        return f"<{type(value).__name__}: str() raised {type(error).__name__}>"


def encode(value: Any) -> str:
    """``value`` as JSON that Postgres stores as ``jsonb``. It accepts any value.

    Text is made :func:`storable`, integers beyond 64 bits become text, and so does every object that JSON does not
    know. What is nested deeper than :data:`MAX_DEPTH`, or contains itself, becomes ``"…"``.
    """
    try:
        data = orjson.dumps(value, default=text_of, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):
        data = b""
    if not data or b"\\u0000" in data or is_too_deep(value, data):
        data = orjson.dumps(_plain(value, ()), option=_OPTIONS)
    return data.decode()


def is_too_deep(value: Any, data: bytes) -> bool:
    """Whether ``value``, whose JSON is ``data``, is nested deeper than :data:`MAX_DEPTH`."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    for _ in range(_ORJSON_DEPTH - MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value, default=str, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):  # orjson's own limit
        return True
    return False


def _plain(value: Any, outer: tuple[int, ...]) -> Any:
    """``value`` in JSON's own types; ``outer`` are the identities of the values that it is nested in."""
    if isinstance(value, str):
        return storable(str.__str__(value))
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return int(value) if _fits(value) else text_of(value)
    if not isinstance(value, dict | list | tuple):
        return _converted(value)
    if id(value) in outer or len(outer) >= MAX_DEPTH:
        return _CUT
    inner = (*outer, id(value))
    if isinstance(value, dict):
        return {_key(key): _plain(item, inner) for key, item in value.items()}
    return [_plain(item, inner) for item in value]


def _key(key: Any) -> Any:
    is_plain = key is None or isinstance(key, bool | float) or (isinstance(key, int) and _fits(key))
    return key if is_plain else text_of(key)


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**64


def _converted(value: Any) -> Any:
    """A value of another type as orjson writes it, such as a date, or else as text."""
    try:
        converted = orjson.loads(orjson.dumps(value, default=text_of, option=_OPTIONS))
    except (TypeError, ValueError, RecursionError):
        return text_of(value)
    return storable(converted) if isinstance(converted, str) else converted
