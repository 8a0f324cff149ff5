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

from agenciaos_jobs.ai_content.background import AnswerGone, Asked, next_look
from agenciaos_jobs.ai_content.prompt import Answer, Prompt
from agenciaos_jobs.ai_content.store import generations, responses
from agenciaos_jobs.ai_content.store.generations import Generation
from agenciaos_jobs.ai_content.store.responses import AbandonedResponse, OpenResponse
from agenciaos_jobs.engine.context import App, RunApp
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater, StandBy
from agenciaos_jobs.engine.store.runs import OwnershipLost

log = structlog.get_logger("agenciaos_jobs.conversation")

T = TypeVar("T")

_STILL_ASKING = timedelta(minutes=5)
_HOPELESS = timedelta(days=1)


@dataclass(frozen=True)
class Asker:
    """For whom, and with which agent."""

    agency_id: str
    user_id: str | None
    agent_type: str


class Conversation:
    """The rounds of one run, in order."""

    def __init__(self, app: RunApp, asker: Asker, known: dict[int, OpenResponse]) -> None:
        self._app, self._asker, self._known = app, asker, known
        self._numbers = count(1)

    @classmethod
    async def of(cls, app: RunApp, asker: Asker) -> "Conversation":
        return cls(app, asker, await responses.open_ones(app.database, app.run.id))

    async def answer(self, prompt: Prompt) -> Answer:
        """The next round's answer. Raises :class:`StandBy` while the model writes it."""
        number = next(self._numbers)
        known = self._known.get(number)
        if known and known.response_id is None:
            self._app.log.warning("response_id_lost", round=number)
            await responses.lose(self._app.database, known)
            known = None
        if known is None:
            known = await _unbroken(self._ask(number, prompt))
        return known.answer or await self._look(known)

    async def _ask(self, number: int, prompt: Prompt) -> OpenResponse:
        app, asker, now = self._app, self._asker, self._app.clock.now()
        run, names = app.run, (asker.agency_id, asker.user_id, asker.agent_type)
        row = await responses.begin(app.database, run.id, run.attempt, number, *names, now)
        if row is None:
            raise OwnershipLost(run.id)
        try:
            asked: Asked = await app.model.ask(prompt)
        except (GiveUp, RetryLater):
            await responses.drop(app.database, row)
            raise
        await responses.note_asked(app.database, row, asked.response_id, asked.answer)
        app.log.info("response_asked_for", round=number, response_id=asked.response_id)
        if asked.answer is None:
            raise StandBy(next_look(timedelta(), is_announced=app.model.is_announced))
        return OpenResponse(row, number, now, asked.response_id, asked.answer)

    async def _look(self, known: OpenResponse) -> Answer:
        app = self._app
        assert known.response_id
        wait = next_look(app.clock.now() - known.asked_at, is_announced=app.model.is_announced)
        try:
            answer = await app.model.look(known.response_id)
        except AnswerGone:
            await responses.drop(app.database, known.id)
            raise RetryLater("response_gone", f"OpenAI no longer has response {known.response_id}") from None
        except RetryLater as trouble:
            app.log.warning("response_not_read", error_code=trouble.code)
            raise StandBy(trouble.after or wait) from trouble
        if answer is None:
            raise StandBy(wait)
        await responses.note_answer(app.database, known.id, answer)
        return answer


async def _unbroken(work: Coroutine[Any, Any, T]) -> T:
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


async def withdraw_abandoned(app: App) -> None:
    """Cancels what no run waits for any more, and bills what came of it all the same."""
    for response in await responses.take_abandoned(app.database, app.clock.now()):
        try:
            answer = response.answer or await _withdrawn(app, response)
        except (GiveUp, RetryLater) as trouble:
            log.warning("response_not_canceled", response_id=response.response_id, error_code=trouble.code)
            if app.clock.now() - response.asked_at < _HOPELESS:
                continue
            answer = None
        except _Early:
            continue
        await _close(app, response, answer)


class _Early(Exception):  # noqa: N818
    """It is not known yet what came of a response."""


async def _withdrawn(app: App, response: AbandonedResponse) -> Answer | None:
    if response.response_id is None:
        if app.clock.now() - response.asked_at < _STILL_ASKING:
            raise _Early
        log.warning("response_id_lost", run_id=response.run_id)
        return None
    try:
        answer = await app.model.withdraw(response.response_id)
    except AnswerGone:
        return None
    if answer is None:
        raise _Early
    return answer


async def _close(app: App, response: AbandonedResponse, answer: Answer | None) -> None:
    async with app.database.transaction() as connection:
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
            await generations.record(connection, generation, app.clock.now())
    log.info("response_canceled", run_id=response.run_id, response_id=response.response_id, outcome=response.outcome)
