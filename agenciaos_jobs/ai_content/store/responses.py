"""Background responses of OpenAI: submitted once, and billed once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.ai_content.answer import Answer
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

CANCEL_LEASE = timedelta(seconds=30)
"""How long a worker may take to cancel a response before another tries."""


@dataclass(frozen=True)
class OpenResponse:
    """A response that a run waits for. ``response_id`` is missing if the worker was lost while submitting it."""

    id: int
    round: int
    asked_at: datetime
    response_id: str | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class AbandonedResponse:
    """A response that no run waits for; ``outcome`` is its run's status, in lower case."""

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


async def open_responses(executor: Executor, run_id: str) -> dict[int, OpenResponse]:
    """The open responses of a run, by round."""
    records = await executor.fetch(QUERIES["open"], run_id)
    return {record["round"]: OpenResponse(**_with_answer(dict(record))) for record in records}


async def mark_lost(executor: Executor, response: OpenResponse) -> None:
    """Marks a response as abandoned because its id was lost."""
    await executor.execute(QUERIES["mark_lost"], response.id)


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
    """Opens round ``number`` before it is submitted; returns its row, ``None`` if another worker has opened it."""
    asked = (run_id, attempt, number, agency_id, user_id, agent_type, now)
    known: int | None = await executor.fetchval(QUERIES["begin"], *asked)
    return known


async def record_submission(executor: Executor, number: int, response_id: str | None, answer: Answer | None) -> None:
    await executor.execute(QUERIES["record_submission"], number, response_id, answer and answer.as_json())


async def record_answer(executor: Executor, number: int, answer: Answer) -> None:
    await executor.execute(QUERIES["record_answer"], number, answer.as_json())


async def drop(executor: Executor, number: int) -> None:
    """Deletes a response that OpenAI did not accept."""
    await executor.execute(QUERIES["drop"], number)


async def finish(connection: Connection, run_id: str) -> None:
    """Closes the run's responses, in the transaction that bills the answered ones."""
    await connection.execute(QUERIES["finish"], run_id)


async def abandon(connection: Connection, run_ids: list[str]) -> None:
    """Abandons the responses of these runs, in the transaction that ends them, to be cancelled later."""
    await connection.execute(QUERIES["abandon"], run_ids)


async def run_of(executor: Executor, response_id: str) -> str | None:
    """The run that waits for a response."""
    run_id: str | None = await executor.fetchval(QUERIES["run_of"], response_id)
    return run_id


async def claim_abandoned(database: Database, now: datetime) -> list[AbandonedResponse]:
    """Responses to cancel; for :data:`CANCEL_LEASE` no other worker gets them."""
    records = await database.fetch(QUERIES["claim_abandoned"], now, now - CANCEL_LEASE)
    return [AbandonedResponse(**_with_answer(dict(record))) for record in records]


async def close(connection: Connection, number: int) -> bool:
    """Deletes the response; ``False`` if it was deleted, and so billed, before."""
    return await connection.fetchval(QUERIES["close"], number) is not None


def _with_answer(record: Json) -> Json:
    answer = record["answer"]
    return record | {"answer": Answer.from_json(answer) if isinstance(answer, dict) else None}
