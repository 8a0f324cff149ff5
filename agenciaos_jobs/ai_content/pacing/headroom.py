"""What a server reports about its limits, in headers.

OpenAI's are documented at https://platform.openai.com/docs/guides/rate-limits; compatible servers send some of them.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from agenciaos_jobs.engine.pacing.headroom import Headroom
from agenciaos_jobs.foundation.backoff import retry_after

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_IN_WORDS = re.compile(r"try again in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)")
_MAX_WAIT = timedelta(hours=1)
_LONGEST = 40
_KINDS = ("requests", "tokens")


def headroom(headers: Mapping[str, str], tokens: int) -> Headroom | None:
    """The headroom after a call that consumed ``tokens``; ``None`` if the server does not report a limit of calls."""
    limit, remaining, reset = _counted(headers, "requests")
    if limit is None or remaining is None or limit <= 0:
        return None
    used = max(limit - remaining, 1)
    rate = used / reset.total_seconds() if reset else limit / 60
    pause = _pause_for_tokens(headers, tokens)
    return Headroom(remaining, rate, remaining >= limit / 5 and not pause, pause)


def wait_before_retry(headers: Mapping[str, str], message: str, kind: str | None, now: datetime) -> timedelta | None:
    """How long a server that answered 429 requests callers to wait; ``None`` if it does not.

    In this order: ``retry-after-ms``, ``Retry-After``, the reset of the limit that is reached, and the words of the
    error. ``kind`` is the error's type, which for OpenAI is ``requests`` or ``tokens``.
    """
    milliseconds = headers.get("retry-after-ms")
    wait = retry_after(_in_seconds(milliseconds), now) if milliseconds else None
    wait = retry_after(headers.get("retry-after"), now) if wait is None else wait
    if wait is not None:
        return wait
    found = _IN_WORDS.search(message)
    return _reset_of_reached(headers, kind) or (duration(found.group(1)) if found else None)


def duration(text: str) -> timedelta | None:
    """A duration as OpenAI writes it, such as ``6m0s``, ``17ms`` or ``8.64s``, or a plain number of seconds."""
    if re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        return min(timedelta(seconds=float(text)), _MAX_WAIT)
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text) or len(text) > _LONGEST:
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return timedelta(seconds=min(seconds, _MAX_WAIT.total_seconds()))


def _reset_of_reached(headers: Mapping[str, str], kind: str | None) -> timedelta | None:
    """When the limit that is reached is reset: the one that the error names, or has nothing left, or resets last."""
    resets = {name: duration(headers.get(f"x-ratelimit-reset-{name}", "")) for name in _KINDS}
    if kind in _KINDS and resets[kind]:
        return resets[kind]
    reached = [resets[name] for name in _KINDS if headers.get(f"x-ratelimit-remaining-{name}") == "0"]
    return max((reset for reset in reached or resets.values() if reset), default=None)


def _pause_for_tokens(headers: Mapping[str, str], tokens: int) -> timedelta:
    """How long until as many tokens are left as the last call needed."""
    limit, remaining, reset = _counted(headers, "tokens")
    if limit is None or remaining is None or reset is None or remaining >= min(tokens, limit):
        return timedelta()
    return reset * min(1.0, (min(tokens, limit) - remaining) / max(limit - remaining, 1))


def _counted(headers: Mapping[str, str], kind: str) -> tuple[float | None, float | None, timedelta | None]:
    limit, remaining = (_number(headers.get(f"x-ratelimit-{what}-{kind}")) for what in ("limit", "remaining"))
    return limit, remaining, duration(headers.get(f"x-ratelimit-reset-{kind}", ""))


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,12}", text) else None


def _in_seconds(milliseconds: str) -> str:
    try:
        return f"{float(milliseconds) / 1000:f}"
    except ValueError:
        return ""
