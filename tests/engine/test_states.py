"""The life of a run as a state machine: any order of what can happen keeps the promises, against real Postgres."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agenciaos_jobs.engine.model.run import ClaimedRun, NewRun, RunError, Status
from agenciaos_jobs.engine.store import run_changes, runs, workers
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.clock import make_id

LEASE = timedelta(seconds=10)
ERROR = RunError("Error", "failed")
WORKERS = ("worker_a", "worker_b", "worker_c")
LIMIT = 2


def turn(row: asyncpg.Record) -> tuple[datetime, str]:
    return row["due_at"] - timedelta(seconds=row["priority"]), row["id"]


class Life(RuleBasedStateMachine):
    """What workers believe they own is in ``held``; the database alone decides who is right."""

    url: ClassVar[str]
    loop: ClassVar[asyncio.AbstractEventLoop]

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)
        self.count = 0
        self.held: dict[str, list[ClaimedRun]] = {name: [] for name in WORKERS}
        self.effects: dict[str, int] = {}
        self.database = self.do(database.connect(self.url, size=2))
        self.do(self.database.execute("TRUNCATE jobs.runs, jobs.attempts, jobs.workers"))
        for name in WORKERS:
            self.renew(name)

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.do(self.database.close())

    def rows(self) -> list[asyncpg.Record]:
        return self.do(self.database.fetch("SELECT * FROM jobs.runs"))

    @rule(seconds=st.integers(1, 12))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=st.sampled_from(WORKERS))
    def renew(self, name: str) -> None:
        worker = Worker(name, "host", 1, self.now)
        self.do(workers.renew(self.database, worker, self.now, self.now + LEASE))

    @rule(
        keyed=st.booleans(),
        delay=st.sampled_from([0, 0, 5]),
        ttl=st.sampled_from([None, 8]),
        attempts=st.integers(1, 3),
        priority=st.sampled_from([0, 0, 3]),
    )
    def trigger(self, keyed: bool, delay: int, ttl: int | None, attempts: int, priority: int = 0) -> None:
        self.count += 1
        new = NewRun(
            "task", {}, None, attempts, 60, "test",
            delay=timedelta(seconds=delay) if delay else None,
            ttl=timedelta(seconds=ttl) if ttl else None,
            concurrency_key="key" if keyed else None,
            concurrency_limit=LIMIT if keyed else None,
            priority=priority,
        )  # fmt: skip
        run_id = make_id("run", self.now, self.count)
        assert self.do(runs.insert(self.database, [(run_id, new)], self.now)) == {run_id}

    @rule(name=st.sampled_from(WORKERS), most=st.integers(1, 4), poison_too=st.booleans())
    def claim(self, name: str, most: int, poison_too: bool) -> None:
        if not self.do(runs.waiting(self.database, self.now, "", 1)):
            self.trigger(most % 2 == 0, 0, None, 3)
        waiting = [run.id for run in self.do(runs.waiting(self.database, self.now, "", most))]
        claimed = self.do(runs.claim(self.database, waiting, name, self.now, poison_too=poison_too))
        self.held[name] += claimed
        self.nobody_was_passed({run.id for run in claimed})

    def nobody_was_passed(self, claimed: set[str]) -> None:
        """There is a place left for each run whose turn is before that of a run that was claimed."""
        keyed = [row for row in self.rows() if row["concurrency_key"]]
        executing = sum(row["status"] == "EXECUTING" for row in keyed)
        waiting = [turn(row) for row in keyed if row["status"] in {"QUEUED", "DELAYED"} and self.can_start(row)]
        for row in keyed:
            if row["id"] in claimed:
                assert executing + sum(other < turn(row) for other in waiting) <= LIMIT, (row, keyed)

    def can_start(self, row: asyncpg.Record) -> bool:
        in_time = row["expires_at"] is None or row["expires_at"] > self.now or row["started_at"] is not None
        return row["due_at"] <= self.now and in_time

    def take(self, data: st.DataObject) -> tuple[str, ClaimedRun]:
        """Some worker, and a run that it believes is its own."""
        name = data.draw(st.sampled_from([name for name in WORKERS if self.held[name]]))
        return name, self.held[name].pop(data.draw(st.integers(0, len(self.held[name]) - 1)))

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data(), joined=st.booleans())
    def complete(self, data: st.DataObject, joined: bool) -> None:
        name, run = self.take(data)
        owner = ("EXECUTING", name, run.attempt)
        is_owner = any(
            (row["status"], row["worker_id"], row["attempt"]) == owner for row in self.rows() if row["id"] == run.id
        )
        try:
            if joined:
                mine = run.id in self.do(runs.complete(self.database, [(run, "{}")], name, self.now))
            else:
                self.do(runs.finish(self.database, run, name, Status.COMPLETED, self.now, output="{}"))
                mine = True
        except OwnershipLostError:
            mine = False
        assert mine == is_owner
        self.effects[run.id] = self.effects.get(run.id, 0) + mine

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data(), ending=st.sampled_from(["fail", "retry", "hand_back"]))
    def end_otherwise(self, data: st.DataObject, ending: str) -> None:
        name, run = self.take(data)
        try:
            if ending == "hand_back":
                self.do(runs.hand_back(self.database, run, name, self.now))
            elif ending == "retry" and run.attempt < run.max_attempts:
                self.do(runs.retry(self.database, run, name, self.now + timedelta(seconds=2), ERROR, self.now))
            else:
                self.do(runs.finish(self.database, run, name, Status.FAILED, self.now, error=ERROR))
        except OwnershipLostError:
            pass

    @precondition(lambda self: any(self.held.values()))
    @rule(name=st.sampled_from(WORKERS))
    def freeze(self, name: str) -> None:
        """The worker is taken for lost, and goes on believing in what it held."""
        self.do(workers.renew(self.database, Worker(name, "host", 1, self.now), self.now, self.now))
        self.sweep()
        self.renew(name)

    @rule(name=st.sampled_from(WORKERS))
    def crash(self, name: str) -> None:
        """The process is gone; what it held it will never finish."""
        self.held[name] = []

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if found := self.rows():
            run_id = data.draw(st.sampled_from(sorted(row["id"] for row in found)))

            async def cancel() -> None:
                async with self.database.transaction() as connection:
                    await run_changes.cancel(connection, run_id, self.now)

            self.do(cancel())

    @rule()
    def sweep(self) -> None:
        self.do(runs.rescue_orphans(self.database, ERROR, self.now, "another"))
        self.do(runs.expire(self.database, ERROR, self.now))
        self.do(runs.promote_scheduled(self.database, self.now))
        self.do(runs.unblock_stuck(self.database))

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "database"):
            return
        found = self.rows()
        assert len(found) == self.count
        attempts = self.do(self.database.fetch("SELECT run_id, number, status FROM jobs.attempts"))
        for row in found:
            status = Status(row["status"])
            mine = [attempt for attempt in attempts if attempt["run_id"] == row["id"]]
            assert (row["finished_at"] is not None) == status.is_final, row
            assert row["attempt"] <= row["max_attempts"]
            assert self.effects.get(row["id"], 0) == (status is Status.COMPLETED), row
            assert [a["status"] for a in mine].count("COMPLETED") == (status is Status.COMPLETED)
            assert len(mine) == row["attempt"] - (status is Status.EXECUTING), (row, mine)
            assert not row["parked"] or status is Status.QUEUED
        keyed = [row for row in found if row["concurrency_key"] and row["status"] == "EXECUTING"]
        assert len(keyed) <= LIMIT


@pytest.mark.slow
def test_every_order_of_events_keeps_the_promises(database_url: str):
    Life.url, Life.loop = database_url, asyncio.new_event_loop()
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=120,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )
