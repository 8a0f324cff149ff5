"""The command agenciaos-jobs, as a process."""

import json
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest
from support.commands import cli, env
from support.double import OpenAIDouble
from support.guru import GuruDouble
from support.processes import run
from support.service import Service

from agenciaos_jobs.foundation import migrate

__all__ = ["env"]

NEWEST = migrate.packaged()[-1].version


async def test_help_tells_of_every_command(tmp_path: Path):
    code, text = await run("agenciaos-jobs", "--help", cwd=tmp_path)
    assert code == 0
    for command in ("check", "demo", "dev", "migrate", "runs", "serve", "trigger"):
        assert f"  {command} " in text
    code, text = await cli("trigger", "--help", cwd=tmp_path)
    assert (code, "--payload" in text, "--wait" in text) == (0, True, True)


@pytest.mark.parametrize(
    ("command", "env", "told"),
    [
        (["serve"], {}, "DATABASE_URL is not set"),
        (["serve"], {"DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h"}, "TRIGGER_SECRET_KEY is not set"),
        (["serve"], {"PORT": "eighty"}, "PORT is malformed"),
        (["migrate"], {"DATABASE_URL": "mysql://u:hunter2secret@h/d"}, "DATABASE_URL is malformed"),
        (["serve"], {"PLAN_PRODUCTS": "pro-monthly"}, "PLAN_PRODUCTS is malformed"),
        (["serve"], {"PLAN_PRODUCTS": "pro-monthly=GOLD"}, "PLAN_PRODUCTS is malformed: pro-monthly"),
        (["migrate"], {"DATABASE_URL": "postgresql://u:hunter2secret@127.0.0.1:9/d"}, "127.0.0.1"),
        (["runs", "list"], {"LOG_FORMAT": "xml"}, "LOG_FORMAT is malformed"),
        (["trigger", "monthly-report", "--payload", "{"], {}, "--payload"),
        (["trigger", "monthly-report", "--payload", '{"month": 1}'], {}, "month"),
        (["trigger", "monthly-report", "--payload", r'{"month": "\u0000"}'], {}, "payload.month: must not contain"),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path, command, env, told):
    code, text = await cli(*command, env=env, cwd=tmp_path)
    assert code == 1
    assert told in text
    assert "Traceback" not in text
    assert "hunter2secret" not in text


async def test_the_arq_command_too_names_what_is_missing(tmp_path: Path):
    code, text = await run("arq", "agenciaos_jobs.worker.WorkerSettings", cwd=tmp_path)
    assert (code, "DATABASE_URL is not set" in text, "Traceback" in text) == (1, True, False)


async def test_rules_for_alerts_that_can_t_be_read_stop_a_worker_with_a_sentence(tmp_path: Path, env: dict[str, str]):
    (tmp_path / "alerts.toml").write_text("[nothing]\n")
    for command in (("arq", "agenciaos_jobs.worker.WorkerSettings"), ("agenciaos-jobs", "worker")):
        code, text = await run(*command, env=env | {"ALERTS_FILE": "alerts.toml"}, cwd=tmp_path)
        assert (code, "unknown alert nothing" in text, "Traceback" in text) == (1, True, False), command


async def test_migrate_then_nothing_to_do(tmp_path: Path, env: dict[str, str], db: asyncpg.Connection):
    await db.execute("DROP SCHEMA jobs CASCADE")
    code, text = await cli("serve", env=env, cwd=tmp_path)
    assert (code, "run `agenciaos-jobs migrate`" in text, "Traceback" in text) == (1, True, False)
    code, text = await cli("migrate", env=env, cwd=tmp_path)
    assert (code, "0001 runs" in text) == (0, True)
    code, text = await cli("migrate", env=env, cwd=tmp_path)
    assert (code, "nothing to apply" in text) == (0, True)


@pytest.mark.slow
async def test_trigger_waits_and_runs_are_listed_and_shown(service: Service, env: dict[str, str], tmp_path: Path):
    (tmp_path / "payload.json").write_text('{"month": "2026-10"}')
    words = ("trigger", "monthly-report", "--payload", "@payload.json", "--key", "k1")
    code, text = await cli(*words, "--wait", env=env, cwd=tmp_path)
    assert code == 0, text
    assert '"month": "2026-10"' in text
    code, again = await cli(*words, env=env, cwd=tmp_path)
    run_id = again.strip()
    assert (code, run_id in text) == (0, True)
    code, text = await cli(
        "trigger", "monthly-report", "--payload", '{"month": "2999-01"}', "--wait", env=env, cwd=tmp_path
    )
    assert (code, "month_in_future" in text) == (1, True)
    code, text = await cli("trigger", "monthly-report", "--key", "k1", env=env, cwd=tmp_path)
    assert (code, "another payload" in text) == (1, True)

    code, text = await cli("runs", "list", env=env, cwd=tmp_path)
    assert (code, run_id in text, "FAILED" in text) == (0, True, True)
    code, text = await cli("runs", "list", "--status", "completed", "--json", env=env, cwd=tmp_path)
    listed = [json.loads(line) for line in text.splitlines()]
    assert [(run["id"], run["taskIdentifier"]) for run in listed] == [(run_id, "generate-monthly-reports")]
    assert datetime.fromisoformat(listed[0]["createdAt"]).tzinfo
    code, text = await cli("runs", "show", run_id, "--json", env=env, cwd=tmp_path)
    assert json.loads(text) == (await service.get(f"/api/v3/runs/{run_id}"))[1]
    code, text = await cli("runs", "show", run_id, env=env, cwd=tmp_path)
    assert (code, "COMPLETED" in text, "reports_generated" in text, '"month": "2026-10"' in text) == (0, *3 * [True])
    code, text = await cli("runs", "show", "run_nope", env=env, cwd=tmp_path)
    assert (code, text.strip()) == (1, "agenciaos-jobs: Run not found: run_nope")


async def test_check_finds_nothing_wrong_where_nothing_is(
    service: Service, env: dict[str, str], tmp_path: Path, openai_double: OpenAIDouble, guru_double: GuruDouble
):
    env |= {
        "OPENAI_API_KEY": "sk-good",
        "OPENAI_BASE_URL": openai_double.url,
        "DMG_WEBHOOK_SECRET": "x" * 40,
        "DMG_API_KEY": "y",
        "DMG_API_URL": guru_double.url,
    }
    (tmp_path / ".env").write_text("PLANS=FREE:3,PRO:500\n")
    code, text = await cli("check", env=env, cwd=tmp_path)
    assert code == 0, text
    for line in (
        "✔ settings read from the environment and .env",
        "✔ database connected",
        f"✔ schema version {NEWEST}",
        "✔ application tables present",
        "✔ workers 1 alive",
        "✔ queue runs the scripts, and carries messages",
        "✔ OPENAI_API_KEY accepted",
        "✔ DMG_WEBHOOK_SECRET set",
        "✔ DMG_API_KEY accepted",
    ):
        assert line in text


async def test_check_says_what_to_do_about_each_fault(
    env: dict[str, str], tmp_path: Path, db: asyncpg.Connection, openai_double: OpenAIDouble, guru_double: GuruDouble
):
    await db.execute("DROP SCHEMA jobs CASCADE; DROP TABLE ai_usage")
    env |= {"REDIS_URL": "redis://127.0.0.1:9", "OPENAI_API_KEY": "bad-key", "OPENAI_BASE_URL": openai_double.url}
    env |= {"DMG_API_KEY": "bad", "DMG_API_URL": guru_double.url}
    code, text = await cli("check", env=env, cwd=tmp_path)
    assert code == 1
    for line in (
        f"✘ schema schema jobs is at version 0 and {NEWEST} is needed: run `agenciaos-jobs migrate`",
        "✘ application tables ai_usage missing",
        "✘ queue no response",
        "✘ OPENAI_API_KEY refused",
        "! DMG_WEBHOOK_SECRET not set",
        "✘ DMG_API_KEY refused",
    ):
        assert line in text
    code, text = await cli("check", env={"DATABASE_URL": "postgresql://u:secret-pw@127.0.0.1:9/x"}, cwd=tmp_path)
    assert (code, "✘ database can't connect" in text, "secret-pw" in text) == (1, True, False)
    code, text = await cli("check", cwd=tmp_path)
    assert (code, "✘ DATABASE_URL not set" in text, "✘ REDIS_URL not set" in text) == (1, True, True)
    code, text = await cli("check", env={"PORT": "x"}, cwd=tmp_path)
    assert (code, "✘ settings PORT is malformed" in text) == (1, True)
