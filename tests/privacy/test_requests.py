"""agenciaos-jobs privacy: what is exported, what erasure leaves, and when it is refused."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.ai import REQUEST
from support.commands import cli
from support.double import OpenAIDouble
from support.guru import EMAIL, FIXTURES, PRODUCT, body
from support.held import fill, places_of
from support.service import Service, running_service

from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.payments.guru.reader import read_object
from agenciaos_jobs.settings import Settings

SECRET = "lançamento sigiloso da Marina"
PERSONAL = ("Marina", "MARINA", EMAIL, "12345678909", "Laranjeiras", "41999990000", "203.0.113.7", SECRET)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


@pytest.fixture
async def service(settings: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble) -> AsyncIterator[Service]:
    """Where Marina's agency has paid, and has had a text written; another agency too."""
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)
    async with running_service(settings) as running:
        for name in ("tx_approved", "sub_active"):
            assert (await paid(running, body(name)))["status"] == "COMPLETED"
        own = {**REQUEST, "input": {"produto": SECRET}}
        options = {"tags": [EMAIL], "metadata": {"to": "Marina"}, "idempotencyKey": EMAIL, "concurrencyKey": EMAIL}
        status, started = await running.post(
            "/api/v1/tasks/generate-ai-content/trigger", {"payload": own, "options": options}
        )
        assert status == 200, started
        assert (await running.finished(started["id"]))["status"] == "COMPLETED"
        for _ in range(2):
            openai_double.says({"headlines": "Marina"})
        failed = await running.outcome("ai-content", own)
        assert "'Marina' is not of type 'array'" in failed["error"]["message"]
        other = {**REQUEST, "agencyId": "agency-124", "userId": "user-457"}
        assert (await running.outcome("ai-content", other))["status"] == "COMPLETED"
        yield running


async def paid(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200, answer
    return await service.finished(answer["jobId"])


@pytest.fixture
def privacy(env: dict[str, str], tmp_path: Path):
    async def run(*words: str) -> tuple[int, str]:
        return await cli("privacy", *words, env=env, cwd=tmp_path)

    return run


AUDIT = """
SELECT id, run_id, event_id, event, status, agency_id, product_id, amount, occurred_at, recorded_at, action, code,
       plan_before, plan_after, contract_id, cycle, period_end, due_at
FROM jobs.payment_events ORDER BY id
"""
"""What the law wants kept of payments."""


@pytest.fixture
async def filled(db: asyncpg.Connection) -> None:
    """A run of this month and a payment of Marina's agency, as rows."""
    run_id = make_id("run", SystemClock().now(), 0)
    for table in ("runs", "payment_events"):
        texts = {"id": run_id, "run_id": run_id, "agency_id": "agency-123", "payload": EMAIL, "email": EMAIL}
        await fill(db, table, texts, "x")


@pytest.mark.parametrize(
    "asked",
    [("--agency", "agency-123"), pytest.param(("--email", EMAIL), marks=pytest.mark.slow)],
    ids=lambda asked: asked[0],
)
async def test_erasure_leaves_nothing_personal_and_the_audit_of_payments(
    service: Service, db: asyncpg.Connection, privacy: Any, asked: tuple[str, str]
):
    before = await db.fetch(AUDIT)
    places = {"payment_events.payload", "runs.payload", "run_tags.tag", "error_groups.message", "alerts.details"}
    assert await places_of(db, *PERSONAL) >= places
    code, said = await privacy("erase", *asked, "--requested-by", "Ana, ticket 7", "--yes")
    assert code == 0, said
    assert await places_of(db, *PERSONAL) == set()
    assert await db.fetch(AUDIT) == before
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_generations WHERE content IS NOT NULL") == 1, (
        "the other agency's"
    )
    assert await db.fetchval("SELECT sum(cost) FROM jobs.ai_generations WHERE agency_id = 'agency-123'") > 0
    request = await db.fetchrow("SELECT * FROM jobs.privacy_requests")
    name = "agency-123" if asked[0] == "--agency" else sha256(EMAIL.encode()).hexdigest()
    assert (request["action"], request["requested_by"]) == ("erase", "Ana, ticket 7")
    assert request["subject"] == f"{asked[0].strip('-')}:{name}"
    assert await db.fetchval("SELECT count(*) FROM jobs.payment_redactions") == len(before)
    # The purchase is still known by its ids.
    await db.execute("UPDATE users SET email = 'gone@example.com' WHERE id = 'user-456'")
    assert (await paid(service, body("sub_canceled")))["output"]["agencyId"] == "agency-123"


async def test_an_export_has_all_of_it_and_of_nobody_else(
    service: Service, db: asyncpg.Connection, privacy: Any, tmp_path: Path
):
    asked = ("--agency", "agency-123", "--requested-by", "Marina")
    code, said = await privacy("export", *asked, "--output", "marina.json")
    assert code == 0, said
    assert stat.S_IMODE((tmp_path / "marina.json").stat().st_mode) == 0o600
    exported = json.loads((tmp_path / "marina.json").read_text())
    assert exported["subject"] == {"agency": "agency-123"}
    tables = exported["tables"]
    assert len(tables["payment_events"]) == 2
    assert {row["agency_id"] for row in tables["runs"]} == {"agency-123"}
    content = await db.fetchval("SELECT content FROM jobs.ai_generations ORDER BY created_at LIMIT 1")
    assert json.loads(content) in [row["content"] for row in tables["ai_generations"]]
    assert {"contracts", "subscriptions", "run_logs", "alerts", "monthly_reports"} <= tables.keys()
    assert "agency-124" not in (tmp_path / "marina.json").read_text()
    held = json.loads(await db.fetchval("SELECT held FROM jobs.privacy_requests WHERE action = 'export'"))
    assert held == {table: len(rows) for table, rows in tables.items()}
    code, said = await privacy("export", *asked, "--output", "marina.json")
    assert (code, "File exists" in said) == (1, True)

    code, said = await privacy("export", "--email", EMAIL.upper(), "--requested-by", "Marina")
    assert code == 0, said
    assert SECRET in said
    assert "12345678909" in said
    assert "agency-124" not in said


