"""`check` has a line for each thing that an operator sets up, with what to do about it."""

import re
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from support.clock import FrozenClock
from support.commands import cli, english
from support.processes import environment

from agenciaos_jobs.cli import checks, database_checks
from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.database import connect
from agenciaos_jobs.settings import Settings

ABOUT_POSTGRES = {"notifications", "clock", "time zones", "privileges"}


async def findings(settings: Settings) -> dict[str, tuple[str, str]]:
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        found = [finding async for finding in checks.findings(settings)]
        clock = SystemClock()
        found += [finding async for finding in database_checks.of_connection(pool, clock)]
        found += [finding async for finding in database_checks.of_schema(pool, settings, clock)]
    finally:
        await pool.close()
    return english(found)


async def test_all_is_well(settings: Settings):
    secret = SecretStr("whsec_c2VncmVkbyBkZSB0ZXN0ZQ==")
    found = await findings(settings.model_copy(update={"openai_webhook_secret": secret}))
    assert {state for state, _ in found.values()} == {"ok"}
    assert found.keys() == {
        "rotation",
        "DASHBOARD_PASSWORD",
        "rate limits",
        "OPENAI_WEBHOOK_SECRET",
        "LOG_FORMAT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "retention",
        "client addresses",
        "PLANS",
        "partitions",
        *ABOUT_POSTGRES,
    }


async def test_a_plan_that_the_application_does_not_have_is_a_fault(settings: Settings):
    found = await findings(settings.model_copy(update={"plans": {"FREE": 20, "GOLD": 1}}))
    assert found["PLANS"] == ("fault", 'GOLD not in the application\'s type "Plan": add it there, or take it out here')


async def test_what_is_to_be_done_is_said(settings: Settings, db: asyncpg.Connection):
    await db.execute("INSERT INTO jobs.housekeeping VALUES ('prune', now() - interval '5 days')")
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at,
                                  due_at) VALUES ('run_0', 't', 'QUEUED', '{}', 's', 1, 1, now(), now(), now())"""
    )
    changes = {
        "trigger_secret_key_previous": SecretStr("tr_the_key_before"),
        "dmg_webhook_secret_previous": SecretStr("B" * 40),
        "dashboard_password": None,
        "rate_limit_address": 0,
        "log_format": "console",
        "public_url": "https://jobs.example",
        "otel_exporter_otlp_endpoint": f"http://127.0.0.1:{embedded.free_port()}",
    }
    found = await findings(settings.model_copy(update=changes))
    assert found.pop("PLANS")[0] == "ok"
    assert {state for name, (state, _) in found.items() if name not in ABOUT_POSTGRES} == {"warning"}
    assert found.keys() - ABOUT_POSTGRES == {
        "TRIGGER_SECRET_KEY_PREVIOUS",
        "DMG_WEBHOOK_SECRET_PREVIOUS",
        "DASHBOARD_PASSWORD",
        "rate limits",
        "LOG_FORMAT",
        "OPENAI_WEBHOOK_SECRET",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "retention",
        "client addresses",
        "partitions",
    }
    assert "remove it" in found["TRIGGER_SECRET_KEY_PREVIOUS"][1]


def test_options_without_effect_are_named(settings: Settings):
    urls = {
        "database_url": SecretStr("postgresql://h/d?supa=x&connection_limit=1"),
        "redis_url": SecretStr("redis://h?x=1"),
    }
    database_url, redis_url = checks.of_connection_strings(settings.model_copy(update=urls))
    assert (database_url.state, database_url.name) == ("ok", "DATABASE_URL")
    assert "supa, connection_limit ignored" in database_url.shown("en")[1]
    assert (redis_url.state, *redis_url.shown("en")[:1]) == ("warning", "REDIS_URL")
    assert "x ignored" in redis_url.shown("en")[1]
    assert list(checks.of_connection_strings(settings)) == []


async def test_what_is_odd_about_postgres_is_said(settings: Settings, db: asyncpg.Connection):
    url, late = settings.database_url.get_secret_value(), FrozenClock(SystemClock().now() - timedelta(minutes=1))
    pool = await connect(url, direct_url="postgresql://u@127.0.0.1:9/d", size=1)
    try:
        found = english([finding async for finding in database_checks.of_connection(pool, late)])
    finally:
        await pool.close()
    assert re.match(r"6\d s behind the database's, ", found["clock"][1])
    assert "DIRECT_URL can't be reached" in found["notifications"][1]
    assert found["clock"][0] == found["notifications"][0] == "warning"
    assert found["time zones"][0] == "ok"


@pytest.mark.parametrize(("database", "state"), [("", "ok"), ("postgres", "warning")])
async def test_a_notification_is_sent_to_see_whether_it_arrives(settings: Settings, database: str, state: str):
    assert settings.database_url
    url = settings.database_url.get_secret_value()
    direct = re.sub(r"/test_\d+\?", f"/{database}?", url) if database else url
    pool = await connect(url, direct_url=direct, size=1)
    try:
        found = english([finding async for finding in database_checks.of_connection(pool, SystemClock())])
    finally:
        await pool.close()
    assert found["notifications"][0] == state
    assert ("none arrives over DIRECT_URL" in found["notifications"][1]) == bool(database)


async def test_what_is_set_is_said_too(settings: Settings):
    found = await findings(settings.model_copy(update={"openai_background": False}))
    assert "occupies a worker slot" in found["OPENAI_BACKGROUND"][1]
    for name, changes in {
        "DASHBOARD_PASSWORD": {"dashboard_password": SecretStr("short")},
        "LOG_LEVEL": {"log_level": "debug"},
    }.items():
        assert (await findings(settings.model_copy(update=changes)))[name][0] == "warning"


async def test_traces_without_the_extra_are_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    found = await findings(settings.model_copy(update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:9"}))
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == ("fault", "is set: install agenciaos-jobs[otel]")


@pytest.mark.slow
async def test_the_jobs_of_an_operator_are_named_or_the_fault_of_their_module(settings: Settings, tmp_path: Path):
    (tmp_path / "their_jobs.py").write_text(
        "from pydantic import BaseModel\nfrom agenciaos_jobs import Job\n"
        "async def run(context, payload): return {}\nJOB = Job('greet', BaseModel, run)\n"
    )
    (tmp_path / "empty_jobs.py").write_text("")
    for module, text in (
        ("their_jobs", "✔ JOBS_MODULES adds greet"),
        ("no_such_jobs", "✘ JOBS_MODULES no_such_jobs can't be imported: ModuleNotFoundError"),
        ("empty_jobs", "✘ JOBS_MODULES empty_jobs has neither JOB = Job(…) nor JOBS = [Job(…), …]"),
    ):
        code, printed = await cli("check", env=environment(settings, JOBS_MODULES=module), cwd=tmp_path)
        assert text in printed
        assert code == 1 or module == "their_jobs"


async def test_the_command_prints_a_line_for_each_of_them(settings: Settings, tmp_path: Path):
    _, text = await cli("check", env=environment(settings), cwd=tmp_path)
    lines = [line.split(maxsplit=1)[1] for line in text.splitlines()]
    for name in (
        *("settings", "database", "schema", "workers", "queue", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET"),
        *("DMG_WEBHOOK_SECRET", "DMG_API_KEY", "rotation", "DASHBOARD_PASSWORD", "rate limits", "LOG_FORMAT"),
        *("OTEL_EXPORTER_OTLP_ENDPOINT", "retention", "partitions", "alerts", *ABOUT_POSTGRES),
    ):
        assert len([line for line in lines if line.startswith(f"{name} ")]) == 1, name
