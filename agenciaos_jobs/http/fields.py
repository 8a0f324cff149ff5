"""Fields that several endpoints parse in the same way."""

from datetime import datetime, timedelta

from aiohttp import web

from agenciaos_jobs.foundation.duration import parse_delay, parse_duration
from agenciaos_jobs.http.problems import wrong_field

MAX_TTL = 365 * 24 * 3600


def read_delay(text: str, now: datetime, name: str = "delay") -> timedelta | None:
    """A delay, or ``None`` for no wait. Raises 422 for an invalid delay of the field ``name``."""
    try:
        return parse_delay(text, now) or None
    except ValueError as error:
        raise wrong_field(name, "delay", str(error)) from None


def read_ttl(given: int | str | None, name: str = "ttl") -> timedelta | None:
    """A time to live, in seconds or as a duration such as ``10m``. Raises 422 for anything else."""
    if given is None or isinstance(given, int):
        return None if given is None else timedelta(seconds=given)
    try:
        return parse_duration(given)
    except ValueError as error:
        raise wrong_field(name, "duration", str(error)) from None


def read_key_header(request: web.Request) -> str | None:
    """The header ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header), with or without quotes."""
    key = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if len(key) > 2048:
        raise wrong_field("Idempotency-Key", "string_too_long", "should have at most 2048 characters")
    return key or None
