"""The description of an error, as it is stored with the run: bounded, storable, and without secrets."""

import traceback
from collections.abc import Iterator
from typing import Any

import orjson

from agenciaos_jobs.engine.model.job import GiveUp, Json, RetryLater
from agenciaos_jobs.engine.model.run import RunError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import encode, storable, text_of, without_middle

MAX_MESSAGE = 10_000
MAX_STACK = 40_000
MAX_DETAILS = 10_000
"""In bytes. A longer message loses its end, a longer stack its middle; longer details are kept as text."""

_MAX_NAME = 200
_MAX_LINKED = 20
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"
_MEMBER = "\nThe following exception is part of the above group:\n\n"
_MORE = f"(more than {_MAX_LINKED} linked exceptions)\n\n"


def describe(error: BaseException, redactor: Redactor) -> RunError:
    """The error as stored, whatever it contains. At most 20 of the exceptions that it is linked to are described."""
    code = error.code if isinstance(error, GiveUp | RetryLater) else None
    return RunError(
        type=storable(type(error).__name__, _MAX_NAME),
        message=storable(redactor.text(_message(error)), MAX_MESSAGE),
        code=None if code is None else text_of(code, _MAX_NAME),
        stack=without_middle(redactor.text(_stack(error)), MAX_STACK),
        details=_details(error.details, redactor) if isinstance(error, GiveUp) else {},
    )


def _message(error: BaseException) -> str:
    return text_of(error)[: 2 * MAX_MESSAGE]


def _details(details: Any, redactor: Redactor) -> Json:
    plain = redactor.value(orjson.loads(encode(details)))
    text = encode(plain)
    if len(text.encode()) > MAX_DETAILS:
        return {"cut": storable(text, MAX_DETAILS)}
    return plain if isinstance(plain, dict) else {"value": plain}


def _stack(error: BaseException) -> str:
    """Python's traceback of the error and of those that it is linked to, the earliest first.

    The ``traceback`` module would walk a chain of any length.
    """
    chain = list(_chain(error))
    text = "".join(joint + _block(linked) for linked, joint in reversed(chain))
    if isinstance(error, BaseExceptionGroup):
        text += "".join(_MEMBER + _block(member) for member in error.exceptions[:_MAX_LINKED])
    return (_MORE if len(chain) == _MAX_LINKED else "") + text


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The error, then what caused it, and so on; each with the words between it and its own cause."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _MAX_LINKED:
        seen.add(id(current))
        context = None if current.__suppress_context__ else current.__context__
        following = current.__cause__ or context
        is_known = following is None or id(following) in seen
        yield current, "" if is_known else _CAUSE if current.__cause__ else _CONTEXT
        current = following


def _block(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    message = _message(error)
    notes = [f"{text_of(note, MAX_MESSAGE)}\n" for note in getattr(error, "__notes__", ())[:_MAX_LINKED]]
    heading = ["Traceback (most recent call last):\n"] if error.__traceback__ else []
    lines = [*heading, *traceback.format_tb(error.__traceback__), f"{name}: {message}\n" if message else f"{name}\n"]
    return "".join([*lines, *notes])
