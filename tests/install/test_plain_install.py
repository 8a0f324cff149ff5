"""The image's virtualenv, without extras: what production installs starts, and does its work."""

from pathlib import Path

import pytest
from support.installation import Installation, client, outcome
from support.processes import run, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("plain-install")]

IMPORT_ALL = """
import importlib, pkgutil
import agenciaos_jobs
names = [module.name for module in pkgutil.walk_packages(agenciaos_jobs.__path__, "agenciaos_jobs.")]
names = [name for name in names if not name.startswith("agenciaos_jobs.dev")]
for name in names:
    importlib.import_module(name)
print(len(names), agenciaos_jobs.__file__)
"""


async def test_every_module_outside_dev_is_importable(plain: Installation, tmp_path: Path):
    code, text = await run(plain.program("python"), "-c", IMPORT_ALL, cwd=tmp_path)
    assert code == 0, text
    count, path = text.split()
    assert int(count) > 100
    assert Path(path).is_relative_to(plain.image.root)


async def test_demo_and_dev_name_the_extra_that_they_need(plain: Installation, tmp_path: Path):
    for command in ("demo", "dev"):
        code, text = await run(plain.program("agenciaos-jobs"), command, cwd=tmp_path)
        assert (code, "pip install 'agenciaos-jobs[embedded]'" in text) == (1, True), text
        assert "Traceback" not in text


async def test_a_trigger_completes_under_each_worker(plain: Installation, env: dict[str, str], tmp_path: Path):
    ours = plain.program("agenciaos-jobs")
    for word in ("--help", "migrate", "check"):
        code, text = await run(ours, word, env=env, cwd=tmp_path)
        assert code == 0, text
    async with running(ours, "serve", env=env, cwd=tmp_path), client(env) as http:
        for command in ([ours, "worker"], [plain.program("arq"), "agenciaos_jobs.worker.WorkerSettings"]):
            async with running(*command, env=env, cwd=tmp_path) as worker:
                await worker.says("worker_started")
                assert await outcome(http) == "COMPLETED"
                worker.interrupt()
                await worker.ends()
