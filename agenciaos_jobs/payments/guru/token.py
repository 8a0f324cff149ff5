"""The token inside Guru's bodies: extracted for comparison, removed before storage."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.redact import MASK
from agenciaos_jobs.foundation.storable import storable

TOKEN = "api_token"  # noqa: S105 - the field's name

_MAX_DEPTH = 100
_IN_TEXT = re.compile(r"""api_token["']?\s*+[:=]\s*+["']?([A-Za-z0-9_-]{8,200})""")
_MAX_IN_TEXT = 10
"""A larger number of tokens is a guess at the right one."""


def is_native(body: Any) -> bool:
    """Whether a body comes from Guru, bare or wrapped, judging by the presence of a token."""
    return any(True for _ in tokens(body))


def tokens(body: Any) -> Iterator[str]:
    """The tokens in a body."""
    for one in (body, body.get("payload") if isinstance(body, dict) else None):
        if isinstance(one, dict) and isinstance(token := one.get(TOKEN), str):
            yield token


def tokens_in_text(text: str) -> list[str]:
    """The first tokens in a body that is not valid JSON."""
    return [match[1] for match in islice(_IN_TEXT.finditer(text), _MAX_IN_TEXT)]


def without_token(body: Json, token: str) -> Json:
    """The body ready for storage: without the token and without values that Postgres rejects.

    Raises ``ValueError`` if it is nested too deeply to be stored as JSON.
    """
    cleaned: Json = _cleaned(body, token, 0)
    return cleaned


def text_without_token(text: str, token: str) -> str:
    return storable(text.replace(token, MASK))


def parsed(body: bytes) -> Any:
    """The body as JSON, parsed more leniently than other callers' bodies; raises ``ValueError`` if it is not JSON."""
    try:
        return json.loads(body, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _cleaned(value: Any, token: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return text_without_token(value, token)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name != TOKEN}
        return {_cleaned(name, token, depth): _cleaned(item, token, depth + 1) for name, item in kept.items()}
    if isinstance(value, list):
        return [_cleaned(item, token, depth + 1) for item in value]
    return _number(value)


def _number(value: Any) -> Any:
    """A number that every JSON parser reads alike; larger integers become text, infinities ``None``."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return None if value in (float("inf"), float("-inf")) else value
