"""Standard output that takes nothing: a full disk, a pipe with a stalled reader or none, or a closed stream."""

import asyncio
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from conftest import KEY
from support.places import filled_pipe
from support.processes import environment

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

SECRET = f"whsec_{b64encode(bytes(range(24))).decode()}"
MAIN = [sys.executable, "-m", "agenciaos_jobs"]


@contextmanager
def output(kind: str) -> Iterator[int | None]:
    if kind == "full":
        with open("/dev/full", "wb") as full:
            yield full.fileno()
    elif kind == "a pipe without a reader":
        reading, writing = os.pipe()
        os.close(reading)
        yield writing
        os.close(writing)
    elif kind == "a stalled pipe":
        reading, writing = filled_pipe()
        yield writing
        os.close(writing)
        os.close(reading)
    else:
        yield None


async def is_ready(http: aiohttp.ClientSession, process: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(60):
        while True:
            assert process.poll() is None
            try:
                async with http.get("/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


@contextmanager
def started(name: str, kind: str, env: dict[str, str], cwd: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The command as a process with such an output."""
    command = MAIN if kind != "closed" else ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *MAIN]
    with output(kind) as stdout:
        process = subprocess.Popen([*command, name], stdout=stdout, stderr=stdout, env=env, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "a pipe without a reader", "a stalled pipe", "closed"])
async def test_server_and_worker_work_without_their_logs(kind: str, settings: Settings, tmp_path: Path):
    port = embedded.free_port()
    changes = {"PORT": str(port), "LOG_LEVEL": "debug", "SHUTDOWN_DELAY": "0", "OPENAI_WEBHOOK_SECRET": SECRET}
    env = environment(settings, PATH="/usr/bin:/bin", **changes)
    headers = {"Authorization": f"Bearer {KEY}"}
    with started("serve", kind, env, tmp_path) as server, started("worker", kind, env, tmp_path) as worker:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
            await is_ready(http, server)
            async with http.post("/webhooks/openai", json={}) as refused:  # a warning, which is written at once
                assert refused.status == 401
            month = {"type": "monthly-report", "payload": {"month": "2026-01"}}
            async with http.post("/api/trigger", json=month) as accepted:
                run_id = (await accepted.json())["jobId"]
            async with asyncio.timeout(30):
                while not (await (await http.get(f"/api/v3/runs/{run_id}")).json())["isSuccess"]:
                    await asyncio.sleep(0.05)
        for process in (server, worker):
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "marks"),
    [
        ("ascii", (b"ok configura", b"x DATABASE_URL", b"AgenciaOS")),
        ("latin-1", (b"ok configura", "AgênciaOS".encode("latin-1"))),
    ],
)
def test_a_terminal_without_utf_8_gets_marks_in_ascii(encoding: str, marks: tuple[bytes, ...], tmp_path: Path):
    env = {"PYTHONIOENCODING": encoding, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([*MAIN, "check"], env=env, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert [mark for mark in marks if mark not in done.stdout] == [], done
