"""Fingerprints: which failures belong to the same error group."""

import re
from dataclasses import dataclass
from hashlib import sha256

import orjson

from agenciaos_jobs.engine.model.run import RunError

MAX_OPEN_GROUPS = 100
"""The most open groups of one task and error type. What is beyond them falls into their :func:`rest_of` group."""

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

_CHAINED = re.compile(r"\n\n(?:The above exception was|During handling of the above)[^\n]*\n\n")
_MEMBER = "\nThe following exception is part of the above group:\n"
_FRAME = re.compile(r'^ *File "([^"\n]+)", line \d+, in ([^\n]+)(?:\n {4}(\S[^\n]*))?', re.MULTILINE)
_SERVICE = re.compile(r"(?:^|.*[/\\])agenciaos_jobs([/\\].*)")
_ENGINE = re.compile(r"[/\\](?:engine|foundation)[/\\]")
_LIBRARY = re.compile(r"^<|[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python3")


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

    Errors with a code are grouped by it. Others are grouped by their type and where the job's code raised them, or,
    without a traceback through the job's code, by their type and normalized message.
    """
    if error.code:
        name = [task, error.code]
    elif origin := origin_of(error.stack or ""):
        name = [task, error.type, *origin]
    else:
        name = [task, error.type, normalize_message(error.message)]
    message = " ".join(error.message[:_MAX_INPUT].split())[:_MAX_OUTPUT]
    return ErrorGroupKey(_digest(name), task, error.type, error.code, message)


def rest_of(key: ErrorGroupKey) -> ErrorGroupKey:
    """The group of the errors of one task and type for which there are too many groups."""
    message = f"(outros erros deste tipo / other errors of this type) {key.message}"[:_MAX_OUTPUT]
    return ErrorGroupKey(_digest([key.task, key.type, "", "rest"]), key.task, key.type, None, message)


def origin_of(stack: str) -> tuple[str, str, str] | None:
    """Where the job's code raised the error: file, function and source line of its innermost frame.

    A library's frames, Python's own and the engine's are not the job's. Line numbers and the folder of the
    installation do not count, so that a new release does not start new groups. ``None`` without a frame of the job.
    """
    last = _CHAINED.split(stack)[-1].partition(_MEMBER)[0]
    for path, function, line in reversed(_FRAME.findall(last)):
        if _is_of_a_job(path):
            return "/".join(re.split(r"[/\\]", path)[-2:]), function, line.strip()
    return None


def _is_of_a_job(path: str) -> bool:
    service = _SERVICE.match(path)
    inner = service[1] if service else path
    return not (_LIBRARY.search(inner) or (service and _ENGINE.match(inner)))


def _digest(name: list[str]) -> str:
    return sha256(orjson.dumps(name)).hexdigest()[:16]


def normalize_message(message: str) -> str:
    """The message with placeholders for the values that vary between failures.

    Replaces addresses (``<url>``, ``<email>``), quotations (``<text>``), and every word with a digit (``<n>``), which
    covers numbers, ids, dates, times, IP and memory addresses. The result has at most 300 characters.
    """
    text = message[:_MAX_INPUT]
    for pattern, placeholder in ((_URL, "<url>"), (_EMAIL, "<email>"), (_QUOTED, "<text>"), (_WITH_A_DIGIT, "<n>")):
        text = pattern.sub(placeholder, text)
    return " ".join(_SERIES.sub("<n>", text).split())[:_MAX_OUTPUT]
