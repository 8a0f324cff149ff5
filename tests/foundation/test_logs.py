"""Logs: one JSON object a line from both processes, without secrets or customers' data."""

import asyncio
import json
import logging
import signal
from pathlib import Path

import aiohttp
import pytest
import structlog
from support.double import OpenAIDouble
from support.log_schema import common_fields, documented
from support.processes import running

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.redact import Redactor

COMMON, DOCUMENTED = common_fields(), documented()
SECRETS = {"TRIGGER_SECRET_KEY": "tr_prod_0123456789", "OPENAI_API_KEY": "sk-very-secret"}
AI = {
    "type": "ai-content",
    "payload": {"agencyId": "agency-123", "agentType": "CRM_FOLLOW_UP", "input": {"produto": "segredo-do-cliente"}},
}


@pytest.mark.slow
async def test_both_processes_log_json_that_tells_a_run_s_story(
    database_url: str, servers: dict[str, str], tmp_path: Path, openai_double: OpenAIDouble
):
    env = SECRETS | {
        "DATABASE_URL": database_url,
        "REDIS_URL": servers["REDIS_URL"],
        "OPENAI_BASE_URL": openai_double.url,
        "PORT": str(embedded.free_port()),
        "DASHBOARD_PASSWORD": "uma-senha-boa",
    }
    async with (
        running("agenciaos-jobs", "serve", env=env, cwd=tmp_path) as server,
        running("arq", "agenciaos_jobs.worker.WorkerSettings", env=env, cwd=tmp_path) as worker,
    ):
        await worker.says("redis_version")
        await server.says("server_started")
        run_id = await triggered(env)
        completed = json.loads(await worker.says("run_completed"))
        for process in (server, worker):
            process.interrupt(signal.SIGTERM)
            assert await process.ends(20) == 0
    assert completed["run_id"] == run_id
    assert (completed["task"], completed["agency_id"]) == ("generate-ai-content", "agency-123")
    assert (completed["attempt"], completed["request_id"], completed["level"]) == (1, "req-1", "info")
    assert completed["duration"] > 0
    told = [json.loads(line) for line in [*server.lines, *worker.lines]]
    assert [line for line in told if not isinstance(line["event"], str)] == []
    assert {"timestamp", "level", "event"} <= set.intersection(*[set(line) for line in told])
    assert {"request", "content_generated"} <= {line["event"] for line in told}
    of_run = [line for line in told if line.get("run_id") == run_id and "agenciaos" in line["logger"]]
    assert {line["request_id"] for line in of_run} == {"req-1"}
    assert any(line["logger"] == "arq.worker" for line in told)
    for line in told:
        if line["logger"].startswith("agenciaos_jobs"):
            event = DOCUMENTED[line["event"]]
            assert line["level"] in event.levels
            assert line.keys() - event.fields - COMMON == set(), line
    for secret in (*SECRETS.values(), "segredo-do-cliente", "Agência Aurora"):
        assert secret not in server.text + worker.text


async def triggered(env: dict[str, str]) -> str:
    headers = {"Authorization": f"Bearer {env['TRIGGER_SECRET_KEY']}", "X-Request-Id": "req-1"}
    url = f"http://127.0.0.1:{env['PORT']}/api/trigger"
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=AI) as response:
        run_id: str = (await response.json())["jobId"]
    return run_id


def test_a_person_reads_another_form(capsys):
    logs.configure("console", "info", Redactor(["hunter2secret"]), colors=False)
    logging.getLogger("arq.worker").info("arq says %s", "hunter2secret")
    try:
        raise ValueError("hunter2secret")
    except ValueError:
        logging.getLogger("x").exception("failed")
    told = capsys.readouterr().out
    assert "arq says [redacted]" in told
    assert "hunter2secret" not in told
    assert "ValueError" in told


async def test_lines_of_one_turn_are_written_together_and_warnings_at_once(capsys: pytest.CaptureFixture[str]):
    logs.configure("json", "debug", Redactor())
    log = structlog.get_logger("agenciaos_jobs.test")

    def told() -> list[str]:
        return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]

    log.info("first")
    assert told() == []
    log.warning("second")
    assert told() == ["first", "second"]
    log.info("third")
    log.info("fourth")
    await asyncio.sleep(0)
    assert told() == ["third", "fourth"]
    await asyncio.to_thread(log.info, "elsewhere")
    assert told() == ["elsewhere"]


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


CYCLE: dict[str, object] = {"token": "hunter2secret"}
CYCLE |= {"self": CYCLE, "twice": [CYCLE, CYCLE]}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2**70, str(2**70)),
        ("a\ud800b", "a?b"),
        (Unprintable(), "<Unprintable: str() raised ValueError>"),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ({Unprintable(): 3}, {"<Unprintable: str() raised ValueError>": 3}),
        (CYCLE, {"token": "[redacted]", "self": "…", "twice": ["…", "…"]}),
    ],
)
def test_any_value_can_be_logged(capsys: pytest.CaptureFixture[str], value: object, told: object):
    logs.configure("json", "debug", Redactor(["hunter2secret"]))
    structlog.get_logger("agenciaos_jobs.test").warning("odd", value=value)
    logging.getLogger("another").warning("odd", extra={})
    (line, _) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["value"], line["timestamp"][-1]) == (told, "Z")


@pytest.mark.parametrize("depth", [200, 1_000, 100_000])
def test_deep_values_are_cut_off(capsys: pytest.CaptureFixture[str], depth: int):
    logs.configure("json", "debug", Redactor())
    structlog.get_logger("agenciaos_jobs.test").warning("deep", value=nested(depth))
    (line,) = capsys.readouterr().out.splitlines()
    assert 195 <= line.count("[") <= 205


def test_a_person_s_form_takes_lone_surrogates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "output"
    with path.open("w", encoding="utf-8") as output:
        monkeypatch.setattr("sys.stdout", output)
        logs.configure("console", "info", Redactor(), colors=False)
        structlog.get_logger("agenciaos_jobs.test").warning("a\ud800b")
    assert "a?b" in path.read_text("utf-8")
