"""The image as a container runs it: as PID 1, as nobody, on a root that cannot be written to.

Linux namespaces stand for the engine. Where an engine runs, it builds and runs the image itself, too.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.dockerfile import ROOT
from support.installation import Installation, client, outcome
from support.processes import Command, run, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("plain-install")]

# Reading whatever it may not read is for the interpreter of this machine, which may be in somebody's home.
CONTAINER = """
mount --bind / / && mount -o remount,bind,ro / && cd "$0" && exec setpriv --reuid "${1%:*}" --regid "${1#*:}" \
  --clear-groups --no-new-privs --bounding-set -all,+dac_read_search --inh-caps -all,+dac_read_search \
  --ambient-caps -all,+dac_read_search -- "${@:2}"
"""
INSIDE = {"HOST": "127.0.0.1", "METRICS_TOKEN": "token-of-metrics"}


def engine() -> str | None:
    """The program of a Docker engine that responds; asked in CI alone, as only CI runs these tests."""
    docker = shutil.which("docker") if os.environ.get("CI") else None
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False, timeout=30).returncode:
        return None
    return docker


DOCKER = engine()


@asynccontextmanager
async def contained(plain: Installation, *words: str, env: dict[str, str]) -> AsyncIterator[Command]:
    """Runs a command as the image's engine would, with the image's entry point as PID 1."""
    if os.geteuid() != 0:
        pytest.skip("unshare needs root")
    image = plain.image
    inside = [str(image.workdir), image.user, plain.program(image.entrypoint[0]), *image.entrypoint[1:], *words]
    command = ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/bash", "-c", CONTAINER, *inside]
    async with running(*command, env=image.env | env | INSIDE) as started:
        yield started


async def ran(plain: Installation, *words: str, env: dict[str, str]) -> int:
    async with contained(plain, *words, env=env) as started:
        return await started.ends()


async def first_process(command: Command) -> psutil.Process:
    """PID 1 of the container, as soon as it has started the service; dumb-init loses signals for 2 ms before."""
    async with asyncio.timeout(20):
        while True:
            for process in psutil.Process(command.process.pid).children():
                if process.name() == "dumb-init" and any(it.name() != "dumb-init" for it in process.children()):
                    return process
            await asyncio.sleep(0.0005)


def files(image_root: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in image_root.rglob("*")}


async def test_it_works_as_nobody_on_a_read_only_root(plain: Installation, env: dict[str, str]):
    redis = Path(env["REDIS_URL"].removeprefix("unix://"))
    if redis.is_socket():
        redis.chmod(0o777)
    before, image = files(plain.image.root), plain.image
    assert await ran(plain, "sh", "-c", 'test "$(id -u):$(id -g)" = 10001:10001 && ! touch ~ . /x', env=env) == 0
    assert await ran(plain, *image.health_check, env=env) == 1, "no server runs"
    assert await ran(plain, "agenciaos-jobs", "migrate", env=env) == 0
    async with (
        contained(plain, *image.command, env=env) as server,
        client(env) as http,
        contained(plain, "agenciaos-jobs", "worker", env=env) as worker,
    ):
        assert await outcome(http) == "COMPLETED"
        assert await ran(plain, *image.health_check, env=env) == 0
        for command in (worker, server):
            (await first_process(command)).send_signal(signal.SIGTERM)
            assert await command.ends() == 0
    assert files(image.root) == before


@pytest.mark.parametrize(
    "words",
    [["agenciaos-jobs", "serve"], ["agenciaos-jobs", "worker"], ["arq", "agenciaos_jobs.worker.WorkerSettings"]],
    ids=" ".join,
)
async def test_a_sigterm_in_the_first_second_ends_the_container(
    words: list[str], plain: Installation, env: dict[str, str]
):
    assert (await run(plain.program("agenciaos-jobs"), "migrate", env=env))[0] == 0
    for milliseconds in (0, 2, 10, 30, 100, 300, 600, 1000):
        async with contained(plain, *words, env=env) as started:
            first = await first_process(started)
            await asyncio.sleep(milliseconds / 1000)
            first.send_signal(signal.SIGTERM)
            code = await started.ends(patience=10)
            assert code in (0, 128 + signal.SIGTERM), (milliseconds, code, started.text)


if DOCKER:

    async def test_the_engine_builds_it_and_compose_runs_it():
        env = {"TRIGGER_SECRET_KEY": "key-of-the-test", "METRICS_TOKEN": "token-of-metrics", "PORT": "8080"}

        def compose(*words: str) -> None:
            command = [str(DOCKER), "compose", "--project-name", "agenciaos-jobs-test", *words]
            subprocess.run(command, cwd=ROOT, env=os.environ | env, check=True, timeout=500)

        try:
            compose("up", "--detach", "--build")
            async with client(env) as http:
                assert await outcome(http) == "COMPLETED"
            compose("restart", "--timeout", "40", "server", "worker")
            async with client(env) as http:
                assert await outcome(http) == "COMPLETED"
        finally:
            compose("down", "--volumes", "--timeout", "40")
