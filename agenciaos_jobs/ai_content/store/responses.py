"""Responses that OpenAI writes in the background: asked for once, and billed once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.ai_content.prompt import Answer
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

TRY_AGAIN = timedelta(seconds=30)
"""How long one worker has for canceling a response before another tries."""


@dataclass(frozen=True)
class OpenResponse:
    """One that a run waits for. ``response_id`` is missing where the worker was lost while it asked."""

    id: int
    round: int
    asked_at: datetime
    response_id: str | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class AbandonedResponse:
    """One that nobody waits for; ``outcome`` is its run's status, in lower case."""

    id: int
    run_id: str
    attempt: int
    agency_id: str
    user_id: str | None
    agent_type: str
    asked_at: datetime
    response_id: str | None
    answer: Answer | None
    outcome: str


async def open_ones(executor: Executor, run_id: str) -> dict[int, OpenResponse]:
    """What the run waits for, by round."""
    records = await executor.fetch(QUERIES["open"], run_id)
    return {record["round"]: OpenResponse(**_with_answer(dict(record))) for record in records}


async def lose(executor: Executor, response: OpenResponse) -> None:
    """Notes that nobody waits for this one any more."""
    await executor.execute(QUERIES["lose"], response.id)


async def begin(
    executor: Executor,
    run_id: str,
    attempt: int,
    number: int,
    agency_id: str,
    user_id: str | None,
    agent_type: str,
    now: datetime,
) -> int | None:
    """Notes that round ``number`` is about to be asked for; ``None`` where another worker is at it."""
    asked = (run_id, attempt, number, agency_id, user_id, agent_type, now)
    known: int | None = await executor.fetchval(QUERIES["begin"], *asked)
    return known


async def note_asked(executor: Executor, number: int, response_id: str, answer: Answer | None) -> None:
    await executor.execute(QUERIES["note_asked"], number, response_id, answer and answer.as_json())


async def note_answer(executor: Executor, number: int, answer: Answer) -> None:
    await executor.execute(QUERIES["note_answer"], number, answer.as_json())


async def drop(executor: Executor, number: int) -> None:
    """Forgets one that OpenAI did not take."""
    await executor.execute(QUERIES["drop"], number)


async def settle(connection: Connection, run_id: str) -> None:
    """Ends the run's waiting, in the transaction that bills what was answered."""
    await connection.execute(QUERIES["settle"], run_id)


async def abandon(connection: Connection, run_ids: list[str]) -> None:
    """Leaves what these runs waited for to be canceled, in the transaction that ends them."""
    await connection.execute(QUERIES["abandon"], run_ids)


async def run_of(executor: Executor, response_id: str) -> str | None:
    """The run that waits for a response."""
    run_id: str | None = await executor.fetchval(QUERIES["run_of"], response_id)
    return run_id


async def take_abandoned(database: Database, now: datetime) -> list[AbandonedResponse]:
    """Responses to cancel; for :data:`TRY_AGAIN` no other worker gets them."""
    records = await database.fetch(QUERIES["take_abandoned"], now, now - TRY_AGAIN)
    return [AbandonedResponse(**_with_answer(dict(record))) for record in records]


async def close(connection: Connection, number: int) -> bool:
    """Deletes the response; ``False`` where that has been done, and so has its bill."""
    return await connection.fetchval(QUERIES["close"], number) is not None


def _with_answer(record: Json) -> Json:
    answer = record["answer"]
    return record | {"answer": Answer.from_json(answer) if isinstance(answer, dict) else None}
