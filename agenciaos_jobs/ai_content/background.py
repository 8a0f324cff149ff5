"""Background responses: submission and polling."""

from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.ai_content.answer import Answer
from agenciaos_jobs.engine.pacing.headroom import Headroom

_MIN_DELAY = timedelta(seconds=2)


@dataclass(frozen=True)
class Submitted:
    """A request submitted to the model: its id upstream, and the answer if it was immediate."""

    response_id: str | None
    answer: Answer | None = None
    headroom: Headroom | None = None


class ResponseNotFoundError(Exception):
    """The response no longer exists upstream."""


def next_poll_delay(age: timedelta, *, has_completion_webhook: bool) -> timedelta:
    """The delay until the next poll of a response submitted ``age`` ago.

    A quarter of its age, between 2 and 30 seconds. With a completion webhook polling is only the fallback, and the
    delay is between 30 and 120 seconds.
    """
    minimum, maximum = (
        (timedelta(seconds=30), timedelta(seconds=120))
        if has_completion_webhook
        else (_MIN_DELAY, timedelta(seconds=30))
    )
    return min(max(age / 4, minimum), maximum)
