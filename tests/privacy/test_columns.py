"""Every text in schema jobs is classified, and what is classified as personal is erased."""

import json
from pathlib import Path

import asyncpg
import pytest
from support.commands import cli
from support.held import fill, rows, text_columns

PERSONAL = {
    "ai_feedback": "word",
    "ai_generations": "user_id content",
    "ai_responses": "user_id answer",
    "alert_notices": "message",
    "alerts": "subjects details",
    "attempts": "error",
    "batches": "idempotency_key",
    "bulk_items": "problem",
    "debounced": "key",
    "error_groups": "message",
    "known_customers": "customer",
    "monthly_report_revisions": "figures snapshot changes",
    "monthly_reports": "top_revenue_categories top_expense_categories",
    "packets": "body",
    "payment_events": "customer_id email reason payload",
    "report_deliveries": "recipient detail",
    "report_drafts": "figures snapshot changes",
    "report_insights": "sentences",
    "report_recipients": "email reason",
    "run_logs": "message fields",
    "run_search": "words",
    "run_tags": "tag",
    "runs": "payload output error tags idempotency_key concurrency_key queue metadata",
    "saved_views": "name filters",
    "schedules": "external_id deduplication_key",
    "stream_chunks": "chunk",
    "wait_tokens": "output tags idempotency_key",
}
"""What callers, users, payers and models write: erased or redacted."""

OF_AN_AGENCY = {"monthly_report_revisions", "monthly_reports", "report_drafts", "report_insights"}
"""An agency's figures, which stay where a person's data are erased."""

FREE = {
    "ids, made by this service, the application, Guru or OpenAI": {
        "ai_agent_days": "agency_id",
        "ai_days": "agency_id",
        "ai_brakes": "probe",
        "application_purchases": "agency_id",
        "ai_feedback": "run_id author agency_id",
        "ai_generations": "run_id agency_id",
        "ai_quotas": "agency_id",
        "ai_reservations": "run_id agency_id",
        "ai_responses": "run_id agency_id response_id",
        "alert_notices": "id alert_id run_id",
        "alerts": "id key",
        "attempts": "run_id worker_id",
        "batch_items": "batch_id run_id",
        "batches": "id",
        "bulk_actions": "id",
        "bulk_items": "bulk_id run_id new_run_id",
        "contracts": "id uuid agency_id",
        "debounced": "run_id",
        "error_groups": "fingerprint last_run_id",
        "idempotency_keys": "run_id",
        "known_customers": "agency_id",
        "monthly_report_revisions": "agency_id run_id",
        "monthly_reports": "agency_id",
        "packets": "id",
        "payment_events": "run_id event_id agency_id product_id contract_id",
        "payment_redactions": "request_id",
        "privacy_requests": "id",
        "report_deliveries": "agency_id run_id",
        "report_drafts": "agency_id run_id",
        "report_insights": "agency_id",
        "reconciliation_progress": "run_id agency_id comparison",
        "report_progress": "run_id",
        "report_recipients": "agency_id",
        "request_keys": "run_id",
        "run_logs": "run_id",
        "run_search": "run_id",
        "run_search_progress": "newest oldest",
        "run_search_queue": "run_id",
        "run_tags": "run_id",
        "runs": "id agency_id request_id schedule_id replay_of worker_id batch_id error_group traceparent parent_id",
        "schedules": "id",
        "stream_chunks": "run_id",
        "subscriptions": "agency_id product_id last_event_id",
        "wait_token_runs": "token_id run_id",
        "wait_tokens": "id",
    },
    "one of a few words of the program": {
        "ai_brakes": "model",
        "ai_agent_days": "agent_type model",
        "ai_days": "model",
        "ai_feedback": "agent_type",
        "ai_generations": "agent_type status error_code model service_tier",
        "ai_responses": "agent_type",
        "alert_notices": "kind channel telling",
        "alerts": "kind",
        "attempts": "status",
        "audit": "origin action",
        "audit_results": "outcome",
        "bulk_actions": "action",
        "bulk_items": "outcome",
        "dashboard_users": "role",
        "debounced": "task",
        "error_groups": "task type code",
        "idempotency_keys": "task",
        "packets": "content_type",
        "payment_events": "source event status action plan_before plan_after code currency",
        "privacy_requests": "action",
        "report_deliveries": "channel request status",
        "report_recipients": "status",
        "run_hour_times": "task kind",
        "run_hours": "task outcome",
        "run_logs": "level",
        "runs": "task status source waits_for",
        "schedules": "task cron timezone type",
        "stream_chunks": "stream",
        "contracts": "source",
        "product_plans": "product plan",
        "subscriptions": "plan status source code",
    },
    "the agency's name, as the application has it": {
        "monthly_report_revisions": "agency_name",
        "report_drafts": "agency_name",
    },
    "sums of all agencies": {"report_progress": "totals"},
    "digests": {
        "batches": "key_digest",
        "idempotency_keys": "key_digest payload_hash",
        "request_keys": "key_digest",
        "spent_tokens": "digest request_key",
    },
    "what operators set: the name of an action or a queue, and who set it or drains a worker": {
        "bulk_actions": "name",
        "queues": "name paused_by overridden_by",
        "workers": "draining_by",
    },
    "dates, statuses and amounts of purchases, which stay": {"application_purchases": "facts", "contracts": "facts"},
    "the proof that a request was carried out": {"privacy_requests": "subject requested_by held"},
    "the proof of who operated the service, and of what they acted on by its id": {
        "audit": "actor address subject detail",
        "audit_results": "led_to",
    },
    "of the people who operate the service, until operators disable them; a session's row until it ends": {
        "dashboard_sessions": "user_name address",
        "dashboard_users": "name password_hash",
    },
    "of nobody who is known by name: wrong passwords by address, for hours; what a channel's server answers": {
        "alert_channels": "channel last_error",
        "alert_notices": "error",
        "dashboard_failures": "address user_name",
    },
    "the service's own state": {
        "alert_rounds": "name",
        "dashboard_access": "signing_key password_hash",
        "dashboard_logouts": "session_id",
        "dashboard_sessions": "id",
        "housekeeping": "chore",
        "metric_totals": "sample labels",
        "schema_migrations": "name",
        "watchers": "id",
        "workers": "id host version",
    },
}

