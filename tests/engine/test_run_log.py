"""Log lines of jobs: one that cannot be stored as it is costs no other line, and no run."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FrozenClock
from support.probe import Probe
from support.service import running_service

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.log_line import MAX_LINE, new_log_line
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store import run_logs
from agenciaos_jobs.engine.worker.run_log import MAX_LINES, RunLog
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime


@pytest.fixture(autouse=True)
def json_lines() -> None:
    logs.configure("json", "debug", Redactor())


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def nested(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    return value


def cycle() -> Any:
    value: dict[str, Any] = {}
    value |= {"self": value, "twice": [value, value]}
    return value


ODD = {
    "nul": "a\0b",
    "surrogate": "a\ud800b",
    "large_number": 2**70,
    "deep": nested(10_000),
    "cycle": cycle(),
    "unprintable": Unprintable(),
    "odd_keys": {(1, 2): 1, Unprintable(): 2, None: 3, 2**70: 4, "\0": 5},
}


async def test_a_value_that_cannot_be_stored_costs_no_line_and_no_run(
    settings: Settings, db: asyncpg.Connection
) -> None:
    both = asyncio.Barrier(2)

    async def act(context: RunContext) -> dict[str, Any]:
        if await both.wait() == 0:
            context.log.info("plain", number=1)
            await both.wait()
            return {}
        for name, value in ODD.items():
            context.log.info(name, value=value)
            context.log.warning(value)
        await both.wait()
        return {}

    probe = Probe(act, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        runs = [await service.start(probe.job) for _ in range(2)]
        ended = [await service.finished(run_id) for run_id in runs]
    assert [run["status"] for run in ended] == ["COMPLETED", "COMPLETED"]
    lines = {row["message"]: json.loads(row["fields"]) for row in await db.fetch("SELECT * FROM jobs.run_logs")}
    assert lines.keys() >= {"plain", *ODD, "ab", "a?b", str(2**70)}
    assert (lines["plain"], lines["large_number"]) == ({"number": 1}, {"value": str(2**70)})
    assert (lines["nul"], lines["surrogate"]) == ({"value": "ab"}, {"value": "a?b"})
    assert lines["unprintable"] == {"value": "<Unprintable: str() raised ValueError>"}
    assert await db.fetchval("SELECT count(*) FROM jobs.run_logs") == 1 + 2 * len(ODD)


async def test_a_wrong_call_of_the_logger_fails_no_run(settings: Settings, db: asyncpg.Connection) -> None:
    async def act(context: RunContext) -> dict[str, Any]:
        context.log.info("%d items", "no number")
        context.log.bind(step=1).info("one", "too many")
        context.log.info("after")
        return {}

    probe = Probe(act, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        assert (await service.finished(await service.start(probe.job)))["status"] == "COMPLETED"
    assert await db.fetchval("SELECT array_agg(message) FROM jobs.run_logs") == ["after"]


async def test_a_line_that_is_refused_is_dropped_alone(
    settings: Settings, db: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await db.execute("ALTER TABLE jobs.run_logs ADD CONSTRAINT proper CHECK (message <> 'improper')")

    async def act(context: RunContext) -> dict[str, Any]:
        for message in ("first", "improper", "second"):
            context.log.info(message)
        return {}

    probe = Probe(act, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        run = await service.finished(await service.start(probe.job))
    assert run["status"] == "COMPLETED"
    assert await db.fetchval("SELECT array_agg(message ORDER BY logged_at) FROM jobs.run_logs") == ["first", "second"]
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"log_lines_dropped"' in line]
    assert [(event["reason"], event["lines"]) for event in events] == [("refused", 1)]


async def test_lines_over_the_run_s_limit_are_counted_in_one_line(settings: Settings, db: asyncpg.Connection) -> None:
    async def act(context: RunContext) -> dict[str, Any]:
        for number in range(MAX_LINES + 50):
            context.log.debug("line", number=number)
            if number % 1000 == 0:
                await context.database.fetchval("SELECT pg_sleep(0.01)")  # lets a flush happen in between
        return {}

    probe = Probe(act, attempts=1)
    async with running_service(settings, probe.jobs) as service:
        run = await service.finished(await service.start(probe.job))
    assert run["status"] == "COMPLETED"
    rows = await db.fetch(
        """SELECT message, count(*) AS lines, max(fields::text) AS fields
           FROM jobs.run_logs WHERE level <> 'span' GROUP BY 1"""
    )
    assert {row["message"]: row["lines"] for row in rows} == {"line": MAX_LINES, "log_lines_dropped": 1}
    assert next(row["fields"] for row in rows if row["message"] != "line") == '{"lines": 50}'


async def test_what_an_outage_made_a_worker_drop_is_counted_per_run(
    settings: Settings, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FrozenClock(NOON)
    async with open_runtime(settings, clock) as runtime:
        run_log = RunLog(runtime.database, clock, Redactor())
        one, other = (run_log.logger(claimed(run_id)) for run_id in ("run_1", "run_2"))

        async def unavailable(*_: Any) -> None:
            raise DatabaseUnavailableError("away")

        with monkeypatch.context() as outage:
            outage.setattr(run_logs, "insert", unavailable)
            for number in range(MAX_LINES - 1):
                one.debug("before", number=number)
            await run_log.flush()
            for _ in range(3):
                other.debug("during")
            await run_log.flush()
        await run_log.flush()
        other.debug("after")
        await run_log.flush()
        rows = await db.fetch(
            "SELECT run_id, message, count(*) AS n, max(fields::text) AS f FROM jobs.run_logs GROUP BY 1, 2"
        )
    assert {(row["run_id"], row["message"], row["n"]) for row in rows} == {
        ("run_1", "before", MAX_LINES - 1),
        ("run_2", "during", 1),
        ("run_2", "log_lines_dropped", 1),
        ("run_2", "after", 1),
    }
    assert [row["f"] for row in rows if row["message"] == "log_lines_dropped"] == ['{"lines": 2}']


def claimed(run_id: str) -> ClaimedRun:
    return ClaimedRun(run_id, "probe", {}, None, 1, 1, 60, NOON, NOON, NOON)


_ANY = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@hypothesis.settings(max_examples=30)
@given(st.text(), st.dictionaries(st.text(), _ANY, max_size=4), st.integers(1, 5_000))
def test_no_stored_line_is_longer_than_its_limit(message: str, fields: dict[str, Any], times: int) -> None:
    event = {**fields, "event": message * times, "long": "\x1b[0m\"'" * times, "list": [message] * times}
    line = new_log_line("run_1", 1, NOON, "info", event, Redactor())
    assert len(line.message.encode()) + len(line.fields.encode()) <= MAX_LINE
    json.loads(line.fields)


def test_a_long_field_is_cut_and_the_others_are_kept() -> None:
    event = {"event": "fetched", "status": 200, "body": "x" * 50_000, "items": list(range(20_000))}
    fields = json.loads(new_log_line("run_1", 1, NOON, "info", event, Redactor()).fields)
    assert (fields["status"], fields["body"][-2:], fields["items"][:4]) == (200, "x…", "[0,1")
    message = new_log_line("run_1", 1, NOON, "info", {"event": "é" * 50_000}, Redactor()).message
    assert (message[0], message[-1], len(message.encode()) <= MAX_LINE) == ("é", "…", True)
