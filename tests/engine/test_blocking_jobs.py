"""Jobs that work in threads: outcomes, limits, and what a thread may do once its attempt has ended."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from support.probe import QUICK, Anything
from support.service import Service, running_service

from agenciaos_jobs import CommitWith, GiveUp, Job, Limits, RetryLater, RunContext, Snooze
from agenciaos_jobs.settings import Settings

Act = Callable[[RunContext[Any], Anything], Any]


def blocking(act: Act, **limits: Any) -> Job[Any]:
    return Job("probe", Anything, act, blocking=True, limits=Limits(**{"backoff": QUICK} | limits))


async def outcome(settings: Settings, job: Job[Any]) -> dict[str, Any]:
    async with running_service(settings, {job.task: job}) as service:
        return await service.finished(await service.start(job))


async def test_a_blocking_job_logs_awaits_and_returns_its_output(settings: Settings, db: asyncpg.Connection):
    def act(context: RunContext[Any], _: Anything) -> dict[str, Any]:
        assert threading.current_thread() is not threading.main_thread()
        context.log.info("asked", attempt=context.run.attempt)
        return {"answer": context.call(context.database.fetchval("SELECT 6 * 7"))}

    run = await outcome(settings, blocking(act))
    assert (run["status"], run["output"]) == ("COMPLETED", {"answer": 42})
    assert await db.fetchval("SELECT message FROM jobs.run_logs WHERE run_id = $1", run["id"]) == "asked"


async def test_a_blocking_job_commits_with_its_run(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")

    async def write(connection: asyncpg.Connection) -> dict[str, Any]:
        await connection.execute("INSERT INTO effects VALUES (1)")
        return {"written": 1}

    run = await outcome(settings, blocking(lambda *_: CommitWith(write)))
    assert (run["output"], await db.fetchval("SELECT count(*) FROM effects")) == ({"written": 1}, 1)


@pytest.mark.parametrize(
    ("error", "attempts", "status"),
    [
        (GiveUp("no_use", "it is of no use"), 1, "FAILED"),
        (RetryLater("not_yet", "not yet", after=timedelta()), 2, "COMPLETED"),
        (Snooze(timedelta(milliseconds=10)), 1, "COMPLETED"),
        (StopIteration("the last one"), 2, "COMPLETED"),
        (SystemExit(3), 2, "COMPLETED"),
        (asyncio.CancelledError(), 2, "COMPLETED"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_what_a_blocking_job_raises_decides_what_follows(
    settings: Settings, error: BaseException, attempts: int, status: str
):
    raised: list[BaseException] = []

    def act(*_: Any) -> dict[str, Any]:
        if not raised:
            raised.append(error)
            raise error
        return {}

    run = await outcome(settings, blocking(act))
    assert (run["status"], run["attemptCount"]) == (status, attempts)


class Stubborn:
    """A job whose thread goes on until ``release``, and then tries what its context offers."""

    def __init__(self) -> None:
        self.release, self.is_done = threading.Event(), threading.Event()
        self.calls = 0
        self.refused: list[str] = []

    def __call__(self, context: RunContext[Any], _: Anything) -> dict[str, Any]:
        self.calls += 1
        if self.calls > 1:
            return {}
        self.release.wait(30)
        for name, attempt in (
            ("log", lambda: context.log.info("too late")),
            ("call", lambda: context.call(context.database.execute("CREATE TABLE too_late ()"))),
            ("on_failure", lambda: context.on_failure(lambda *_: asyncio.sleep(0))),
        ):
            try:
                attempt()
            except asyncio.CancelledError:
                self.refused.append(name)
        self.is_done.set()
        return {"too": "late"}


async def stopped(service: Service, db: asyncpg.Connection, job: Job[Any], act: Stubborn, status: str) -> None:
    """Ends an attempt whose thread goes on, and looks at what the thread still can do."""
    run_id = await service.start(job)
    await service.reaches(run_id, lambda run: run["isExecuting"] and act.calls)
    if status == "CANCELED":
        assert (await service.post(f"/api/v2/runs/{run_id}/cancel", {}))[0] == 200
    run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == (status, 1)
    await counted(service, {"CANCELED": "revoked", "TIMED_OUT": "timed_out"}[status])
    second = await service.start(job)
    await service.reaches(second, lambda run: not run["isExecuting"] or pytest.fail("the slot was free"))
    act.release.set()
    assert await asyncio.to_thread(act.is_done.wait, 10)
    assert act.refused == ["log", "call", "on_failure"]
    assert (await service.finished(second))["status"] == "COMPLETED"
    run = await service.run(run_id)
    assert (run["status"], run.get("output")) == (status, None)
    assert await db.fetchval("SELECT count(*) FROM jobs.run_logs WHERE message = 'too late'") == 0
    assert await db.fetchval("SELECT to_regclass('too_late')") is None


async def counted(service: Service, outcome: str) -> None:
    """Waits until the worker has counted an attempt with this outcome."""
    sample = f'agenciaos_runs_total{{outcome="{outcome}",task="probe"}} 1.0'
    async with asyncio.timeout(10):
        while True:
            async with service.http.get("/metrics") as response:
                if sample in await response.text():
                    return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("status", "seconds"), [("TIMED_OUT", 1), ("CANCELED", 60)])
@pytest.mark.parametrize("is_blocking", [True, False], ids=["blocking", "to_thread"])
async def test_a_thread_that_goes_on_after_its_attempt_changes_nothing_and_keeps_the_slot(
    settings: Settings, db: asyncpg.Connection, status: str, seconds: int, *, is_blocking: bool
):
    act = Stubborn()

    async def run(context: RunContext[Any], payload: Anything) -> dict[str, Any]:
        return await asyncio.to_thread(act, context, payload)

    job = Job("probe", Anything, act if is_blocking else run, blocking=is_blocking, limits=Limits(max_duration=seconds))
    one_slot = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_service(one_slot, {job.task: job}) as service:
        try:
            await stopped(service, db, job, act, status)
        finally:
            act.release.set()


async def test_an_attempt_that_fails_is_not_followed_while_its_thread_works(settings: Settings):
    working: list[int] = []
    overlaps: list[int] = []
    release = threading.Event()

    def work(attempt: int) -> None:
        overlaps.extend(working)
        working.append(attempt)
        release.wait(10 if attempt == 1 else 0)
        working.remove(attempt)

    async def run(context: RunContext[Any], _: Anything) -> dict[str, Any]:
        asyncio.get_running_loop().call_later(1, release.set)
        async with asyncio.timeout(0.2 if context.run.attempt == 1 else 10):
            await asyncio.to_thread(work, context.run.attempt)
        return {}

    job = Job("probe", Anything, run, limits=Limits(backoff=QUICK))
    result = await outcome(settings, job)
    assert (result["status"], result["attemptCount"], overlaps) == ("COMPLETED", 2, [])


async def test_a_call_on_the_event_loop_is_refused(settings: Settings):
    async def run(context: RunContext[Any], _: Anything) -> dict[str, Any]:
        context.call(context.database.fetchval("SELECT 1"))
        return {}

    result = await outcome(settings, Job("probe", Anything, run, limits=Limits(attempts=1)))
    assert "context.call is for threads" in result["error"]["message"]


def test_an_async_function_is_not_taken_for_a_blocking_one():
    async def run(*_: Any) -> dict[str, Any]:
        return {}

    with pytest.raises(TypeError, match="blocking=True is for a plain function"):
        Job("probe", Anything, run, blocking=True)
