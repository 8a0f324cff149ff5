"""A run's exchange with a model that writes in the background.

Each round is a row in ``jobs.ai_responses``, stored before OpenAI is asked. The job stands by, is called again, and
replays: a round that was answered costs nothing, one that was asked for is looked at, and none is asked for twice while
its id is known.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import structlog

from agenciaos_jobs.ai_content.background import ResponseNotFoundError, Submitted, next_poll_delay
from agenciaos_jobs.ai_content.prompt import Answer, Prompt
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.ai_content.store import generations, responses
from agenciaos_jobs.ai_content.store.generations import Generation
from agenciaos_jobs.ai_content.store.responses import AbandonedResponse, OpenResponse
from agenciaos_jobs.engine.context import JobContext, RunContext
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater, Snooze
from agenciaos_jobs.engine.store.runs import OwnershipLostError

log = structlog.get_logger("agenciaos_jobs.conversation")

T = TypeVar("T")

_STILL_ASKING = timedelta(minutes=5)
_STOP_CANCELLING_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Asker:
    """For whom, and with which agent."""

    agency_id: str
    user_id: str | None
    agent_type: str


class ReplayableRounds:
    """The rounds of one run, in order."""

    def __init__(self, context: RunContext[AIContent], asker: Asker, known: dict[int, OpenResponse]) -> None:
        self._context, self._asker, self._known = context, asker, known
        self._numbers = count(1)

    @classmethod
    async def of(cls, context: RunContext[AIContent], asker: Asker) -> "ReplayableRounds":
        return cls(context, asker, await responses.open_ones(context.database, context.run.id))

    async def answer(self, prompt: Prompt) -> Answer:
        """The next round's answer. Raises :class:`StandBy` while the model writes it."""
        number = next(self._numbers)
        known = self._known.get(number)
        if known and known.response_id is None:
            self._context.log.warning("response_id_lost", round=number)
            await responses.lose(self._context.database, known)
            known = None
        if known is None:
            known = await _shielded(self._ask(number, prompt))
        return known.answer or await self._look(known)

    async def _ask(self, number: int, prompt: Prompt) -> OpenResponse:
        context, asker, now = self._context, self._asker, self._context.clock.now()
        run, names = context.run, (asker.agency_id, asker.user_id, asker.agent_type)
        row = await responses.begin(context.database, run.id, run.attempt, number, *names, now)
        if row is None:
            raise OwnershipLostError(run.id)
        try:
            asked: Submitted = await context.uses.model.ask(prompt)
        except (GiveUp, RetryLater):
            await responses.drop(context.database, row)
            raise
        await responses.note_asked(context.database, row, asked.response_id, asked.answer)
        context.log.info("response_asked_for", round=number, response_id=asked.response_id)
        if asked.answer is None:
            raise Snooze(next_poll_delay(timedelta(), has_completion_webhook=context.uses.model.has_completion_webhook))
        return OpenResponse(row, number, now, asked.response_id, asked.answer)

    async def _look(self, known: OpenResponse) -> Answer:
        context = self._context
        assert known.response_id
        wait = next_poll_delay(
            context.clock.now() - known.asked_at, has_completion_webhook=context.uses.model.has_completion_webhook
        )
        try:
            answer = await context.uses.model.look(known.response_id)
        except ResponseNotFoundError:
            await responses.drop(context.database, known.id)
            raise RetryLater("response_gone", f"OpenAI no longer has response {known.response_id}") from None
        except RetryLater as trouble:
            context.log.warning("response_not_read", error_code=trouble.code)
            raise Snooze(trouble.after or wait) from trouble
        if answer is None:
            raise Snooze(wait)
        await responses.note_answer(context.database, known.id, answer)
        return answer


async def _shielded(work: Coroutine[Any, Any, T]) -> T:
    """Lets ``work`` end even where the attempt is stopped meanwhile, so that no response's id is lost by that."""
    task = asyncio.ensure_future(work)
    stopped: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            stopped = error
    if stopped:
        task.exception()
        raise stopped
    return task.result()


async def cancel_abandoned(context: JobContext[AIContent]) -> None:
    """Cancels what no run waits for any more, and bills what came of it all the same."""
    for response in await responses.take_abandoned(context.database, context.clock.now()):
        try:
            answer = response.answer or await _withdrawn(context, response)
        except (GiveUp, RetryLater) as trouble:
            log.warning("response_not_canceled", response_id=response.response_id, error_code=trouble.code)
            if context.clock.now() - response.asked_at < _STOP_CANCELLING_AFTER:
                continue
            answer = None
        except _NotFinishedYetError:
            continue
        await _close(context, response, answer)


class _NotFinishedYetError(Exception):
    """It is not known yet what came of a response."""


async def _withdrawn(context: JobContext[AIContent], response: AbandonedResponse) -> Answer | None:
    if response.response_id is None:
        if context.clock.now() - response.asked_at < _STILL_ASKING:
            raise _NotFinishedYetError
        log.warning("response_id_lost", run_id=response.run_id)
        return None
    try:
        answer = await context.uses.model.withdraw(response.response_id)
    except ResponseNotFoundError:
        return None
    if answer is None:
        raise _NotFinishedYetError
    return answer


async def _close(context: JobContext[AIContent], response: AbandonedResponse, answer: Answer | None) -> None:
    async with context.database.transaction() as connection:
        if not await responses.close(connection, response.id):
            return
        if answer and answer.usage.input_tokens:
            generation = Generation(
                run_id=response.run_id,
                attempt=response.attempt,
                agency_id=response.agency_id,
                user_id=response.user_id,
                agent_type=response.agent_type,
                usage=answer.usage,
                error_code=response.outcome,
            )
            await generations.record(connection, generation, context.clock.now())
    log.info("response_canceled", run_id=response.run_id, response_id=response.response_id, outcome=response.outcome)
