"""Two keys while one is rotated; rate limits for each key, and for each address that shows none."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from support.node import SDK_LINES, needs_node, run_node
from support.public_tokens import token
from support.sdk import running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.http import fixed_window, rate_limits
from agenciaos_jobs.http.fixed_window import WINDOW, FixedWindow
from agenciaos_jobs.http.operation import PROBES
from agenciaos_jobs.settings import Settings

OLD, NEW = "tr_the_key_before_01", "tr_the_key_of_today_1"
REPORT = {"type": "monthly-report", "payload": {"month": "2026-01"}}


@pytest.fixture
async def rotating(settings: Settings) -> AsyncIterator[Service]:
    """A server that knows two keys; the application still uses the old one."""
    keys = {"trigger_secret_key": SecretStr(NEW), "trigger_secret_key_previous": SecretStr(OLD)}
    async with running_server(settings.model_copy(update=keys)) as server:
        server.http.headers["Authorization"] = f"Bearer {OLD}"
        yield server


@pytest.fixture
async def limited(settings: Settings) -> AsyncIterator[Service]:
    limits = {"rate_limit_key": 5, "rate_limit_address": 3, "trusted_proxies": 1}
    async with running_server(settings.model_copy(update=limits)) as server:
        yield server


async def test_both_keys_are_good_while_one_is_rotated(rotating: Service):
    for key in (OLD, NEW):
        status, _ = await rotating.post("/api/trigger", REPORT, Authorization=f"Bearer {key}")
        assert status == 200
    assert (await rotating.post("/api/trigger", REPORT, Authorization="Bearer tr_another_key_0123"))[0] == 401
    _, answer = await rotating.post("/api/trigger", REPORT)
    for key, expected in ((OLD, 200), (NEW, 200), ("tr_another_key_0123", 401)):
        public = token("read:runs", key=key)
        assert (await rotating.get(f"/api/v3/runs/{answer['jobId']}", Authorization=f"Bearer {public}"))[0] == expected


async def test_answers_tell_what_is_left_of_a_key_s_limit_and_429_when_to_come_back(limited: Service):
    left = []
    async with asyncio.timeout(30):
        while True:  # a window may end in between
            async with limited.http.post("/api/trigger", json=REPORT) as response:
                left.append(response.headers["RateLimit"].split(";")[1])
                problem = await response.json()
                if response.status == 429:
                    break
                assert response.status == 200
    assert left[-6:] == ["r=4", "r=3", "r=2", "r=1", "r=0", "r=0"]
    assert response.headers["RateLimit-Policy"] == '"key";q=5;w=10'
    assert 1 <= int(response.headers["Retry-After"]) <= WINDOW
    assert (response.headers["x-ratelimit-limit"], response.headers["x-ratelimit-remaining"]) == ("5", "0")
    resets_at = int(response.headers["x-ratelimit-reset"]) / 1000
    assert resets_at == pytest.approx(time.time() + int(response.headers["Retry-After"]), abs=5)
    assert (problem["status"], problem["title"]) == (429, "Requisições demais")


async def test_who_shows_no_key_is_counted_by_address_and_does_not_use_up_a_key_s(limited: Service):
    statuses = []
    async with asyncio.timeout(30):
        while 429 not in statuses:
            statuses.append((await limited.post("/api/trigger", REPORT, Authorization="Bearer wrong"))[0])
    assert set(statuses) == {401, 429}
    async with limited.http.post("/webhooks/openai", json={}, headers={"Authorization": ""}) as response:
        assert (response.status, response.headers["RateLimit-Policy"]) == (429, '"address";q=3;w=10')
        assert re.fullmatch(r'"address";r=0;t=\d+', response.headers["RateLimit"])
        assert response.headers["Retry-After"] == response.headers["RateLimit"].rpartition("=")[2]
    assert (await limited.post("/webhooks/openai", {}, Authorization=""))[0] == 429
    assert (await limited.post("/api/trigger", REPORT))[0] == 200
    for _ in range(10):
        assert (await limited.get("/healthz", Authorization=""))[0] == 200
    # behind a trusted proxy, whoever the proxy says
    forwarded = {"Authorization": "", "X-Forwarded-For": "203.0.113.9"}
    assert (await limited.post("/webhooks/openai", {}, **forwarded))[0] == 401


async def test_everything_but_probes_and_preflights_counts_for_a_stranger(settings: Settings):
    async with running_server(settings) as server, aiohttp.ClientSession(server.url) as stranger:
        asked = {
            (route.method.replace("*", "GET"), re.sub(r"\{[^}]*\}\)*", "x", resource.canonical))
            for resource in server.app.router.resources()
            for route in resource
        }
        asked |= {
            ("GET", "/nowhere"),
            ("DELETE", "/runs"),
            ("GET", "/static/x/y"),
            ("GET", "/%00"),
            ("GET", "/runs?q=%00"),
        }
        free = set()
        for method, path in asked:
            async with stranger.request(method, path, allow_redirects=False) as response:
                assert response.status < 500 or response.status in {501, 503}
                if "RateLimit" not in response.headers and method != "OPTIONS":
                    free.add(path)
        assert free == PROBES
        assert ("GET", "/errors") in asked


@given(limit=st.integers(1, 50), moments=st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_no_window_lets_more_through_than_its_limit(limit: int, moments: list[float]):
    counter, through = FixedWindow(limit), {}
    for moment in sorted(moments):
        quota = counter.hit("caller", moment)
        window = int(moment // WINDOW)
        through[window] = through.get(window, 0) + (quota.remaining >= 0)
        assert 0 < quota.seconds <= WINDOW
    assert max(through.values()) <= limit
    assert all(count == min(limit, sum(int(m // WINDOW) == w for m in moments)) for w, count in through.items())


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("line", SDK_LINES)
async def test_the_sdk_waits_for_the_next_window_and_loses_no_trigger(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, line: str
):
    for module in (fixed_window, rate_limits):
        monkeypatch.setattr(module, "WINDOW", 3)
    async with running_with_test_jobs(settings.model_copy(update={"rate_limit_key": 40})) as service:
        seen = await run_node(service, "ratelimit.mjs", line)
    assert seen == {"accepted": 100, "errors": []}
