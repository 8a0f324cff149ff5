"""The service as production installs it, and its work from outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from support.dockerfile import Image


@dataclass(frozen=True)
class Installation:
    """The virtualenv of the image, with the package in it and no extras."""

    image: Image

    @property
    def path(self) -> str:
        return self.image.env["PATH"]

    def program(self, name: str) -> str:
        return self.image.located(f"/opt/agenciaos-jobs/bin/{name}")


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
