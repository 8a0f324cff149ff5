"""The timeline of a run: a trace, drawn from what is recorded of it anyway."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.dashboard.labels import TONES
from agenciaos_jobs.dashboard.store.run import Call, Child, TokenWait
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import Attempt, StoredRun

NESTED = frozenset({"begin", "call", "token", "outside", "child"})
"""The kinds of spans that are parts of the one before them."""


@dataclass(frozen=True)
class Span:
    """A period of a run's life; ``end`` is ``None`` while it lasts.

    ``kind`` is delayed, queued, attempt or retry; or a part of one of these: begin (the wait for what the job needs to
    begin), call (a named call of another service), token (the wait for a token), outside (a wait for something else)
    or child (a run that the job triggered).
    """

    kind: str
    start: datetime
    end: datetime | None
    attempt: Attempt | None = None
    number: int = 0
    name: str = ""
    child: Child | None = None

    def seconds(self, now: datetime) -> float:
        return max(0.0, ((self.end or now) - self.start).total_seconds())

    @property
    def is_nested(self) -> bool:
        return self.kind in NESTED

    @property
    def tone(self) -> str:
        """The colour of the span."""
        if self.kind == "call":
            return "accent"
        if self.child:
            return TONES[self.child.status]
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


@dataclass(frozen=True)
class Parts:
    """What is recorded within the attempts of a run."""

    calls: Sequence[Call] = ()
    tokens: Sequence[TokenWait] = ()
    children: Sequence[Child] = ()


def spans(run: StoredRun, attempts: Sequence[Attempt], parts: Parts, now: datetime) -> list[Span]:
    """Delay, waits and attempts in order, without gaps from the trigger to the end, or to the present.

    After each come its parts, in the order of their starts.
    """
    whole = list(_spans(run, attempts))
    starts = [span.start for span in whole if span.kind == "attempt"]
    found = []
    for span in whole:
        following = next((start for start in starts if start > span.start), None)
        nested = [*_waits_to_begin(run, span), *_parts_of(span, parts, following, now)]
        if (
            run.is_waiting
            and span.end is None
            and span.kind == "attempt"
            and not any(part.end is None for part in nested)
        ):
            nested.append(Span("outside", run.updated_at, None, number=span.number))
        found += [span, *sorted(nested, key=lambda part: part.start)]
    return found


def _waits_to_begin(run: StoredRun, span: Span) -> Iterator[Span]:
    """The wait for what the job needs to begin: only the last one of a run is recorded."""
    since = run.waits_since
    if since and span.kind in {"queued", "retry"} and span.start <= since and (span.end is None or since <= span.end):
        yield Span("begin", since, span.end)


def _parts_of(span: Span, parts: Parts, following: datetime | None, now: datetime) -> Iterator[Span]:
    if span.kind != "attempt":
        return
    for call in parts.calls:
        if call.attempt == span.number:
            yield Span("call", call.start, call.end, number=span.number, name=call.name)
    for wait in parts.tokens:
        start = max(wait.start, span.start)
        ends = [moment for moment in (wait.end, span.end) if moment and moment <= now]
        if (wait.end is None or wait.end > span.start) and (span.end is None or start <= span.end):
            yield Span("token", start, min(ends, default=None), number=span.number, name=wait.id)
    for child in parts.children:
        if span.start <= child.start and (following is None or child.start < following):
            yield Span("child", child.start, child.end, number=span.number, name=child.task, child=child)


def _spans(run: StoredRun, attempts: Sequence[Attempt]) -> Iterator[Span]:
    first_start = attempts[0].started_at if attempts else run.attempt_started_at if _is_begun(run) else None
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
    if _is_begun(run) and run.attempt_started_at:
        if previous:
            yield Span("retry", previous.finished_at, run.attempt_started_at)
        yield Span(
            "attempt",
            run.attempt_started_at,
            None,
            None,
            run.attempt if run.status is Status.EXECUTING else run.attempt + 1,
        )
    elif previous and not run.status.is_final:
        yield Span("retry", previous.finished_at, None)


def bars(stretches: Iterable[Span], now: datetime) -> list[Bar]:
    """The spans on one scale, each wide enough to be visible. A child that outlives the run goes on to the edge."""
    known = list(stretches)
    start = known[0].start
    ends_at = max(span.end or now for span in known if not span.child)
    whole = max((ends_at - start).total_seconds(), 0.001)
    drawn = []
    for span in known:
        width = max(4.0, 1000 * span.seconds(now) / whole)
        x = min(1000 * (span.start - start).total_seconds() / whole, 996.0 if span.child else 1000 - width)
        drawn.append(Bar(span, round(max(0.0, x), 2), round(min(width, 1000.0 - max(0.0, x)), 2)))
    return drawn


def _is_begun(run: StoredRun) -> bool:
    """Whether an attempt is under way; it may wait for something."""
    return run.status is Status.EXECUTING or (run.status is Status.QUEUED and run.is_snoozed)
