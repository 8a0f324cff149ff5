"""Replayable rounds with a model.

Each background round is a row in ``jobs.ai_responses``, stored before OpenAI is called. The job snoozes, runs again and
replays: an answered round costs nothing, a submitted one is polled, and none is submitted twice while its id is known.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import count
from operator import add
from typing import Any, TypeVar

import structlog

from agenciaos_jobs.ai_content.answer import Answer, Usage
from agenciaos_jobs.ai_content.background import ResponseNotFoundError, Submitted, next_poll_delay
from agenciaos_jobs.ai_content.openai.errors import RejectedInBackgroundError
from agenciaos_jobs.ai_content.openai.request import Origin
from agenciaos_jobs.ai_content.openai.streaming import OnText
from agenciaos_jobs.ai_content.pacing.upstream import upstream_of
from agenciaos_jobs.ai_content.prompt import Prompt
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.ai_content.store import generations, responses
from agenciaos_jobs.ai_content.store.generations import Generation
from agenciaos_jobs.ai_content.store.responses import AbandonedResponse, OpenResponse
from agenciaos_jobs.engine.context import JobContext, RunContext
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater, Snooze
from agenciaos_jobs.engine.pacing.upstream import Upstream
from agenciaos_jobs.engine.store.runs import OwnershipLostError

log = structlog.get_logger("agenciaos_jobs.conversation")

T = TypeVar("T")

_SUBMISSION_GRACE = timedelta(minutes=5)
_STOP_CANCELLING_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Requester:
    """Who requests the content, and which agent writes it."""

    agency_id: str
    user_id: str | None
    agent_type: str


class ReplayableRounds:
    """The rounds of one run, in order.

    A round ``in_background`` is stored before OpenAI is called. Other rounds are stored only if a later one has to
    wait, so that nothing is paid for twice.
    """

    def __init__(
        self,
        context: RunContext[AIContent],
        requester: Requester,
        known: dict[int, OpenResponse],
        *,
        in_background: bool,
    ) -> None:
        self._context, self._requester, self._known = context, requester, known
        self._in_background = in_background
        self._numbers = count(1)
        self._calls = context.uses.pacer.calls_of(context.run)
        self._origin = Origin(context.run.id, requester.agency_id, requester.user_id)
        self._unstored: dict[int, Answer] = {}

    @classmethod
    async def of(
        cls, context: RunContext[AIContent], requester: Requester, *, in_background: bool
    ) -> "ReplayableRounds":
        """The rounds, with those of earlier calls of the job. A foreground run has some only if it has waited."""
        may_have_some = in_background or context.run.waits_since is not None
        known = await responses.open_responses(context.database, context.run.id) if may_have_some else {}
        return cls(context, requester, known, in_background=in_background)

    @property
    def are_stored(self) -> bool:
        """Whether rows of this run must be closed when it ends."""
        return self._in_background or self._context.run.waits_since is not None

    @property
    def unstored_usage(self) -> Usage | None:
        """What the answers consumed that no row holds."""
        usages = [answer.usage for answer in self._unstored.values()]
        return reduce(add, usages) if usages else None

    async def answer(self, prompt: Prompt, on_text: OnText | None = None) -> Answer:
        """The next round's answer. One that is written in the foreground is passed to ``on_text`` meanwhile.

        Raises :class:`Snooze` while the model writes it, or while the run has to wait for the model.
        """
        number = next(self._numbers)
        known = self._known.get(number)
        if known and known.answer:
            return known.answer
        if not self._in_background:
            return await self._ask(number, prompt, on_text)
        if known and known.response_id is None:
            self._context.log.warning("response_id_lost", round=number)
            await responses.mark_lost(self._context.database, known)
            known = None
        if known is None:
            known = await _shielded(self._submit(number, prompt))
        return known.answer or await self._poll(known, prompt)

    async def _ask(self, number: int, prompt: Prompt, on_text: OnText | None) -> Answer:
        """A round in the foreground. One that has to wait stores the rounds before it."""
        model = self._context.uses.model
        try:
            answer = await self._calls.call(
                self._upstream(prompt),
                lambda: model.answer(prompt, self._origin, on_text),
                lambda answer: answer.headroom,
            )
        except Snooze:
            await self._keep()
            raise
        self._unstored[number] = answer
        return answer

    def _upstream(self, prompt: Prompt) -> Upstream:
        uses = self._context.uses
        return upstream_of(uses.model.name_for(prompt), uses.wait_limit)

    async def _keep(self) -> None:
        for number, answer in self._unstored.items():
            row = await self._begin(number)
            await responses.record_answer(self._context.database, row, answer)

    async def _begin(self, number: int) -> int:
        run, requester = self._context.run, self._requester
        names = (requester.agency_id, requester.user_id, requester.agent_type)
        now = self._context.clock.now()
        row = await responses.begin(self._context.database, run.id, run.attempt, number, *names, now)
        if row is None:
            raise OwnershipLostError(run.id)
        return row

    async def _submit(self, number: int, prompt: Prompt) -> OpenResponse:
        context, model, now = self._context, self._context.uses.model, self._context.clock.now()
        row = await self._begin(number)
        try:
            submitted: Submitted = await self._calls.call(
                self._upstream(prompt), lambda: model.submit(prompt, self._origin), lambda answer: answer.headroom
            )
        except (GiveUp, RetryLater, Snooze):
            await responses.drop(context.database, row)
            raise
        await responses.record_submission(context.database, row, submitted.response_id, submitted.answer)
        context.log.info("response_asked_for", round=number, response_id=submitted.response_id)
        if submitted.answer is None:
            raise Snooze(next_poll_delay(timedelta(), has_completion_webhook=model.has_completion_webhook))
        return OpenResponse(row, number, now, submitted.response_id, submitted.answer)

    async def _poll(self, known: OpenResponse, prompt: Prompt) -> Answer:
        context = self._context
        assert known.response_id
        wait = next_poll_delay(
            context.clock.now() - known.asked_at, has_completion_webhook=context.uses.model.has_completion_webhook
        )
        try:
            answer = await context.uses.model.poll(known.response_id)
        except ResponseNotFoundError:
            await responses.drop(context.database, known.id)
            raise RetryLater("response_gone", f"OpenAI no longer has response {known.response_id}") from None
        except RejectedInBackgroundError as limited:
            await responses.drop(context.database, known.id)
            raise await self._calls.limited(self._upstream(prompt), limited, known.asked_at) from limited
        except RetryLater as trouble:
            context.log.warning("response_not_read", error_code=trouble.code)
            raise Snooze(trouble.after or wait) from trouble
        if answer is None:
            raise Snooze(wait)
        await responses.record_answer(context.database, known.id, answer)
        return answer


async def _shielded(work: Coroutine[Any, Any, T]) -> T:
    """Completes ``work`` even if the attempt is cancelled meanwhile, so that no response id is lost."""
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
    """Cancels abandoned responses, and bills those that were answered anyway."""
    for response in await responses.claim_abandoned(context.database, context.clock.now()):
        try:
            answer = response.answer or await _cancel(context, response)
        except (GiveUp, RetryLater) as trouble:
            log.warning("response_not_canceled", response_id=response.response_id, error_code=trouble.code)
            if context.clock.now() - response.asked_at < _STOP_CANCELLING_AFTER:
                continue
            answer = None
        except _NotFinishedYetError:
            continue
        await _close(context, response, answer)


class _NotFinishedYetError(Exception):
    """The outcome of a response is not known yet."""


async def _cancel(context: JobContext[AIContent], response: AbandonedResponse) -> Answer | None:
    if response.response_id is None:
        if context.clock.now() - response.asked_at < _SUBMISSION_GRACE:
            raise _NotFinishedYetError
        log.warning("response_id_lost", run_id=response.run_id)
        return None
    try:
        answer = await context.uses.model.cancel(response.response_id)
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
