"""Why a run is waiting: the first of the reasons that keep it from starting."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agenciaos_jobs.dashboard.store.waiting import Facts
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import StoredRun


class Reason(StrEnum):
    """Why a run waits. The run itself comes first, then its queue, its concurrency key and the workers."""

    JOB = "job"
    """The job has given the reason, such as a model's rate limit."""
    APPROVAL = "approval"
    """A person completes a wait token."""
    OUTSIDE = "outside"
    """The attempt has begun and waits for something outside, such as a text that is written in the background."""
    DELAYED = "delayed"
    RETRY = "retry"
    PAUSED = "paused"
    LIMIT_ZERO = "limit_zero"
    KEY_FULL = "key_full"
    NO_WORKER = "no_worker"
    DRAINING = "draining"
    BUSY = "busy"
    NEXT = "next"


@dataclass(frozen=True)
class Wait:
    """A wait: its reason, since when, until when at the latest if that is known, and how many runs are before it."""

    reason: Reason
    since: datetime
    facts: Facts
    until: datetime | None = None
    ahead: int = 0


def wait_of(run: StoredRun, facts: Facts, now: datetime, *, has_tokens: bool) -> Wait | None:
    """What a run waits for at this moment; ``None`` for one that executes or has ended."""
    if run.status not in {Status.QUEUED, Status.DELAYED}:
        return None
    if facts.waits_for:
        return Wait(Reason.JOB, facts.waits_since or run.updated_at, facts)
    if run.is_waiting and run.due_at > now:
        return Wait(Reason.APPROVAL if has_tokens else Reason.OUTSIDE, run.updated_at, facts, run.due_at)
    if run.due_at > now:
        reason = Reason.RETRY if run.started_at else Reason.DELAYED
        return Wait(reason, run.updated_at if run.started_at else run.created_at, facts, run.due_at)
    return _wait_for_a_slot(run, facts)


def _wait_for_a_slot(run: StoredRun, facts: Facts) -> Wait:
    if facts.paused_at and not run.is_snoozed:
        return Wait(Reason.PAUSED, max(facts.paused_at, run.due_at), facts)
    if facts.key_limit == 0:
        return Wait(Reason.LIMIT_ZERO, run.due_at, facts)
    if run.concurrency_key and facts.key_limit is not None and facts.key_taken >= facts.key_limit:
        return Wait(Reason.KEY_FULL, run.due_at, facts, ahead=facts.key_ahead)
    if facts.workers == facts.draining:
        return Wait(Reason.DRAINING if facts.workers else Reason.NO_WORKER, run.due_at, facts)
    is_busy = facts.slots is not None and facts.busy >= facts.slots
    return Wait(Reason.BUSY if is_busy else Reason.NEXT, run.due_at, facts, ahead=facts.ahead)
