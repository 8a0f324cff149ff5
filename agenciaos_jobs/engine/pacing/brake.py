"""The brake of one upstream's calls: how fast they may follow each other, and whether they may begin at all.

It is a token bucket whose rate adapts as TCP's does: it grows while calls pass, and is cut when one is refused for a
limit. Several failures in a row open it like a circuit breaker: then one run probes from time to time, and all others
wait. Pure; ``brakes`` keeps it, so that all workers share it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agenciaos_jobs.engine.pacing.headroom import Headroom

START_BURST = 10.0
"""How many calls may begin before the first one is answered; one more each second, should none be answered."""

_UNKNOWN_RATE = 1.0
_START_RATE = 10.0
"""Calls a second once one was answered."""

FREE_RATE = 100.0
"""Calls a second from which calls are no longer counted."""

_WAIT_NOTED = timedelta(minutes=1)
MIN_RATE = 0.05
RELEASE_PERIOD = timedelta(seconds=4)
"""The time for which runs are released in advance: somewhat more than passes between two releases."""

PROBE_INTERVAL = timedelta(seconds=30)
OPEN_AFTER = 3
"""Failures in a row that open the circuit."""

_UNKNOWN_WAIT = timedelta(seconds=1)
_SHORT_WAIT = 5.0
"""Seconds up to which a requested wait is the interval between calls; a longer one is the end of a window."""

_ROUNDED = 0.5
"""By how much a wait in whole seconds, such as ``Retry-After``'s, exceeds the real one on average."""

_GROWTH, _GROWTH_NEAR_CEILING = 0.06, 0.015
"""The part of its rate that a lowered brake regains each second: far from the last refused rate, and near it."""

_MAX_STEP = 5.0
_TRUSTED_AGAIN_AFTER = timedelta(minutes=1)
"""How long after a refusal a report of ample headroom is ignored."""


