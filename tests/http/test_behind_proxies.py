"""The service behind nginx and Caddy as deploy/ sets them up, at an address of its own and under a path."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import aiohttp
import pytest
from conftest import KEY
from support.browsing import PAGE, Browser
from support.proxies import caddy, nginx
from support.service import Service, running_server

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVERS = "127.0.0.1:8080"


def nginx_at_its_own_address(directory: Path, upstream: str, port: int) -> AbstractAsyncContextManager[str]:
    config = (DEPLOY / "nginx" / "agenciaos-jobs.conf").read_text().replace(SERVERS, upstream)
    config = config.replace("listen 443 ssl http2", "listen 127.0.0.1:PORT")
    return nginx(directory, re.sub(r"(?m)^ *(#|ssl_).*$", "", config), port)


def nginx_under_a_path(directory: Path, upstream: str, port: int) -> AbstractAsyncContextManager[str]:
    location = (DEPLOY / "nginx" / "under-a-path.conf").read_text().replace(SERVERS, upstream)
    return nginx(directory, f"server {{ listen 127.0.0.1:PORT;\n{location}\n}}", port)


def caddy_at(site: str) -> Callable[[Path, str, int], AbstractAsyncContextManager[str]]:
    def start(directory: Path, upstream: str, port: int) -> AbstractAsyncContextManager[str]:
        config = (DEPLOY / "caddy" / "Caddyfile").read_text().replace(SERVERS, upstream)
        for name in ("jobs.example.com", "example.com"):
            host = "127.0.0.1" if name == site else f"other-{name}"
            config = re.sub(rf"(?m)^{re.escape(name)} ", f"http://{host}:{port} ", config)
        return caddy(directory, config, port)

    return start


@dataclass
class Front:
    """The service as clients reach it: at ``url`` and its path ``root``."""

    url: str
    root: str
    service: Service
    http: aiohttp.ClientSession

    @property
    def browser(self) -> "PathBrowser":
        return PathBrowser(self.http, self.root)


class PathBrowser(Browser):
    """Follows paths of the service."""

    def __init__(self, http: aiohttp.ClientSession, root: str) -> None:
        super().__init__(http)
        self.root = root

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        return await super().get(self.root + path, **headers)

    async def post(self, path: str, *fields: object, **headers: str) -> tuple[int, str]:
        return await super().post(self.root + path, *fields, **headers)


FRONTS = {
    "nginx": (nginx_at_its_own_address, ""),
    "nginx under a path": (nginx_under_a_path, "/jobs"),
    "Caddy": (caddy_at("jobs.example.com"), ""),
    "Caddy under a path": (caddy_at("example.com"), "/jobs"),
}


@pytest.fixture(
    params=[
        pytest.param(front, id=name, marks=[] if front[1] else [pytest.mark.slow]) for name, front in FRONTS.items()
    ]
)
async def front(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> AsyncIterator[Front]:
    async with _front(*request.param, settings, tmp_path) as running:
        yield running


@asynccontextmanager
async def _front(
    start: Callable[[Path, str, int], AbstractAsyncContextManager[str]], root: str, settings: Settings, directory: Path
) -> AsyncIterator[Front]:
    port = embedded.free_port()
    changes = {"public_url": f"http://127.0.0.1:{port}{root}", "trusted_proxies": 1, "rate_limit_address": 500}
    async with (
        running_server(settings.model_copy(update=changes)) as service,
        start(directory, service.url.removeprefix("http://"), port) as url,
        aiohttp.ClientSession(url, headers=PAGE, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
    ):
        yield Front(url, root, service, http)


async def test_every_page_leads_to_addresses_of_the_service(front: Front):
    browser, root = front.browser, front.root
    assert await browser.get("/runs?status=FAILED") == (303, f"{root}/login?next=/runs%3Fstatus%3DFAILED")
    form = {"password": "correct horse", "next": "/runs?status=FAILED"}
    assert await browser.post("/login", form) == (303, f"{root}/runs?status=FAILED")
    assert {cookie["path"] for cookie in front.http.cookie_jar} == {root or "/"}
    assert await browser.post("/preferences", {"language": "en", "back": "/alerts"}) == (303, f"{root}/alerts")
    seen, waiting = set(), {f"{root}/"}
    while waiting - seen:
        seen.add(address := sorted(waiting - seen)[0])
        status, page = await Browser(front.http).get(address)
        assert status == 200, address
        found = re.findall(r'\b(href|src|action)="(/[^"]*)"', page)
        assert [link for _, link in found if not link.startswith(f"{root}/")] == []
        waiting |= {unescape(link).partition("?")[0].partition("#")[0] for kind, link in found if kind != "action"}
    assert f"{root}/schedules" in seen
    assert any(address.endswith("/app.js") for address in seen)


async def test_a_live_page_gets_its_events(front: Front):
    browser = front.browser
    assert await browser.log_in() == 303
    async with asyncio.timeout(10), front.http.get(f"{front.root}/live") as stream:
        assert stream.status == 200
        assert b"beat" in await stream.content.readuntil(b"\n\n")
    assert (await browser.post("/logout"))[1] == f"{front.root}/login"
    assert (await browser.get("/runs"))[0] == 303


async def test_the_api_and_large_payloads(front: Front):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    async with front.http.get(f"{front.root}/openapi.json") as document:
        assert (await document.json())["servers"] == [{"url": front.url + front.root}]
    async with front.http.put(f"{front.root}/api/v2/packets/large.json", headers=headers) as made:
        address = await made.json()
    assert address["presignedUrl"].startswith(f"{front.url}{front.root}/api/packets/")
    payload = '{"month": "2026-01"' + " " * 2_000_000 + "}"
    async with front.http.put(address["presignedUrl"], data=payload, headers=headers) as stored:
        assert stored.status == 200, await stored.text()
    body = {"payload": address["storagePath"], "options": {"payloadType": "application/store"}}
    task = "generate-monthly-reports"
    async with front.http.post(f"{front.root}/api/v1/tasks/{task}/trigger", json=body, headers=headers) as triggered:
        assert triggered.status == 200, await triggered.text()


async def test_each_client_has_its_own_limit(front: Front):
    async def left(client: str) -> str:
        connector = aiohttp.TCPConnector(local_addr=(client, 0))
        forged = {"X-Forwarded-For": "198.51.100.7"}
        address = f"{front.url}{front.root}/webhooks/openai"
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.post(address, json={}, headers=forged) as response,
        ):
            return response.headers["RateLimit"].split(";")[1]

    assert [await left(client) for client in ("127.0.0.2", "127.0.0.3", "127.0.0.2")] == ["r=499", "r=499", "r=498"]


@pytest.mark.parametrize(
    "address", ["https://jobs.example/?x", "https://jobs.example/#x", 'https://jobs.example/"', "ftp://x"]
)
def test_a_public_address_is_a_plain_one(address: str):
    with pytest.raises(ValueError, match="public_url"):
        Settings(public_url=address)
