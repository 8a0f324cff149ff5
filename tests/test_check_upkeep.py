"""`check` tells of keys in rotation, answers in the background, traces and retention."""

import asyncpg
from pydantic import SecretStr

from agenciaos_jobs.cli import upkeep
from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.storage import database


async def told(settings: Settings) -> dict[str, tuple[str, str]]:
    pool = await database.connect(settings.database_url.get_secret_value(), size=1)
    try:
        found = [finding async for finding in upkeep.findings(settings)]
        found += [finding async for finding in upkeep.of_database(pool, settings)]
    finally:
        await pool.close()
    return {name: (state, text) for state, name, text in found}


async def test_all_is_well(settings: Settings):
    secret = SecretStr("whsec_c2VncmVkbyBkZSB0ZXN0ZQ==")
    found = await told(settings.model_copy(update={"openai_webhook_secret": secret}))
    assert {state for state, _ in found.values()} == {"ok"}
    assert found.keys() == {"OPENAI_WEBHOOK_SECRET", "retention", "partitions"}


async def test_what_is_to_be_done_is_said(settings: Settings, db: asyncpg.Connection):
    await db.execute("INSERT INTO jobs.housekeeping VALUES ('prune', now() - interval '5 days')")
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at,
                                  due_at) VALUES ('run_0', 't', 'QUEUED', '{}', 's', 1, 1, now(), now(), now())"""
    )
    changes = {
        "trigger_secret_key_previous": SecretStr("tr_the_key_before"),
        "otel_exporter_otlp_endpoint": f"http://127.0.0.1:{embedded.free_port()}",
    }
    found = await told(settings.model_copy(update=changes))
    assert {state for state, _ in found.values()} == {"warning"}
    assert found.keys() == {
        "TRIGGER_SECRET_KEY_PREVIOUS",
        "OPENAI_WEBHOOK_SECRET",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "retention",
        "partitions",
    }
    assert "remove it" in found["TRIGGER_SECRET_KEY_PREVIOUS"][1]