@dataclass(frozen=True)
class Brake:
    """The state of a brake. ``rate`` is in calls a second, ``None`` while calls need not be counted.

    ``tokens`` calls may begin at ``counted_at``. ``ceiling`` is the rate that was refused last. ``probe`` is the run
    that may call while the circuit is open. ``waited_at`` is when a run last had to wait.
    """

    counted_at: datetime
    rate: float | None = _UNKNOWN_RATE
    tokens: float = START_BURST
    paused_until: datetime | None = None
    lowered_at: datetime | None = None
    raised_at: datetime | None = None
    ceiling: float | None = None
    failures: int = 0
    open_since: datetime | None = None
    probed_at: datetime | None = None
    probe: str | None = None
    waited_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.open_since is not None

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until

    def was_waited_for(self, now: datetime) -> bool:
        """Whether it is noted already that runs wait."""
        return self.waited_at is not None and now < self.waited_at + _WAIT_NOTED

    def is_free(self, now: datetime) -> bool:
        """Whether a call may begin without being counted."""
        return self.rate is None and not self.failures and not self.is_open and not self.is_paused(now)

    @property
    def _capacity(self) -> float:
        """The most calls that may begin at once."""
        rate = self.rate or FREE_RATE
        return max(1.0, rate) if self.lowered_at else max(START_BURST, rate)

    def at(self, now: datetime) -> "Brake":
        """The brake with the tokens that have come until now."""
        if now <= self.counted_at:
            return self
        gained = (now - self.counted_at).total_seconds() * (self.rate or FREE_RATE)
        tokens = max(self.tokens, min(self._capacity, self.tokens + gained))
        return replace(self, tokens=tokens, counted_at=now)

    def enter(self, run_id: str, *, is_released: bool, now: datetime) -> "Brake | None":
        """The brake after a call has begun, ``None`` if the run must wait. Released runs were counted before."""
        if self.is_open:
            return self if self.probe == run_id else None
        if self.is_paused(now):
            return None
        current = self.at(now)
        if is_released or current.rate is None:
            return current
        return replace(current, tokens=current.tokens - 1) if current.tokens >= 1 else None

    def passed(self, headroom: Headroom | None, now: datetime) -> "Brake":
        """After a call that was answered."""
        brake = self.at(now)
        if brake.is_open:
            brake = replace(
                brake, rate=min(brake.rate or _START_RATE, _START_RATE), tokens=min(brake.tokens, START_BURST)
            )
        brake = replace(brake, failures=0, open_since=None, probed_at=None, probe=None)
        return brake._by_report(headroom, now) if headroom else brake._grown(now)

    def _by_report(self, headroom: Headroom, now: datetime) -> "Brake":
        if headroom.is_ample:
            was_refused = self.lowered_at is not None and now < self.lowered_at + _TRUSTED_AGAIN_AFTER
            return self._grown(now) if was_refused else replace(self, rate=None, lowered_at=None)
        pause = now + headroom.pause if headroom.pause else self.paused_until
        rate = min(max(headroom.rate, MIN_RATE), FREE_RATE)
        return replace(self, rate=rate, tokens=min(self.tokens, headroom.remaining), paused_until=pause)

    def _grown(self, now: datetime) -> "Brake":
        """The rate grows only while it holds calls back: by one with each answer at first, slowly after a refusal."""
        if self.rate is None:
            return self
        rate = self.rate if self.lowered_at else max(self.rate, _START_RATE)
        if self.tokens >= self._capacity / 2:
            return replace(self, rate=rate)
        if self.lowered_at is None:
            rate += 1
        else:
            seconds = (now - (self.raised_at or self.lowered_at)).total_seconds()
            rate *= 1 + self._growth(now) * min(_MAX_STEP, max(0.0, seconds))
        return replace(self, rate=rate if rate < FREE_RATE else None, raised_at=now)

    def _growth(self, now: datetime) -> float:
        """Slow near the rate that was refused last, but faster the longer that is ago: the limit may have changed."""
        if self.ceiling is None or self.lowered_at is None or self.rate is None or self.rate < 0.8 * self.ceiling:
            return _GROWTH
        return _GROWTH_NEAR_CEILING * (1 + max(0.0, (now - self.lowered_at).total_seconds()) / 20)

    def limited(self, sent_at: datetime, wait: timedelta | None, now: datetime) -> "Brake":
        """After a call was refused for a limit, with the wait that it requested.

        Calls that were under way when the rate was cut do not cut it again.
        """
        pause = max(now + (wait or self._own_wait()), self.paused_until or now)
        brake = replace(self._lowered(wait, pause, now) if self._is_after_cut(sent_at) else self, paused_until=pause)
        # Runs that were released for the time of the pause wait again; those released for later begin soon after it.
        most_promised = (brake.rate or FREE_RATE) * RELEASE_PERIOD.total_seconds()
        promised = min(0.0, max(self.at(pause).tokens, -most_promised))
        return replace(brake, failures=0, open_since=None, probe=None, tokens=promised, counted_at=pause)

    def _is_after_cut(self, sent_at: datetime) -> bool:
        return self.lowered_at is None or sent_at > self.lowered_at

    def _lowered(self, wait: timedelta | None, pause: datetime, now: datetime) -> "Brake":
        rate, seconds = self.rate or FREE_RATE, wait.total_seconds() if wait else 0.0
        if self.lowered_at is None:
            half = max(rate, _START_RATE) / 2
            interval = seconds - _ROUNDED if seconds.is_integer() else seconds
            first = min(half, 1 / interval) if 0 < seconds <= _SHORT_WAIT else half
            return replace(self, rate=max(first, MIN_RATE), lowered_at=now, raised_at=pause)
        was_calm = (now - self.lowered_at).total_seconds() >= _MAX_STEP
        lowered = max(rate * (0.85 if was_calm else 0.6), MIN_RATE)
        return replace(self, rate=lowered, ceiling=rate, lowered_at=now, raised_at=pause)

    def _own_wait(self) -> timedelta:
        """The wait after a refusal that requests none: the time of a few calls."""
        return max(_UNKNOWN_WAIT, min(timedelta(seconds=2 / (self.rate or FREE_RATE)), PROBE_INTERVAL))

    def failed(self, now: datetime) -> "Brake":
        """After the server failed or did not answer."""
        failures = self.failures + 1
        if failures < OPEN_AFTER:
            return replace(self, failures=failures)
        return replace(self, failures=failures, open_since=self.open_since or now, probed_at=now, probe=None)

    def turns(self, now: datetime, most: int) -> list[datetime]:
        """When the next waiting runs may begin, at most so many. While the circuit is open it is one probe."""
        if self.is_open:
            is_due = self.probed_at is None or now >= self.probed_at + PROBE_INTERVAL
            return [now] if is_due else []
        start = max(now, self.paused_until or now)
        left = (now + RELEASE_PERIOD - start).total_seconds()
        if left <= 0:
            return []
        if self.rate is None:
            return [start] * most
        tokens = min(self.at(start).tokens, 1.0)  # those that wait follow each other, without a burst
        number = min(most, int(tokens + self.rate * left))
        return [start + timedelta(seconds=max(0.0, (place + 1 - tokens) / self.rate)) for place in range(number)]

    def released(self, run_ids: list[str], now: datetime) -> "Brake":
        """After these runs were released."""
        if self.is_open:
            return replace(self, probe=run_ids[0], probed_at=now) if run_ids else self
        current = self.at(max(now, self.paused_until or now))
        return current if current.rate is None else replace(current, tokens=current.tokens - len(run_ids))
