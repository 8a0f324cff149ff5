"""Fingerprints: which failures belong to the same error group."""

import re
from dataclasses import dataclass
from hashlib import sha256

import orjson

from agenciaos_jobs.engine.model.run import RunError

_MAX_INPUT = 2_000
_MAX_OUTPUT = 300
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"'`]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_QUOTED = re.compile(
    r"""(?<!\w)'(?:\\.|[^'\\])*'(?!\w)|"(?:\\.|[^"\\])*"|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»""",
    re.DOTALL,
)
_WITH_A_DIGIT = re.compile(r"[\w-]*\d[\w-]*")
_SERIES = re.compile(r"<n>(?:[.,:/+]<n>)+")


@dataclass(frozen=True)
class ErrorGroupKey:
    """The identity of an error group. ``fingerprint`` does not depend on the values in a message.

    ``message`` is that of the failure at hand.
    """

    fingerprint: str
    task: str
    type: str
    code: str | None
    message: str


def error_group_of(task: str, error: RunError) -> ErrorGroupKey:
    """The error group that a task's error belongs to.

    Errors with a code are grouped by it; others by their type and their normalized message.
    """
    name = [task, error.code] if error.code else [task, error.type, normalize_message(error.message)]
    digest = sha256(orjson.dumps(name)).hexdigest()
    return ErrorGroupKey(
        digest[:16], task, error.type, error.code, " ".join(error.message[:_MAX_INPUT].split())[:_MAX_OUTPUT]
    )


def normalize_message(message: str) -> str:
    """The message with placeholders for the values that vary between failures.

    Replaces addresses (``<url>``, ``<email>``), quotations (``<text>``), and every word with a digit (``<n>``), which
    covers numbers, ids, dates, times, IP and memory addresses. The result has at most 300 characters.
    """
    text = message[:_MAX_INPUT]
    for pattern, placeholder in ((_URL, "<url>"), (_EMAIL, "<email>"), (_QUOTED, "<text>"), (_WITH_A_DIGIT, "<n>")):
        text = pattern.sub(placeholder, text)
    return " ".join(_SERIES.sub("<n>", text).split())[:_MAX_OUTPUT]
