"""Which failures are the same fault."""

import re
from dataclasses import dataclass
from hashlib import sha256

import orjson

from agenciaos_jobs.engine.model.run import RunError

_READ = 2_000
_KEPT = 300
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"'`]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_QUOTED = re.compile(
    r"""(?<!\w)'(?:\\.|[^'\\])*'(?!\w)|"(?:\\.|[^"\\])*"|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»""",
    re.DOTALL,
)
_WITH_A_DIGIT = re.compile(r"[\w-]*\d[\w-]*")
_SERIES = re.compile(r"<n>(?:[.,:/+]<n>)+")


@dataclass(frozen=True)
class Fault:
    """What failures have in common. ``fingerprint`` is the same for the same fault, whatever values it met."""

    fingerprint: str
    task: str
    type: str
    code: str | None
    message: str


def fault(task: str, error: RunError) -> Fault:
    """The fault that an error of a task is a case of.

    A code names it. Without one it is the type of the error and what stays of its message when the values are folded.
    """
    name = [task, error.code] if error.code else [task, error.type, fold(error.message)]
    digest = sha256(orjson.dumps(name)).hexdigest()
    return Fault(digest[:16], task, error.type, error.code, " ".join(error.message[:_READ].split())[:_KEPT])


def fold(message: str) -> str:
    """The message without what differs from case to case.

    Addresses (``<url>``, ``<email>``), quotations (``<text>``), and every word with a digit in it (``<n>``): numbers,
    ids, dates, times, IP and memory addresses.
    """
    text = message[:_READ]
    for pattern, mark in ((_URL, "<url>"), (_EMAIL, "<email>"), (_QUOTED, "<text>"), (_WITH_A_DIGIT, "<n>")):
        text = pattern.sub(mark, text)
    return " ".join(_SERIES.sub("<n>", text).split())[:_KEPT]
