"""agenciaos-jobs runs and trigger --wait, in a terminal and in a pipe."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from support.commands import cli, env
from support.processes import SCRIPTS, running
from support.service import Service

__all__ = ["env"]


async def test_lists_are_filtered_and_say_when_they_are_empty(
    service: Service, env: dict[str, str], tmp_path: Path, db: asyncpg.Connection
):
    tagged = await service.trigger("monthly-report", {"month": "2026-10"}, tags=["natal"])
    other = await service.trigger("monthly-report", {"month": "2026-09"})
    for run_id in (tagged, other):
        await service.finished(run_id)

    async def listed(*options: str) -> list[str]:
        code, text = await cli("runs", "list", "--json", *options, env=env, cwd=tmp_path)
        assert code == 0, text
        return [json.loads(line)["id"] for line in text.splitlines()]

    assert await listed() == [other, tagged]
    assert await listed("--tag", "natal", "--since", "1h") == [tagged]
    assert await listed("--since", "2999-01-01") == []
    assert (await cli("runs", "list", "--tag", "none", env=env, cwd=tmp_path))[1].strip() == "no runs"
    code, text = await cli("runs", "list", "--since", "yesterday", env=env, cwd=tmp_path)
    assert (code, "expected 90s, 2h, 7d" in text) == (2, True)
    for narrow in ("40", "60"):
        _, text = await cli("runs", "list", env=env | {"COLUMNS": narrow}, cwd=tmp_path)
        assert all("COMPLETED" in line for line in text.splitlines()[1:]), text


async def test_watch_logs_and_errors_without_a_stack(service: Service, env: dict[str, str], tmp_path: Path):
    good = (await service.outcome("monthly-report", {"month": "2026-10"}))["id"]
    bad = (await service.outcome("monthly-report", {"month": "2999-01"}))["id"]
    code, text = await cli("runs", "watch", good, env=env, cwd=tmp_path)
    assert (code, "COMPLETED 1/" in text) == (0, True)
    code, text = await cli("runs", "watch", bad, env=env, cwd=tmp_path)
    assert (code, "FAILED 1/" in text, "month_in_future: 2999-01" in text) == (1, True, True)
    code, text = await cli("runs", "logs", "-f", good, "--json", env=env, cwd=tmp_path)
    assert (code, json.loads(text.splitlines()[0])["message"]) == (0, "reports_generated")
    code, text = await cli("runs", "logs", bad, env=env, cwd=tmp_path)
    assert (code, text.strip()) == (0, "no lines")
    for words in (["--json"], []):
        _, text = await cli("runs", "show", bad, *words, env=env, cwd=tmp_path)
        assert ("month_in_future" in text, "Traceback" in text) == (True, False)
        _, text = await cli("runs", "show", bad, "--stack", *words, env=env, cwd=tmp_path)
        assert "Traceback" in text


@pytest.fixture
def _sigint_acts() -> Iterator[None]:
    """SIGINT interrupts child processes, also where a shell started this one in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_sigint_acts")
async def test_ctrl_c_leaves_the_run_going_on_and_prints_its_id(
    settings, env: dict[str, str], tmp_path: Path, db: asyncpg.Connection
):
    command = ("agenciaos-jobs", "trigger", "monthly-report", "--wait")
    async with running(*command, env=env | {"LANG": "en_US.UTF-8"}, cwd=tmp_path) as waiting:
        await waiting.says("run_")
        waiting.interrupt(signal.SIGINT)
        assert await waiting.ends() == 130
    run_id = await db.fetchval("SELECT id FROM jobs.runs WHERE status = 'QUEUED'")
    assert f"{run_id} goes on; follow it with: agenciaos-jobs runs watch {run_id}" in waiting.text
    assert "Traceback" not in waiting.text


@pytest.mark.slow
async def test_a_closed_pipe_ends_a_list_quietly(service: Service, env: dict[str, str], tmp_path: Path):
    await service.outcome("monthly-report", {"month": "2026-10"})
    shell = await asyncio.create_subprocess_shell(
        f"for _ in 1 2 3; do {SCRIPTS}/agenciaos-jobs runs list --json || exit; done | head -c 1",
        env=env | {"PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(shell.communicate(), 60)
    assert (output, errors) == (b"{", b"")
