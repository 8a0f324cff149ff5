"""The token inside Guru's bodies: found for comparing, and taken out of what is kept."""

import json
import re
from collections.abc import Iterator
from typing import Any

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import storable
from agenciaos_jobs.foundation.redact import MASK

TOKEN = "api_token"  # noqa: S105 - the field's name

_DEEPEST = 100
_IN_TEXT = re.compile(r"""api_token["']?\s*[:=]\s*["']?([A-Za-z0-9_-]{8,200})""")


def is_native(body: Any) -> bool:
    """Whether a body is one that Guru sends, bare or wrapped, by the token in it."""
    return any(True for _ in tokens(body))


def tokens(body: Any) -> Iterator[str]:
    """The tokens that a body carries."""
    for one in (body, body.get("payload") if isinstance(body, dict) else None):
        if isinstance(one, dict) and isinstance(token := one.get(TOKEN), str):
            yield token


def tokens_in_text(text: str) -> list[str]:
    """The tokens in a body that is no JSON, or not quite."""
    return _IN_TEXT.findall(text)


def without_token(body: Json, token: str) -> Json:
    """The body as it may be kept: no token in it, nor anything that Postgres does not take.

    Raises ``ValueError`` where it is nested too deeply to be kept as JSON.
    """
    cleaned: Json = _cleaned(body, token, 0)
    return cleaned


def text_without_token(text: str, token: str) -> str:
    return storable(text.replace(token, MASK))


def parsed(body: bytes) -> Any:
    """The body as JSON, read more leniently than other callers' are; raises ``ValueError`` for what is none."""
    try:
        return json.loads(body, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _cleaned(value: Any, token: str, depth: int) -> Any:
    if depth > _DEEPEST:
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
    """A number that every reader of JSON reads in the same way; longer ones as text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return None if value in (float("inf"), float("-inf")) else value
