"""Clients that generators make of the OpenAPI document: they are whole, and they work."""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from support.node import SCRIPTS, needs_node, run_node
from support.sdk import running_with_test_jobs
from support.service import Service

from agenciaos_jobs.settings import Settings

TYPESCRIPT = ("--strict", "--noEmit", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022")

CALLS = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from agencia_os_jobs_client import AuthenticatedClient
from agencia_os_jobs_client.api.runs import list_runs, replay_run, retrieve_run
from agencia_os_jobs_client.api.triggers import trigger_task
from agencia_os_jobs_client.models import Problem, TaskOptions, TaskTrigger

async def main(client):
    body = TaskTrigger(payload={"n": 1}, options=TaskOptions(tags=["typed"]))
    run = await trigger_task.asyncio("echo", client=client, body=body)
    again = await replay_run.asyncio(run.id, client=client)
    read = await retrieve_run.asyncio(run.id, client=client)
    listed = await list_runs.asyncio(client=client, filtertag="typed")
    missing = await retrieve_run.asyncio("run_none", client=client)
    assert isinstance(missing, Problem)
    print(json.dumps({
        "runId": run.id, "replayOf": again.id, "queued": read.is_queued, "payload": read.payload, "tags": read.tags,
        "listedIds": [run.id for run in listed.data], "reason": missing.error,
    }))

asyncio.run(main(AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3])))
"""


async def test_a_python_client_lacks_no_endpoint_and_works(settings: Settings, tmp_path: Path):
    async with running_with_test_jobs(settings) as service:
        document = await stored_document(service, tmp_path)
        generator = ("-m", "openapi_python_client", "generate", "--path", str(document), "--output-path")
        await output(sys.executable, *generator, str(tmp_path / "made"), cwd=tmp_path)
        code = CALLS, str(tmp_path / "made"), service.url, *service.settings.values_of("trigger_secret_key")
        seen = json.loads(await output(sys.executable, "-c", *code, cwd=tmp_path))
    made = {path.stem for path in tmp_path.glob("made/agencia_os_jobs_client/api/*/*.py")} - {"__init__"}
    assert made == {re.sub("[^a-z0-9]", "_", name) for name in operation_ids(document)}
    assert_called(seen)


@pytest.mark.slow
@needs_node
async def test_a_typescript_client_has_optional_options_and_works(settings: Settings, tmp_path: Path):
    programs = SCRIPTS / "node_modules" / ".bin"
    (tmp_path / "node_modules").symlink_to(SCRIPTS / "node_modules")
    script = shutil.copy(SCRIPTS / "generated_client.ts", tmp_path)
    async with running_with_test_jobs(settings) as service:
        document = await stored_document(service, tmp_path)
        await output(str(programs / "openapi-typescript"), str(document), "-o", "api.ts", cwd=tmp_path)
        (tmp_path / "node.d.ts").write_text(
            "declare const process: { env: Record<string, string> };declare const console: { log(text: string): void };"
        )
        await output(str(programs / "tsc"), *TYPESCRIPT, "--skipLibCheck", "node.d.ts", script, cwd=tmp_path)
        bundle = tmp_path / "bundle.mjs"
        built = ("--bundle", "--platform=node", "--format=esm", f"--outfile={bundle}")
        await output(str(programs / "esbuild"), script, *built, cwd=tmp_path)
        assert_called(await run_node(service, str(bundle)))


@pytest.mark.slow
@needs_node
async def test_redocly_finds_nothing(settings: Settings, tmp_path: Path):
    async with running_with_test_jobs(settings) as service:
        document = await stored_document(service, tmp_path)
    linter = str(SCRIPTS / "node_modules" / ".bin" / "redocly")
    found = json.loads(await output(linter, "lint", str(document), "--format=json", cwd=tmp_path, stderr=False))
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


async def stored_document(service: Service, directory: Path) -> Path:
    _, document = await service.get("/openapi.json")
    path = directory / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def operation_ids(document: Path) -> set[str]:
    paths = json.loads(document.read_text())["paths"].values()
    return {operation["operationId"] for operations in paths for operation in operations.values()}


def assert_called(seen: dict[str, Any]) -> None:
    assert (seen["payload"], seen["tags"]) == ({"n": 1}, ["typed"])
    assert seen["replayOf"] != seen["runId"]
    assert seen["runId"] in seen["listedIds"]
    assert "Execução não encontrada" in seen["reason"]


async def output(program: str, *arguments: str, cwd: Path, stderr: bool = True) -> str:
    """What the program prints; it must succeed."""
    errors = asyncio.subprocess.STDOUT if stderr else asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=errors
    )
    async with asyncio.timeout(120):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()[-4000:]
    return printed.decode()
