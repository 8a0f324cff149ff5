"""The end of a run is always written, and is always true, whatever its job's code does."""

import asyncio
import sys
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.probe import Act, Probe, outcome, raising, returning
from support.service import running_service

from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Hooks, RetryLater, Snooze
from agenciaos_jobs.engine.worker.description import MAX_MESSAGE, MAX_STACK
from agenciaos_jobs.settings import Settings


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Panic(BaseException):
    """As extensions in Rust raise it."""


def chain(length: int) -> ValueError:
    error = ValueError("the first")
    for number in range(length):
        following = ValueError(f"number {number}")
        following.__cause__ = error
        error = following
    return error


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"in": value}
    return value


async def cancelled_child(_: Any) -> None:
    child = asyncio.create_task(asyncio.sleep(9))
    child.cancel()
    await child


async def cancels_itself(_: Any) -> None:
    task = asyncio.current_task()
    assert task
    task.cancel()
    await asyncio.sleep(9)


@pytest.mark.parametrize("act", [cancelled_child, cancels_itself, raising(asyncio.CancelledError())])
async def test_a_cancellation_that_nobody_asked_for_is_a_failed_attempt(settings: Settings, act: Act):
    run = await outcome(settings, act, attempts=2)
    assert (run["status"], run["error"]["name"], run["attemptCount"]) == ("FAILED", "CancelledError", 2)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (SystemExit(3), "SystemExit"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Panic("rust"), "Panic"),
        (Unprintable(), "Unprintable"),
        (ValueError("\ud800 and \0"), "ValueError"),
        (GiveUp("odd\0\ud800", "\ud800\0"), "odd?"),
        (GiveUp("big", "number", details={"number": 2**70, "\ud800": float("nan"), "object": object()}), "big"),
        (GiveUp("deep", "nested", details=nested(50_000)), "deep"),
        (GiveUp("wrong", "no object", details=[1]), "wrong"),  # type: ignore[arg-type]
        (GiveUp(7, "no text"), "7"),  # type: ignore[arg-type]
        (chain(50_000), "ValueError"),
        (ExceptionGroup("several", [ValueError(str(n)) for n in range(1_000)]), "ExceptionGroup"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_whatever_a_job_raises_ends_its_run(settings: Settings, error: BaseException, name: str):
    run = await outcome(settings, raising(error))
    assert (run["status"], run["error"]["name"]) == ("FAILED", name)


async def test_exit_fails_the_run_and_not_the_worker(settings: Settings):
    async def leave(app: Any) -> Any:
        return sys.exit(1) if "bad" in app.run.tags else {"ok": True}

    probe = Probe(leave, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        bad = await service.start(probe.job, tags=("bad",))
        good = await service.start(probe.job)
        assert (await service.finished(bad))["status"] == "FAILED"
        assert (await service.finished(good))["status"] == "COMPLETED"


async def test_exit_in_a_task_of_a_job_fails_the_run_and_not_the_worker(settings: Settings):
    async def leave() -> None:
        sys.exit("no more")

    async def start_task(app: Any) -> Any:
        if "bad" in app.run.tags:
            await asyncio.gather(asyncio.create_task(leave()), asyncio.sleep(0))
        return {"ok": True}

    probe = Probe(start_task, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        bad = await service.finished(await service.start(probe.job, tags=("bad",)))
        good = await service.finished(await service.start(probe.job))
    assert (bad["status"], bad["error"]["name"]) == ("FAILED", "ExitInTaskError")
    assert "no more" in bad["error"]["message"]
    assert good["status"] == "COMPLETED"


async def test_an_error_is_stored_within_its_bounds(settings: Settings):
    def deep(levels: int) -> None:
        if levels:
            return deep(levels - 1) if levels % 2 else other(levels - 1)
        raise ValueError("é" * 1_000_000)

    def other(levels: int) -> None:
        deep(levels)

    async def fail(_: Any) -> None:
        deep(600)

    error = (await outcome(settings, fail))["error"]
    assert len(error["message"].encode()) <= MAX_MESSAGE
    assert error["message"].endswith("…")
    stack = error["stackTrace"]
    assert len(stack.encode()) <= MAX_STACK
    assert stack.startswith("Traceback (most recent call last):")
    assert " bytes …" in stack


@pytest.mark.parametrize("after", [timedelta.max, timedelta.min, timedelta(days=10_000)])
async def test_a_wait_of_any_length_can_be_asked_for(settings: Settings, after: timedelta, db: asyncpg.Connection):
    async def later(app: Any) -> Any:
        if app.run.attempt == 1:
            raise RetryLater("later", "come back", after=after)
        return {"attempt": app.run.attempt}

    probe = Probe(later)
    async with running_service(settings, probe.jobs) as service:
        run_id = await service.start(probe.job)
        if after < timedelta():
            assert (await service.finished(run_id))["output"] == {"attempt": 2}
        else:
            run = await service.reaches(run_id, lambda run: run["attempts"] and run["isQueued"])
            due_at = await db.fetchval("SELECT due_at FROM jobs.runs")
            assert timedelta(days=365) < due_at - datetime.fromisoformat(run["createdAt"]) < timedelta(days=367)


@pytest.mark.parametrize("after", [timedelta.max, timedelta.min])
async def test_a_snooze_of_any_length_ends_with_the_attempt(settings: Settings, after: timedelta):
    run = await outcome_of_snooze(settings, after)
    assert (run["status"], run["error"]["name"]) == ("TIMED_OUT", "MaxDurationExceeded")


async def outcome_of_snooze(settings: Settings, after: timedelta) -> dict[str, Any]:
    probe = Probe(raising(Snooze(after)), max_duration=1)
    async with running_service(settings, probe.jobs) as service:
        return await service.finished(await service.start(probe.job))


async def test_a_hook_that_raises_does_not_keep_the_failure_from_being_written(settings: Settings):
    async def refuse(*_: Any) -> None:
        raise FileNotFoundError("no such file")  # which looks like an outage of the network

    async def fail(app: Any) -> None:
        app.on_failure(refuse)
        raise ValueError("the cause")

    run = await outcome(settings, fail, hooks=Hooks(on_discard=refuse), attempts=2)
    assert (run["status"], run["error"]["name"]) == ("FAILED", "not_recorded")


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), TimeoutError("slow"), ConnectionResetError("reset")])
async def test_an_effect_that_fails_costs_an_attempt(settings: Settings, error: Exception):
    async def effect(_: asyncpg.Connection) -> None:
        raise error

    run = await outcome(settings, returning(CommitWith(effect)), attempts=2)
    assert (run["status"], run["attemptCount"]) == ("FAILED", 2)
    assert run["error"]["name"] == type(error).__name__


async def test_an_attempt_taken_for_lost_is_made_again_by_the_same_worker(
    settings: Settings, db: asyncpg.Connection, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    is_second, may_end = asyncio.Event(), asyncio.Event()

    async def wait(app: Any) -> Any:
        if app.run.attempt == 2:
            is_second.set()
            return {"attempt": 2}
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue
        return None

    probe = Probe(wait)
    async with running_service(settings, probe.jobs) as service:
        run_id = await service.start(probe.job)
        await service.reaches(run_id, lambda run: run["isExecuting"])
        await db.execute("UPDATE jobs.runs SET worker_id = NULL")
        await asyncio.wait_for(is_second.wait(), 10)
        run = await service.finished(run_id)
        may_end.set()
    assert (run["status"], run["output"]) == ("COMPLETED", {"attempt": 2})
    assert "attempt_not_recorded" not in caplog.text + capsys.readouterr().out
