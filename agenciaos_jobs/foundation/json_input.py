"""JSON from outside: parsed, and refused with the name of the field where Postgres could not store it."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from agenciaos_jobs.foundation.errors import InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.storable import MAX_DEPTH, is_too_deep, text_of

Place = tuple[str | int, ...]

_FAULTS = {
    "nul_character": "must not contain the NUL character (U+0000)",
    "lone_surrogate": "must not contain half of a surrogate pair",
    "too_deep": f"must not be nested deeper than {MAX_DEPTH} levels",
    "not_json": "is not JSON",
}
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]', re.DOTALL)
# The escape \\u0000, unless its backslash is escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MAX_SHOWN, _MAX_NAME = 10, 100
_MAX_SEARCHED = 4 * 1024 * 1024
"""Beyond these bytes a fault's place is not looked for, because that takes a second for each 5 MB."""


def parse(data: bytes | str, *where: str | int) -> Any:
    """The parsed JSON; ``where`` is its own place, for errors.

    Raises ``orjson.JSONDecodeError`` for invalid JSON. Raises :class:`InvalidFieldsError` with the place of the first
    NUL character, lone surrogate, or value nested deeper than :data:`MAX_DEPTH`. Integers beyond 64 bits become
    floats, as in JavaScript.
    """
    data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:  # orjson refuses lone surrogates, and what is nested far too deep
        for place, code in _faults(data):
            raise refused((*where, *place), code) from None
        raise
    _require_storable_text(parsed, data, where)
    return parsed


def require_storable(value: Any, *where: str | int) -> None:
    """Raises :class:`InvalidFieldsError` if Python's ``value`` is no JSON that Postgres stores as it is."""
    try:
        data = orjson.dumps(value, default=text_of, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        raise refused(where, "too_deep" if _is_recursion(error) else "not_json", text_of(error)) from None
    _require_storable_text(value, data, where)


def _require_storable_text(value: Any, data: bytes, where: Place) -> None:
    if code := "nul_character" if has_nul(data) else "too_deep" if is_too_deep(value, data) else None:
        place, code = next(_faults(data), ((), code))
        raise refused((*where, *place), code)


def has_nul(text: bytes) -> bool:
    """Whether text or JSON contains the character U+0000, which Postgres cannot store."""
    return b"\0" in text or (rb"\u0000" in text and _NUL.search(text) is not None)


def refused(where: Place, code: str, detail: str = "") -> InvalidFieldsError:
    """422 for the field at ``where``."""
    english = f"{_FAULTS[code]}: {detail}" if code == "not_json" and detail else _FAULTS[code]
    wrong = WrongField(where, code, english, {"limit": MAX_DEPTH, "detail": detail})
    name = ".".join(map(str, where))
    return InvalidFieldsError(f"{name}: {english}" if name else english, fields=[wrong])


def _faults(data: bytes) -> Iterator[tuple[Place, str]]:
    """Each fault in JSON with its place, up to the first value that is nested too deep."""
    place: list[bytes | int] = []
    before = b""
    for match in _TOKEN.finditer(data, 0, _MAX_SEARCHED):
        token = match.group()
        if token in (b"[", b"{") and len(place) >= MAX_DEPTH:
            yield _shown(place), "too_deep"
            return
        _move(place, token, before)
        if token.startswith(b'"') and (code := _fault_of_text(token)):
            yield _shown(place), code
        before = token


def _move(place: list[bytes | int], token: bytes, before: bytes) -> None:
    """Changes ``place``, a key or an index for each open object or array, to that of the next token."""
    if token in (b"[", b"{"):
        place.append(0 if token == b"[" else b"")
    elif token in (b"]", b"}"):
        del place[-1:]
    elif place and isinstance(place[-1], int):
        place[-1] += token == b","
    elif place and before in (b"{", b",") and token != b",":
        place[-1] = token


def _fault_of_text(token: bytes) -> str | None:
    if has_nul(token):
        return "nul_character"
    if _SURROGATE.search(token) and token.endswith(b'"'):
        try:
            orjson.loads(token)
        except orjson.JSONDecodeError:
            return "lone_surrogate"
    return None


def _shown(place: list[bytes | int]) -> Place:
    """The beginning of a place, with names that can be shown."""
    names = [part if isinstance(part, int) else _name(part) for part in place[:_MAX_SHOWN]]
    return (*names,) if len(place) <= _MAX_SHOWN else (*names, "…")


def _name(token: bytes) -> str:
    try:
        name = str(orjson.loads(token))
    except orjson.JSONDecodeError:
        name = token.strip(b'"').decode("utf-8", "replace")
    return text_of(name, _MAX_NAME)


def _is_recursion(error: Exception) -> bool:
    return "ecursion" in str(error) or "ircular" in str(error) or isinstance(error, RecursionError)