EMAIL = "marina@aurora.example"
NAME = "Marina Souza"
OTHERS = "Ana e anamarina@aurora.example.br"


def listed(tables: dict[str, str]) -> list[tuple[str, str]]:
    return [(table, column) for table, columns in tables.items() for column in columns.split()]


async def test_every_text_is_personal_or_free_of_personal_data(db: asyncpg.Connection):
    classified = listed(PERSONAL) + [pair for tables in FREE.values() for pair in listed(tables)]
    assert sorted(classified) == sorted(await text_columns(db)), "classify it here, erase it in store/personal_data.sql"


def rows_of(run: str, agency: str, user: str, text: str, email: str, prefix: str) -> dict[str, dict[str, str]]:
    """A row for each table with personal data, by what makes it somebody's."""
    ids = {
        "id": run,
        "run_id": run,
        "agency_id": agency,
        "last_run_id": run,
        "alert_id": run,
        "batch_id": run,
        "bulk_id": run,
    }
    personal = {table: dict.fromkeys(columns.split(), text) for table, columns in PERSONAL.items()}
    found = {table: {**ids, **columns} for table, columns in personal.items()}
    found["schedules"] |= {"external_id": user if prefix == "email" else agency}
    found["payment_events"] |= {"email": email, "customer_id": email, "event": "transaction", "source": "guru"}
    found["packets"] |= {"body": f'{{"agencyId": "{agency}", "to": "{text}"}}'}
    if prefix == "agency":
        found["saved_views"] |= {"filters": agency, "name": text}
    found["known_customers"] |= {"customer": f"email:{email}"}
    found["report_recipients"] |= {"email": email, "status": "active"}
    found["report_deliveries"] |= {"channel": "email", "status": "sent"}
    found["ai_generations"] |= {"user_id": user}
    found["ai_responses"] |= {"user_id": user}
    return found


@pytest.mark.parametrize("asked", [("--agency", "agency-123"), ("--email", f" {EMAIL.upper()} ")], ids=lambda it: it[0])
async def test_what_is_personal_is_erased_and_what_is_others_is_not(
    env: dict[str, str], db: asyncpg.Connection, tmp_path: Path, asked: tuple[str, str]
):
    is_agency = asked[0] == "--agency"
    mine, others = "run_01kbaaaaaaaaaaaaaaaaaaaaaa", "run_01kbbbbbbbbbbbbbbbbbbbbbbb"
    text = NAME if is_agency else f"{NAME}\n{EMAIL}"
    for run, agency, user, wording, email in (
        (mine, "agency-123" if is_agency else "agency-9", "user-456", text, EMAIL),
        (others, "agency-124", "user-457", OTHERS, "anamarina@aurora.example.br"),
    ):
        await db.execute("INSERT INTO jobs.bulk_actions VALUES ($1, 'cancel', now())", run)
        for table, texts in rows_of(run, agency, user, wording, email, asked[0].strip("-")).items():
            await fill(db, table, texts, run)
        await db.execute("INSERT INTO jobs.batch_items VALUES ($1, 1, $1, false)", run)
        await db.execute("INSERT INTO jobs.wait_token_runs VALUES ($1, $1)", run)
    code, said = await cli(
        "privacy", "export", *asked, "--requested-by", "Ana", "--output", "it", env=env, cwd=tmp_path
    )
    assert code == 0, said
    exported = json.loads((tmp_path / "it").read_text())["tables"]
    shown = {table for table in exported if NAME in str(exported[table]) or EMAIL in str(exported[table])}
    assert shown == PERSONAL.keys() - {"run_tags", "run_search"} - (set() if is_agency else OF_AN_AGENCY)
    assert "anamarina@" not in str(exported)
    before = {table: await rows(db, table) for table in PERSONAL}
    code, said = await cli("privacy", "erase", *asked, "--requested-by", "Ana, DPO", "--yes", env=env, cwd=tmp_path)
    assert code == 0, said
    for table, columns in PERSONAL.items():
        after = await rows(db, table)
        is_kept = table in OF_AN_AGENCY and not is_agency
        held = [row for row in after for column in columns.split() if NAME in str(row[column]) or row[column] == EMAIL]
        assert is_kept or held == [], table
        theirs = [row for row in before[table] if "anamarina@" in str(row)]
        assert len(theirs) == 1
        assert theirs[0] in after, table
    code, said = await cli("privacy", "erase", *asked, "--requested-by", "Ana, DPO", "--yes", env=env, cwd=tmp_path)
    assert code == 0, said
    erasures = "SELECT held FROM jobs.privacy_requests WHERE action = 'erase' ORDER BY id"
    first, second = [json.loads(record["held"]) for record in await db.fetch(erasures)]
    assert sum(first.values()) >= len(PERSONAL) - (0 if is_agency else len(OF_AN_AGENCY))
    assert set(second.values()) == {0}
