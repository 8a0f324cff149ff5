"""Log lines as a platform gets them from a real shipper (rsyslog): parsed, and none lost over its restart."""

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conftest import KEY
from support.processes import environment, running

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOYED = ROOT / "deploy" / "rsyslog" / "agenciaos-jobs.conf"


@dataclass
class Platform:
    """Takes what a shipper sends."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Platform"]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _take(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        async for line in reader:
            self.lines.append(json.loads(line))


@asynccontextmanager
async def shipper(directory: Path, platform: Platform) -> AsyncIterator[None]:
    """rsyslog with the configuration of ``deploy/``, for this directory and platform."""
    text = DEPLOYED.read_text().replace("/var/log/agenciaos-jobs", str(directory))
    text = text.replace("logs.example.com", "127.0.0.1").replace("6514", str(platform.port))
    config = directory / "rsyslog.conf"
    config.write_text(f'global(workDirectory="{directory}" maxMessageSize="64k")\n{text}')
    command = ("/usr/sbin/rsyslogd", "-n", "-f", str(config), "-i", str(directory / "rsyslog.pid"))
    async with running(*command) as process:
        yield
        process.interrupt(signal.SIGTERM)
        await process.ends(20)


async def arrived(platform: Platform, request_ids: set[str]) -> None:
    async with asyncio.timeout(30):
        while request_ids - {line.get("request_id") for line in platform.lines}:
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("rsyslogd", path="/usr/sbin:/usr/bin"), reason="rsyslog is not installed")
async def test_lines_arrive_parsed_and_none_is_lost_over_a_restart_of_the_shipper(settings: Settings, tmp_path: Path):
    port, log = embedded.free_port(), tmp_path / "web.log"
    env = environment(settings, PORT=str(port), SHUTDOWN_DELAY="0")
    sent: set[str] = set()

    async def trigger(number: int) -> None:
        request_id = f"ship-{number}"
        sent.add(request_id)
        body = {"type": "monthly-report", "payload": {}}
        async with http.post("/api/trigger", json=body, headers={"X-Request-Id": request_id}) as response:
            assert response.status == 200

    serving = running("/bin/sh", "-c", f"exec agenciaos-jobs serve >> {log}", env=env, cwd=tmp_path)
    headers = {"Authorization": f"Bearer {KEY}", "traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01"}
    async with Platform().listening() as platform, serving as server:
        while not log.exists() or "server_started" not in log.read_text():
            assert server.process.returncode is None
            await asyncio.sleep(0.05)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
            async with shipper(tmp_path, platform):
                await asyncio.gather(*[trigger(number) for number in range(100)])
                await arrived(platform, {"ship-0"})
            await asyncio.gather(*[trigger(number) for number in range(100, 200)])  # nobody ships these now
            async with shipper(tmp_path, platform):
                await asyncio.gather(*[trigger(number) for number in range(200, 300)])
                await arrived(platform, sent)
    written = [json.loads(line) for line in log.read_text().splitlines()]
    requests = {line["request_id"]: line for line in platform.lines if line["event"] == "request"}
    assert sent <= requests.keys()
    for line in written:
        if line["event"] == "request":
            assert requests[line["request_id"]] == line  # each field, as it was written
    one = requests["ship-150"]
    assert (one["level"], one["status"], one["path"], one["trace_id"]) == ("info", 200, "/api/trigger", "a1" * 16)
    assert {"timestamp", "duration", "method", "logger"} <= one.keys()
