"""Many long polls of one page: they do not keep its other requests from being sent."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from support.public_tokens import token
from support.service import running_server

from agenciaos_jobs.settings import Settings
from agenciaos_jobs.trigger_dev import realtime


async def test_of_many_polls_with_one_token_four_wait_long_and_the_others_go_on_soon(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(realtime, "SHORT_POLL", timedelta(milliseconds=50))
    async with running_server(settings) as server, asyncio.timeout(20):
        run_id = await server.trigger("monthly-report", delay="1h")
        path = f"/realtime/v1/runs/{run_id}"
        headers = {"Authorization": f"Bearer {token(f'read:runs:{run_id}')}"}
        async with aiohttp.ClientSession(server.url, headers=headers) as page:
            async with page.get(path, params={"offset": "-1"}) as first:
                where = {"offset": first.headers["electric-offset"], "handle": first.headers["electric-handle"]}
            polls = [
                asyncio.create_task(page.get(path, params=where | {"live": "true"}).__aenter__()) for _ in "123456"
            ]
            while sum(poll.done() for poll in polls) < 2:
                await asyncio.sleep(0.01)
            assert sum(poll.done() for poll in polls) == 2
            await server.post(f"/api/v2/runs/{run_id}/cancel", {})
            for poll in polls:
                (await poll).release()
        assert server.app[realtime.OPEN_POLLS] == {}
