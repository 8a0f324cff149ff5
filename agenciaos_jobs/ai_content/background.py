"""Answers that a model writes while nobody waits."""

from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.ai_content.prompt import Answer

_SOON = timedelta(seconds=2)


@dataclass(frozen=True)
class Submitted:
    """A request that a model answers in the background: its id upstream, and the answer where it came at once."""

    response_id: str
    answer: Answer | None = None


class ResponseNotFoundError(Exception):
    """Nobody upstream knows the response any more."""


def next_poll_delay(age: timedelta, *, has_completion_webhook: bool) -> timedelta:
    """When to ask again for an answer that was asked for ``age`` ago.

    A quarter of the time waited so far, between 2 and 30 seconds; where a webhook announces answers, what it forgets is
    found between half a minute and two minutes later.
    """
    least, most = (
        (timedelta(seconds=30), timedelta(seconds=120)) if has_completion_webhook else (_SOON, timedelta(seconds=30))
    )
    return min(max(age / 4, least), most)
