"""OpenAI's library stays where it is used: in one module, from the first call on, and silent."""

import ast
import asyncio
import json
import sys
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from support.double import OpenAIDouble

import agenciaos_jobs
from agenciaos_jobs.ai_content.openai.signature import OpenAIWebhook
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.webhook_signature import BadSignatureError

PACKAGE = Path(agenciaos_jobs.__file__).parent
SECRET = "whsec_c2VncmVkbyBkZSB0ZXN0ZSBkYSBvcGVuYWk="
PREVIOUS = "whsec_c2VncmVkbyBhbnRlcmlvciBkYSBvcGVuYWk="
BODY = b'{"type": "response.completed", "data": {"id": "resp_1"}}'

STARTED = """
import asyncio, sys
from click.testing import CliRunner
from agenciaos_jobs import cli, server, worker
from agenciaos_jobs.cli import check, service
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.resources import model_of

assert CliRunner().invoke(cli.cli, ["--help"]).exit_code == 0
settings = Settings.load()
server.create_app(settings)
worker.worker_settings(settings)
asyncio.run(model_of(settings, SystemClock()).close())
print([name for name in sys.modules if name.partition(".")[0] == "openai"])
"""

ASKED = """
import asyncio
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.ai_content.prompt import prompt
from agenciaos_jobs.engine.model.job import RetryLater
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.resources import model_of

async def ask():
    model = model_of(Settings.load(), SystemClock())
    question = prompt(AGENTS["META_ADS_COPY"], "Agência Aurora", [], [], {"produto": "segredo-do-cliente"})
    await model.answer(question)
    try:
        await model.answer(question)
    except RetryLater as error:
        print(error)
    await model.close()

logs.configure("json", "debug", Redactor())
asyncio.run(ask())
"""


async def python(script: str, **env: str) -> str:
    """What a script prints, which has these variables and no others."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def test_three_modules_use_the_library():
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.partition(".")[0] in {"openai", "httpx2"}
    }
    assert users == {f"ai_content/openai/{name}.py" for name in ("client", "library", "streaming")}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


@pytest.mark.slow
async def test_commands_servers_and_workers_start_without_it(tmp_path: Path):
    env = {"OPENAI_API_KEY": "sk-test-0123456789", "OPENAI_WEBHOOK_SECRET": SECRET, "TRIGGER_SECRET_KEY": "tr_0123456"}
    stores = {"DATABASE_URL": "postgresql://localhost/none", "REDIS_URL": "redis://localhost"}
    assert (await python(STARTED, HOME=str(tmp_path), **env, **stores)).strip() == "[]"


async def test_it_logs_nothing_of_a_call_even_where_it_is_told_to(tmp_path: Path, openai_double: OpenAIDouble):
    env = {"OPENAI_API_KEY": "sk-test-0123456789", "OPENAI_BASE_URL": openai_double.url, "OPENAI_LOG": "debug"}
    openai_double.says({})
    openai_double.fails(429, headers={"x-request-id": "req_1"})
    outcome, *lines = sorted((await python(ASKED, HOME=str(tmp_path), **env)).splitlines())
    assert outcome == "OpenAI answered 429: scripted (request req_1)"
    told = [json.loads(line) for line in lines]
    assert [(line["logger"], line["event"], line["status"]) for line in told] == [
        ("agenciaos_jobs.openai", "openai_answered", 200),
        ("agenciaos_jobs.openai", "openai_answered", 429),
    ]


def signed(secret: str = SECRET, body: bytes = BODY, **changes: str) -> dict[str, str]:
    now = SystemClock().now()
    headers = {"webhook-id": "wh_1", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("wh_1", now, body.decode())
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


async def test_a_delivery_is_believed_with_either_secret_while_one_is_rotated():
    webhook = OpenAIWebhook([SECRET, PREVIOUS.rstrip("=")])
    await webhook.verify(signed(), BODY)
    await webhook.verify(signed(PREVIOUS), BODY)
    several = f"v1,c29tZXRoaW5n {signed(PREVIOUS)['webhook-signature']}"
    await webhook.verify(signed(webhook_signature=several), BODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1,ação"},
        {"webhook_signature": "v1,\udcff"},
        {"webhook_id": ""},
        {"webhook_id": "wh_2"},
        {"webhook_id": "\udcff"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "9" * 5_000},
        {"webhook_timestamp": str(int(time.time()) - 400)},
        {"webhook_timestamp": str(int(time.time()) + 400)},
    ],
)
async def test_a_delivery_that_is_not_signed_or_not_of_now_is_not_believed(changes: dict[str, str]):
    with pytest.raises(BadSignatureError) as refused:
        await OpenAIWebhook([SECRET, PREVIOUS]).verify(signed(**changes), BODY)
    assert str(refused.value)
    assert SECRET not in str(refused.value)


async def test_a_delivery_is_believed_as_it_was_signed_only():
    webhook = OpenAIWebhook([SECRET])
    for body in (BODY + b" ", BODY.replace(b"1", b"2"), b"\xff", b""):
        with pytest.raises(BadSignatureError):
            await webhook.verify(signed(), body)
    with pytest.raises(BadSignatureError, match="no secret is configured"):
        await OpenAIWebhook([]).verify(signed(), BODY)
    with pytest.raises(BadSignatureError):
        await webhook.verify({}, BODY)
