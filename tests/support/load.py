"""Requests that go on while what serves them is replaced."""

import asyncio
import time
from collections import Counter

import aiohttp
from conftest import KEY

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


CLIENTS = 8


class Load:
    """Clients that trigger without a pause, through the balancer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.statuses: Counter[int] = Counter()
        self.run_ids: list[str] = []
        self.seconds: list[float] = []
        self.is_over = False

    async def run(self) -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http:
            await asyncio.gather(*[self._client(http, number) for number in range(CLIENTS)])

    async def _client(self, http: aiohttp.ClientSession, number: int) -> None:
        kinds = [{"type": "ai-content", "payload": AI}, {"type": "monthly-report", "payload": {"month": "2026-01"}}]
        while not self.is_over:
            began = time.perf_counter()
            async with http.post(f"{self._url}/api/trigger", json=kinds[number % 2]) as response:
                self.statuses[response.status] += 1
                if response.status == 200:
                    self.run_ids.append((await response.json())["jobId"])
            self.seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
