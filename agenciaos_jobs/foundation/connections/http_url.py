"""Addresses of HTTP services, as the settings hold them: without a slash at the end."""

import re
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, TypeAdapter

_PUBLIC = re.compile(r"https?://[^/?#@\s]+(/[\w.~-]+)*/?", re.ASCII)


def _http_url(value: str) -> str:
    TypeAdapter(AnyHttpUrl).validate_python(value)
    return value.rstrip("/")


def _public_url(value: str) -> str:
    if not _PUBLIC.fullmatch(value):
        raise ValueError("expected an address such as https://jobs.example.com or https://example.com/jobs")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
PublicUrl = Annotated[str, AfterValidator(_http_url), AfterValidator(_public_url)]
"""An address for browsers: its path becomes part of every link and cookie, so it has plain segments only."""
