"""The timeline of a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.dashboard.store.run import Call
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import Attempt, StoredRun


@dataclass(frozen=True)
class Span:
    """A period of a run's life; ``end`` is ``None`` while it lasts.

    ``kind`` is delayed, queued, attempt, retry, or call: a named call of another service within an attempt.
    """

    kind: str
    start: datetime
    end: datetime | None
    attempt: Attempt | None = None
    number: int = 0
    name: str = ""

    def seconds(self, now: datetime) -> float:
        return max(0.0, ((self.end or now) - self.start).total_seconds())

    @property
    def tone(self) -> str:
        """The colour of the span."""
        if self.kind == "call":
            return "accent"
        if self.kind != "attempt":
            return "wait"
        if self.attempt is None:
            return "run"
        return {"COMPLETED": "good", "CANCELED": "off"}.get(self.attempt.status, "bad")


@dataclass(frozen=True)
class Bar:
    """A span with its position on a scale from 0 to 1000."""

    span: Span
    x: float
    width: float


def spans(run: StoredRun, attempts: Sequence[Attempt], calls: Sequence[Call] = ()) -> list[Span]:
    """Delay, waits and attempts in order, without gaps from the trigger to the end, or to the present.

    After each attempt come the calls that it made.
    """
    return [part for span in _spans(run, attempts) for part in (span, *_calls_of(span, calls))]


def _calls_of(span: Span, calls: Sequence[Call]) -> Iterator[Span]:
    if span.kind == "attempt":
        for call in calls:
            if call.attempt == span.number:
                yield Span("call", call.start, call.end, number=span.number, name=call.name)


def _spans(run: StoredRun, attempts: Sequence[Attempt]) -> Iterator[Span]:
    first_start = attempts[0].started_at if attempts else run.attempt_started_at if _is_executing(run) else None
    until = first_start or run.finished_at
    waited_from = run.created_at
    if run.delayed_until:
        delayed_until = min(run.delayed_until, until) if until else run.delayed_until
        is_over = until is not None or run.status is not Status.DELAYED
        yield Span("delayed", run.created_at, delayed_until if is_over else None)
        if not is_over:
            return
        waited_from = delayed_until
    yield Span("queued", waited_from, until)
    previous: Attempt | None = None
    for attempt in attempts:
        if previous:
            yield Span("retry", previous.finished_at, attempt.started_at)
        yield Span("attempt", attempt.started_at, attempt.finished_at, attempt, attempt.number)
        previous = attempt
    if _is_executing(run) and run.attempt_started_at:
        if previous:
            yield Span("retry", previous.finished_at, run.attempt_started_at)
        yield Span("attempt", run.attempt_started_at, None, None, run.attempt)
    elif previous and not run.status.is_final:
        yield Span("retry", previous.finished_at, None)


def bars(stretches: Iterable[Span], now: datetime) -> list[Bar]:
    """The spans on one scale, each wide enough to be visible."""
    known = list(stretches)
    start = known[0].start
    ends_at = max(span.end or now for span in known)
    whole = max((ends_at - start).total_seconds(), 0.001)
    drawn = []
    for span in known:
        width = max(4.0, 1000 * span.seconds(now) / whole)
        x = min(1000 * (span.start - start).total_seconds() / whole, 1000 - width)
        drawn.append(Bar(span, round(max(0.0, x), 2), round(min(width, 1000.0), 2)))
    return drawn


def _is_executing(run: StoredRun) -> bool:
    return run.status is Status.EXECUTING
