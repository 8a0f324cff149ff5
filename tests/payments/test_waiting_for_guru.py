"""The limits and outages of Guru's API: runs wait without a slot or an attempt, and go on by themselves."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from support.alerting import look_now, raised
from support.browsing import operator
from support.guru import PRODUCT, GuruDouble, body
from support.probe import impatient
from support.service import Service, running_service

from agenciaos_jobs.engine.pacing import brake
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.payments.alerts import PAYMENT_PROVIDER_DOWN
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

TASK = "process-guru-webhook"
AT_ONCE = JOBS | {TASK: impatient(JOBS[TASK], Backoff(0.001, 0.001, 1))}
AGENCIES = ("agency-123", "agency-124", "agency-125")


@pytest.fixture
def settings(settings: Settings, guru_double: GuruDouble) -> Settings:
    api = {"dmg_api_key": SecretStr("user-token"), "dmg_api_url": guru_double.url}
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}, **api})


def sale(agency_id: str) -> dict[str, Any]:
    return body("tx_approved", id=f"sale-{agency_id}", subscription=[], source={"utm_term": agency_id})


async def deliver(service: Service, agencies: Sequence[str] = AGENCIES) -> list[str]:
    """The runs of a sale for each agency."""
    ids = []
    for agency_id in agencies:
        status, answer = await service.post("/webhooks/guru", sale(agency_id))
        assert status == 200
        ids.append(answer["jobId"])
    return ids


async def pro(db: asyncpg.Connection) -> list[str]:
    return [row["id"] for row in await db.fetch("SELECT id FROM agencies WHERE plan = 'PRO' ORDER BY id")]


@pytest.mark.slow
async def test_a_limit_is_waited_for_and_found_out_by_one_run(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    two = AGENCIES[:2]
    guru_double.knows(*map(sale, two))
    guru_double.fails(429, **{"Retry-After": "4"})
    before = await pro(db)
    single = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_service(single) as service, operator(service) as browser:
        ids = await deliver(service, two)
        for run_id in ids:
            run = await service.reaches(run_id, lambda run: "waitingFor" in run)
            assert (run["status"], run["isQueued"]) == ("QUEUED", True)
            assert run["waitingFor"]["reason"] == "Limite de uso da Guru"
        assert len(guru_double.requests) == 1
        assert "Limite de uso da Guru" in (await browser.get(f"/runs/{ids[0]}"))[1]
        assert (await service.outcome("monthly-report"))["status"] == "COMPLETED"  # in the only slot
        runs = [await service.finished(run_id) for run_id in ids]
    assert {(run["output"]["action"], run["attemptCount"]) for run in runs} == {("activated", 1)}
    assert len(guru_double.requests) == 1 + len(two)
    assert sorted({*before, *two}) == await pro(db)


async def test_a_hundred_runs_do_not_each_find_a_limit_out(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    for table, own in (("users", "'email', n"), ("agencies", "'slug', n, 'ownerId', 'copy-' || n")):
        await db.execute(f"""
          INSERT INTO {table}
          SELECT (jsonb_populate_record(
            NULL::{table}, to_jsonb(one) || jsonb_build_object('id', 'copy-' || n, {own}))).*
          FROM (SELECT * FROM {table} LIMIT 1) AS one, generate_series(1, 100) AS n""")
    guru_double.fails(429, times=100, **{"Retry-After": "60"})
    async with running_service(settings) as service:
        ids = await deliver(service, [f"copy-{n}" for n in range(1, 101)])
        await asyncio.gather(*(service.reaches(run_id, lambda run: "waitingFor" in run) for run_id in ids))
    assert 1 <= len(guru_double.requests) <= brake.START_BURST
    assert await db.fetchval("SELECT max(attempt) FROM jobs.runs") == 0


@pytest.mark.slow
async def test_in_an_outage_no_run_fails_and_one_probes(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(brake, "PROBE_INTERVAL", brake.timedelta(seconds=1))
    guru_double.knows(*map(sale, AGENCIES))
    guru_double.is_down = True
    async with running_service(settings, AT_ONCE) as service:
        ids = await deliver(service)
        for run_id in ids:
            run = await service.reaches(run_id, lambda run: "waitingFor" in run)
            assert run["waitingFor"]["reason"] == "Guru fora do ar"
        await look_now(db)
        assert (await raised(db, PAYMENT_PROVIDER_DOWN))["key"] == "guru"
        guru_double.is_down = False
        runs = [await service.finished(run_id) for run_id in ids]
        await look_now(db)
        async with asyncio.timeout(20):
            while await db.fetchval("SELECT ended_at IS NULL FROM jobs.alerts WHERE kind = $1", PAYMENT_PROVIDER_DOWN):
                await asyncio.sleep(0.05)
    assert {run["output"]["action"] for run in runs} == {"activated"}


async def test_a_comparison_goes_on_where_it_had_to_wait(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    guru_double.knows(*map(sale, AGENCIES))
    async with running_service(settings.model_copy(update={"reconcile_apply": True}), AT_ONCE) as service:
        for run_id in await deliver(service):
            await service.finished(run_id)
        guru_double.knows(*(sale(agency_id) | {"status": "refunded"} for agency_id in AGENCIES))
        guru_double.requests.clear()
        guru_double.script = [None, None]
        guru_double.fails(429, **{"Retry-After": "1"})
        run = await service.outcome("reconcile-payments")
    output = run["output"]
    assert (run["attemptCount"], output["checked"], output["corrected"], output["updated"]) == (1, 3, 3, 3)
    assert [found["agencyId"] for found in output["differences"]] == list(AGENCIES)
    assert [path.rpartition("sale-")[2] for path in guru_double.requests] == [*AGENCIES, AGENCIES[-1]]
    assert await db.fetchval("SELECT count(*) FROM jobs.reconciliation_progress") == 0
