"""A run's output is what its job returned."""

import asyncio
from typing import Any

import asyncpg
import pytest
from support.probe import Probe, outcome, returning
from support.service import running_service

from agenciaos_jobs.engine.model.job import CommitWith
from agenciaos_jobs.engine.worker.completer import MAX_OUTPUT
from agenciaos_jobs.settings import Settings

OUTPUTS = [
    None,
    "text",
    "",
    0,
    -1.5,
    True,
    [],
    [1, [2, [3]]],
    ["a", {"b": None}],
    {},
    {"deep": [{"er": []}]},
    2**63 - 1,
    "aspas ' \" e barra \\",
]


async def test_every_run_gets_its_own_output_as_its_job_gave_it(settings: Settings):
    async def give(app: Any) -> Any:
        return OUTPUTS[int(app.run.tags[0])]

    async def give_in_effect(app: Any) -> Any:
        async def effect(_: asyncpg.Connection) -> Any:
            return OUTPUTS[int(app.run.tags[0])]

        return CommitWith(effect)

    for act in (give, give_in_effect):
        probe = Probe(act, attempts=1)
        async with running_service(settings, probe.jobs) as service:
            starts = [service.start(probe.job, tags=(str(number),)) for number in range(len(OUTPUTS))]
            ended = [await service.finished(run_id) for run_id in await asyncio.gather(*starts)]
        assert [run["status"] for run in ended] == ["COMPLETED"] * len(OUTPUTS)
        assert [run.get("output") for run in ended] == OUTPUTS


async def test_an_output_with_characters_that_postgres_does_not_store_is_kept_without_them(settings: Settings):
    run = await outcome(settings, returning({"nul": "a\0b", "half": "\ud800", "number": 2**70}))
    assert run["output"] == {"nul": "ab", "half": "?", "number": str(2**70)}


@pytest.mark.parametrize("is_effect", [False, True])
async def test_an_output_that_is_too_large_fails_the_run_and_changes_nothing(
    settings: Settings, db: asyncpg.Connection, is_effect: bool
):
    await db.execute("CREATE TABLE effects (n int)")

    async def effect(connection: asyncpg.Connection) -> Any:
        await connection.execute("INSERT INTO effects VALUES (1)")
        return "x" * MAX_OUTPUT

    result = CommitWith(effect) if is_effect else "x" * MAX_OUTPUT
    run = await outcome(settings, returning(result), attempts=3)
    assert (run["status"], run["error"]["name"], run["attemptCount"]) == ("FAILED", "output_too_large", 1)
    assert str(MAX_OUTPUT) in run["error"]["message"]
    assert await db.fetchval("SELECT count(*) FROM effects") == 0


async def test_an_output_of_the_largest_size_is_returned(settings: Settings):
    text = "x" * (MAX_OUTPUT - 2)
    assert (await outcome(settings, returning(text)))["output"] == text