async def test_a_trial_counts_and_changes_nothing_and_a_question_comes_first(
    filled: None, db: asyncpg.Connection, privacy: Any
):
    asked = ("erase", "--agency", "agency-123", "--requested-by", "Ana")
    code, said = await privacy(*asked, "--dry-run")
    assert code == 0, said
    assert "payment_events" in said
    code, said = await privacy(*asked)
    assert code == 1
    assert "Erase for good?" in said
    assert await places_of(db, EMAIL) == {"payment_events.payload", "payment_events.email", "runs.payload"}
    assert await db.fetchval("SELECT count(*) FROM jobs.privacy_requests") == 0
    assert await db.fetchval("SELECT count(*) FROM jobs.payment_redactions") == 0


async def test_runs_under_way_refuse_it_by_name(
    settings: Settings, filled: None, db: asyncpg.Connection, privacy: Any, openai_double: OpenAIDouble
):
    openai_double.gate.clear()
    asked = ("erase", "--agency", "agency-123", "--requested-by", "Ana", "--yes")
    async with running_service(settings) as service:
        run_id = await service.trigger("ai-content", REQUEST)
        await service.reaches(run_id, lambda run: run["isExecuting"])
        code, said = await privacy(*asked)
        assert (code, run_id in said, "Runs are under way" in said) == (1, True, True)
        await service.post(f"/api/v2/runs/{run_id}/cancel", {})
        code, said = await privacy(*asked)
        assert (code, run_id in said) == (1, True), "its worker may still write"
        openai_double.gate.set()
    assert "runs.payload" in await places_of(db, EMAIL)
    await db.execute("UPDATE jobs.runs SET finished_at = finished_at - interval '2 minutes'")
    assert (await privacy(*asked))[0] == 0
    assert await places_of(db, EMAIL) == set()


async def test_a_month_that_is_being_pruned_refuses_it(filled: None, db: asyncpg.Connection, privacy: Any):
    now = SystemClock().now()
    month = f"month {now:%Y_%m}"
    await db.execute("INSERT INTO jobs.housekeeping VALUES ($1, $2)", month, now)
    asked = ("erase", "--agency", "agency-123", "--requested-by", "Ana", "--yes")
    code, said = await privacy(*asked)
    assert (code, month in said, "being pruned" in said) == (1, True, True)
    await db.execute("UPDATE jobs.housekeeping SET done_at = $1 WHERE chore = $2", now - timedelta(hours=7), month)
    assert (await privacy(*asked))[0] == 0
    assert await db.fetchval("SELECT count(*) FROM jobs.housekeeping WHERE chore = $1", month) == 0


async def test_the_audit_takes_a_redaction_and_nothing_else(filled: None, db: asyncpg.Connection, privacy: Any):
    redact = (
        "UPDATE jobs.payment_events SET email = NULL, reason = '[erased]', payload = jobs.redacted_json(payload, NULL)"
    )
    refused = [redact, "UPDATE jobs.payment_events SET amount = 0", "DELETE FROM jobs.payment_events"]
    for statement in refused:
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute(statement)
    code, said = await privacy("erase", "--agency", "agency-123", "--requested-by", "Ana", "--yes")
    assert code == 0, said
    for statement in (
        *refused[1:],
        redact + ", plan_after = 'PRO', code = 'x'",
        "UPDATE jobs.payment_events SET payload = '{}'",
        "DELETE FROM jobs.payment_redactions",
        "UPDATE jobs.privacy_requests SET requested_by = 'nobody'",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute(statement)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
async def test_a_redacted_payment_still_means_the_same(db: asyncpg.Connection, path: Path):
    original = json.loads(path.read_text())
    statement = "SELECT jobs.redacted_json($1::text::jsonb, NULL)::text"
    redacted = await db.fetchval(statement, json.dumps(original))
    assert await db.fetchval(statement, redacted) == redacted
    assert [text for text in PERSONAL if text in redacted] == []
    now = SystemClock().now()
    before, after = read_object(original, now), read_object(json.loads(redacted), now)
    assert (after.event_id, after.amount, after.facts) == (before.event_id, before.amount, before.facts)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "--agency"),
        (("--agency", "a", "--email", "a@b.example"), "--agency"),
        (("--email", "marina"), "is not an address"),
    ],
)
async def test_who_is_meant_must_be_clear(env: dict[str, str], privacy: Any, words: tuple[str, ...], reason: str):
    code, said = await privacy("erase", *words, "--requested-by", "Ana", "--yes")
    assert code == 1
    assert reason in said


async def test_who_asks_must_be_named(env: dict[str, str], privacy: Any):
    outcomes = await asyncio.gather(
        privacy("erase", "--agency", "a", "--yes"), privacy("export", "--agency", "a", "--requested-by", " ")
    )
    assert [code for code, _ in outcomes] == [2, 1]
    assert all("--requested-by" in said for _, said in outcomes)
