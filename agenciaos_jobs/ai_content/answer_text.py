"""JSON objects in a model's text: found among prose, and repaired where what was meant is certain.

Models wrap JSON in Markdown fences, explain it, send it twice, or break its characters. Each repair here has one
possible meaning; whatever has two is left to the corrective round.
"""

import json
import re
from typing import Any

from agenciaos_jobs.engine.model.job import Json

_DECODER = json.JSONDecoder(strict=False)
"""Accepts control characters inside strings."""

_MAX_ATTEMPTS = 50
"""The most braces that are tried as the beginning of an object: each costs a pass over the text."""

_BROKEN_LATIN = re.compile(r"\x00([0-9a-fA-F]{2})")
"""JSON mode may write an escaped é as NUL and its two hexadecimal digits."""

_DOUBLE_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def objects_in(text: str) -> list[Json]:
    """The outermost JSON objects in a text, in order, each once, with their strings repaired."""
    found: list[Json] = []
    start, attempts = text.find("{"), 0
    while start >= 0 and attempts < _MAX_ATTEMPTS:
        attempts += 1
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            end = start + 1
        else:
            value = repaired(value)
            if value not in found:
                found.append(value)
        start = text.find("{", end)
    return found


def repaired(value: Any) -> Any:
    """The value with every string repaired."""
    if isinstance(value, dict):
        return {_repaired_text(name): repaired(item) for name, item in value.items()}
    if isinstance(value, list):
        return [repaired(item) for item in value]
    return _repaired_text(value) if isinstance(value, str) else value


def _repaired_text(text: str) -> str:
    """The text with accents that were broken or escaped twice, and without characters that no text has."""
    text = _BROKEN_LATIN.sub(lambda match: _latin(match.group(1)), text)
    text = _DOUBLE_ESCAPED.sub(lambda match: _unescaped(match.group()), text)
    return _SURROGATE.sub("", _CONTROL.sub("", text))


def _latin(digits: str) -> str:
    """The character of Latin-1's upper half with this code; the digits themselves if it is not one."""
    code = int(digits, 16)
    return chr(code) if code >= 0xA0 else digits


def _unescaped(escapes: str) -> str:
    """The characters that the escapes stand for, unless one of them is plain ASCII, which nobody escapes by mistake."""
    text: str = json.loads(f'"{escapes}"')
    return escapes if text.isascii() else text
