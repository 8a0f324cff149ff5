"""The clock: the only source of time, ids and randomness."""

import random
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

SAO_PAULO = ZoneInfo("America/Sao_Paulo")

_TOLERANCE = timedelta(milliseconds=100)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


class Clock(Protocol):
    """A source of time, ids and randomness."""

    def now(self) -> datetime:
        """The current time: aware, in UTC, in whole milliseconds, which is the queue's resolution."""
        ...

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    def new_id(self, prefix: str) -> str:
        """A new id such as ``run_01kb…``: unique, and sorted by creation time."""
        ...

    def follow(self, reference: datetime, asked_at: datetime, answered_at: datetime) -> None:
        """Synchronises with a clock that showed ``reference`` between two readings of this one."""
        ...


class SystemClock:
    """The machine's time, corrected to the database's, and the machine's entropy.

    Leases and due times are compared between machines, whose clocks may differ by a minute. All of them share the
    database's clock.
    """

    def __init__(self) -> None:
        self._offset, self._offset_ms = timedelta(), 0

    def now(self) -> datetime:
        present = datetime.now(UTC)
        return in_milliseconds(present + self._offset if self._offset else present)

    def follow(self, reference: datetime, asked_at: datetime, answered_at: datetime) -> None:
        """Adopts the reference's offset when it exceeds the tolerance plus half the round trip."""
        max_error = (answered_at - asked_at) / 2
        difference = reference - (asked_at + max_error)
        if abs(difference) > max_error + _TOLERANCE:
            self._offset += difference
            self._offset_ms = round(self._offset / timedelta(milliseconds=1))

    def random(self) -> float:
        return random.random()  # noqa: S311 - jitter, not a secret

    def new_id(self, prefix: str) -> str:
        return _make_id(prefix, time.time_ns() // 1_000_000 + self._offset_ms, random.getrandbits(80))


def in_milliseconds(moment: datetime) -> datetime:
    """The moment truncated to whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def make_id(prefix: str, moment: datetime, entropy: int) -> str:
    """``prefix_`` and 26 characters: 48 bits of unix milliseconds, 80 bits of ``entropy``.

    The form is ULID's (https://github.com/ulid/spec) in lower case, so ids sort by time as text.
    """
    return _make_id(prefix, round(moment.timestamp() * 1000), entropy)


def _make_id(prefix: str, milliseconds: int, entropy: int) -> str:
    suffix = "".join([_PAIRS[(entropy >> shift) & 1023] for shift in (70, 60, 50, 40, 30, 20, 10, 0)])
    return f"{prefix}_{_time_digits(milliseconds)}{suffix}"


@lru_cache(maxsize=4)
def _time_digits(milliseconds: int) -> str:
    return "".join([_PAIRS[(milliseconds >> shift) & 1023] for shift in (40, 30, 20, 10, 0)])
