"""Which trace something belongs to (https://www.w3.org/TR/trace-context/#traceparent-header)."""

import re
from contextvars import ContextVar

_FORM = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

CURRENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The ``traceparent`` of what is being done: a run that is triggered meanwhile belongs to the same trace."""


def read(header: str | None) -> str | None:
    """A ``traceparent`` as it came, or ``None`` for what is none."""
    return header if header and not header.startswith("ff") and _FORM.fullmatch(header) else None


def trace_id(traceparent: str) -> str:
    """The 32 digits that every span of the trace bears."""
    return traceparent[3:35]
