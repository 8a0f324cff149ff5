"""The wheel in a virtualenv of its own, without extras: what production installs starts, and does its work."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr
from support.processes import environment, run, running

from agenciaos_jobs.dev import embedded, seed
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("plain-install")]

ROOT = Path(__file__).parents[2]

IMPORT_ALL = """
import importlib, pkgutil
import agenciaos_jobs
names = [module.name for module in pkgutil.walk_packages(agenciaos_jobs.__path__, "agenciaos_jobs.")]
names = [name for name in names if not name.startswith("agenciaos_jobs.dev")]
for name in names:
    importlib.import_module(name)
print(len(names), agenciaos_jobs.__file__)
"""


class Installation:
    """A virtualenv with the package in it, and how to run its programs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def program(self, name: str) -> str:
        return str(self.directory / "bin" / name)

    def pip(self, *words: str) -> None:
        """Runs this virtualenv's pip with what the machine tells pip of its index, but without its constraints."""
        env = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        command = [self.program("python"), "-m", "pip", "--disable-pip-version-check", *words]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    directory = tmp_path_factory.mktemp("plain")
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True, timeout=120)
    installation = Installation(directory / "venv")
    installation.pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory), ".")
    (wheel,) = directory.glob("*.whl")
    installation.pip("install", "--quiet", "--require-hashes", "-r", "requirements.lock")
    installation.pip("install", "--quiet", "--no-deps", str(wheel))
    installation.pip("check")
    return installation


@pytest.fixture
async def env(servers: dict[str, str], settings: Settings) -> AsyncIterator[dict[str, str]]:
    """The settings for an application's database that has never been migrated."""
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute("CREATE DATABASE plain_install")
    url = servers["DATABASE_URL"].replace("/postgres?", "/plain_install?")
    connection = await asyncpg.connect(url)
    await seed.create_application_tables(connection)
    await seed.seed(connection, SystemClock().now())
    await connection.close()
    port = embedded.free_port()
    yield environment(settings.model_copy(update={"database_url": SecretStr(url)}), PORT=str(port), SHUTDOWN_DELAY="0")
    await admin.execute("DROP DATABASE plain_install WITH (FORCE)")
    await admin.close()


async def test_every_module_outside_dev_is_importable(plain: Installation, tmp_path: Path):
    code, text = await run(plain.program("python"), "-c", IMPORT_ALL, cwd=tmp_path, covered=False)
    assert code == 0, text
    count, path = text.split()
    assert int(count) > 100
    assert Path(path).is_relative_to(plain.directory)


async def test_demo_and_dev_name_the_extra_that_they_need(plain: Installation, tmp_path: Path):
    for command in ("demo", "dev"):
        code, text = await run(plain.program("agenciaos-jobs"), command, cwd=tmp_path, covered=False)
        assert (code, "pip install 'agenciaos-jobs[embedded]'" in text) == (1, True), text
        assert "Traceback" not in text


async def test_a_trigger_completes_under_each_worker(plain: Installation, env: dict[str, str], tmp_path: Path):
    ours = plain.program("agenciaos-jobs")
    for word in ("--help", "migrate", "check"):
        code, text = await run(ours, word, env=env, cwd=tmp_path, covered=False)
        assert code == 0, text
    async with running(ours, "serve", env=env, cwd=tmp_path, covered=False), client(env) as http:
        for command in ([ours, "worker"], [plain.program("arq"), "agenciaos_jobs.worker.WorkerSettings"]):
            async with running(*command, env=env, cwd=tmp_path, covered=False) as worker:
                await worker.says("worker_started")
                assert await outcome(http) == "COMPLETED"
                worker.interrupt()
                await worker.ends()


@asynccontextmanager
async def client(env: dict[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the server, as soon as that is ready."""
    headers = {"Authorization": f"Bearer {env['TRIGGER_SECRET_KEY']}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{env['PORT']}", headers=headers) as http:
        async with asyncio.timeout(60):
            while not await is_ready(http):
                await asyncio.sleep(0.1)
        yield http


async def is_ready(http: aiohttp.ClientSession) -> bool:
    try:
        async with http.get("/readyz") as response:
            return response.status == 200
    except aiohttp.ClientConnectorError:
        return False


async def outcome(http: aiohttp.ClientSession) -> str:
    """Triggers a report and returns the status in which its run ends."""
    async with http.post("/api/trigger", json={"type": "monthly-report", "payload": {}}) as response:
        assert response.status == 200, await response.text()
        run_id = (await response.json())["jobId"]
    async with asyncio.timeout(60):
        while True:
            async with http.get(f"/api/v3/runs/{run_id}") as response:
                run = await response.json()
            if run["isCompleted"]:
                return str(run["status"])
            await asyncio.sleep(0.05)
