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


def read_size(request: web.Request, name: str, default: int, most: int) -> int:
    """The query parameter that limits a page. Raises 422 unless it is a number from 1 to ``most``."""
    text = request.query.get(name) or str(default)
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise wrong_field(name, "page_size", f"should be a number from 1 to {most}", most=most)
    return int(text)


def read_key_header(request: web.Request) -> str | None:
    """The header ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header), with or without quotes."""
    return (read_text_header(request, "Idempotency-Key") or "").strip().strip('"') or None


def read_text_header(request: web.Request, name: str) -> str | None:
    """A header; ``None`` without one. Raises 422 for one of more than 2048 characters, or that is not UTF-8."""
    text = request.headers.get(name, "")
    if len(text) > 2048:
        raise wrong_field(name, "string_too_long", "should have at most 2048 characters", max_length=2048)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise wrong_field(name, "not_utf8", "must be UTF-8 text")
    return text or None
