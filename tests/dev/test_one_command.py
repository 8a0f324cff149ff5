"""demo, dev, and the Procfile under honcho."""

import asyncio
import json
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import aiohttp
import asyncpg
import psutil
import pytest
from pydantic import SecretStr
from support.places import in_memory
from support.processes import run, running
from support.service import running_service

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path):
    """A user's home that Postgres' own user may pass through."""
    with tempfile.TemporaryDirectory(prefix="home-", dir=in_memory(), ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def processes_of(pid: int) -> set[int]:
    return {process.pid for process in psutil.Process(pid).children(recursive=True)} | {pid}


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.slow
async def test_the_demo_shows_all_three_results(home: Path):
    code, text = await run("agenciaos-jobs", "demo", env={"HOME": str(home)}, cwd=home)
    assert code == 0, text
    report = Path(text.rstrip().rpartition(" ")[2])
    assert (report.name[:15], report.read_bytes()[:4]) == ("agencia-aurora-", b"%PDF")
    assert "Texto de demonstração" in text
    assert re.search(r"gpt-6-luna · \d+ \+ \d+ tokens · US\$ 0,\d+ \(simulado", text)
    assert "agency-123: FREE → PRO" in text
    assert re.search(r"Agência Aurora .*R\$ 10\.\d{3},\d{2}", text)
    assert "Bem-te-vi Digital" in text
    assert "Cajueiro Conteúdo" in text


@pytest.mark.slow
async def test_the_demo_fails_with_the_reason(home: Path):
    env = {"HOME": str(home), "OPENAI_API_KEY": "sk-no", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    code, text = await run(
        "agenciaos-jobs", "demo", env={**env, "DATABASE_URL": "postgresql://127.0.0.1:9/x"}, cwd=home
    )
    assert code == 1
    assert "Traceback" not in text
    env |= {"PLANS": "FREE:0,PRO:500"}
    code, text = await run("agenciaos-jobs", "demo", env=env, cwd=home)
    assert (code, "plan_limit_reached" in text or "0 generations a month" in text) == (1, True)


async def test_the_demo_keeps_out_of_a_database_that_has_data(home: Path, database_url: str, db: asyncpg.Connection):
    await db.execute("UPDATE agencies SET id = 'a-real-one' WHERE id = 'agency-125'")
    code, text = await run("agenciaos-jobs", "demo", env={"HOME": str(home), "DATABASE_URL": database_url}, cwd=home)
    assert (code, "a demonstração precisa de um sem dados" in text) == (1, True)


@pytest.mark.slow
async def test_dev_stays_up_keeps_its_data_and_leaves_nothing_behind(home: Path):
    port = str(embedded.free_port())
    env = {"HOME": str(home), "PORT": port}
    run_id = ""
    for attempt, options in enumerate([[], [], ["--fresh"]]):
        async with running("agenciaos-jobs", "dev", *options, env=env, cwd=home) as dev:
            await dev.says("curl -sS")
            key = re.search(r"Bearer (\S+?)'", dev.text)[1]
            headers = {"Authorization": f"Bearer {key}"}
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
                if attempt == 0:
                    body = {"type": "monthly-report", "payload": {}}
                    async with http.post("/api/trigger", json=body) as response:
                        run_id = (await response.json())["jobId"]
                    line = json.loads(await dev.says('"run_completed"'))
                    assert line["run_id"] == run_id
                    code, text = await run("agenciaos-jobs", "runs", "list", env={"HOME": str(home)}, cwd=home)
                    assert (code, run_id in text) == (0, True)
                else:
                    async with http.get(f"/api/v3/runs/{run_id}") as response:
                        assert response.status == (200 if attempt == 1 else 404)
            started = processes_of(dev.process.pid)
            postmaster = int(
                next((home / ".local/share/agenciaos-jobs/data/postgres").glob("postmaster.pid")).read_text().split()[0]
            )
            dev.interrupt(signal.SIGINT if attempt else signal.SIGTERM)
            assert await dev.ends(5) == 0
            assert not [pid for pid in {*started, postmaster} if is_alive(pid)]


@pytest.mark.slow
async def test_dev_ends_when_a_part_of_it_does(home: Path):
    async with running(
        "agenciaos-jobs", "dev", env={"HOME": str(home), "PORT": str(embedded.free_port())}, cwd=home
    ) as dev:
        await dev.says("curl -sS")
        (worker,) = [
            process
            for process in psutil.Process(dev.process.pid).children(recursive=True)
            if "agenciaos_jobs.worker.WorkerSettings" in process.cmdline()
        ]
        os.kill(worker.pid, signal.SIGKILL)
        assert await dev.ends(20) == 1
        assert "worker ended with code -9" in dev.text


@pytest.mark.slow
async def test_the_procfile_runs_under_honcho(database_url: str, servers: dict[str, str], tmp_path: Path):
    shutil.copy(ROOT / "Procfile", tmp_path)
    port = embedded.free_port()
    env = {
        "DATABASE_URL": database_url,
        "REDIS_URL": servers["REDIS_URL"],
        "TRIGGER_SECRET_KEY": "tr_prod_0123456789",
        "HOST": "127.0.0.1",
    }
    code, text = await run("honcho", "run", "agenciaos-jobs", "migrate", env=env, cwd=tmp_path)
    assert (code, "schema jobs" in text) == (0, True), text
    async with running("honcho", "start", "-p", str(port), "web", "worker", env=env, cwd=tmp_path) as honcho:
        await honcho.says("Starting worker")
        headers = {"Authorization": "Bearer tr_prod_0123456789"}
        async with aiohttp.ClientSession(headers=headers) as http, asyncio.timeout(30):
            base = f"http://127.0.0.1:{port}"
            while True:
                try:
                    async with http.post(
                        f"{base}/api/trigger", json={"type": "monthly-report", "payload": {}}
                    ) as response:
                        run_id = (await response.json())["jobId"]
                    break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.1)
            while True:
                async with http.get(f"{base}/api/v3/runs/{run_id}") as response:
                    if (await response.json())["status"] == "COMPLETED":
                        break
                await asyncio.sleep(0.1)
        honcho.interrupt(signal.SIGTERM)
        await honcho.ends(20)


async def test_without_a_redis_server_one_in_python_carries_the_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(embedded, "redis_executable", lambda: None)
    with embedded.redis() as (url, what):
        assert "fakeredis" in what
        async with running_service(settings.model_copy(update={"redis_url": SecretStr(url)})) as service:
            assert (await service.outcome("monthly-report"))["status"] == "COMPLETED"


def test_what_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    monkeypatch.setattr(embedded.shutil, "which", lambda _: None)
    with pytest.raises(embedded.EmbeddedError, match=r"agenciaos-jobs\[embedded\]"), embedded.postgres(tmp_path):
        pass
    with pytest.raises(embedded.EmbeddedError, match=r"agenciaos-jobs\[embedded\]"), embedded.redis():
        pass
