"""Whose address a request has: the peer's, unless a setting names who is trusted to report another."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import aiohttp
import asyncpg
import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from support.proxies import haproxy, nginx
from support.service import Service, running_server

from agenciaos_jobs import server
from agenciaos_jobs.cli import database_checks
from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http.client_address import ClientAddresses, counted, parse
from agenciaos_jobs.settings import Settings, SettingsError

FORGED = {"X-Forwarded-For": "198.51.100.1", "X-Real-IP": "198.51.100.2", "Fly-Client-IP": "198.51.100.3"}
NGINX = "server {{ listen 127.0.0.1:PORT; location / {{ proxy_pass {upstream}; proxy_set_header {header}; }} }}"
FORWARDED_FOR = "X-Forwarded-For $proxy_add_x_forwarded_for"


def read(addresses: ClientAddresses, headers: list[tuple[str, str]], peer: str = "10.0.0.1") -> str:
    transport = Mock()
    transport.get_extra_info = {"peername": (peer, 1), "sslcontext": None}.get
    return counted(addresses.read(make_mocked_request("GET", "/", CIMultiDict(headers), transport=transport)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:4711 ", "203.0.113.9"),
        ("[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        *(
            (text, "")
            for text in ("", "unknown", "_hidden", "203.0.113", "203.0.113.9.1", "a" * 999, "\udcff", "1:2:3")
        ),
    ],
)
def test_an_address_with_its_port_or_within_ipv6_is_that_address(text: str, expected: str):
    assert counted(parse(text)) == expected


ADDRESSES = st.ip_addresses(v=4).map(str)
ANYTHING = st.lists(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)), max_size=3)


@given(ANYTHING, st.lists(ADDRESSES, min_size=1, max_size=4), st.booleans())
def test_what_the_proxies_append_counts_and_nothing_a_client_writes(sent: list[str], appended: list[str], own: bool):
    """Each proxy appends the address of its peer, to the last line or as a line of its own."""
    lines = list(sent)
    for address in appended:
        lines = [*lines, address] if own or not lines else [*lines[:-1], f"{lines[-1]}, {address}"]
    headers = [("X-Forwarded-For", line) for line in lines]
    assert read(ClientAddresses(len(appended), None), headers) == appended[0]
    assert read(ClientAddresses(0, None), headers) == "10.0.0.1"


def test_where_the_proxies_report_nothing_it_is_the_peer():
    for addresses in (ClientAddresses(2, None), ClientAddresses(0, "X-Real-IP")):
        for value in ("", "unknown", "203.0.113.9"):
            assert read(addresses, [("X-Forwarded-For", value)]) == "10.0.0.1"
    assert read(ClientAddresses(0, "Fly-Client-IP"), [("fly-client-ip", "203.0.113.9")]) == "203.0.113.9"


def test_only_one_of_the_settings_can_be_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    monkeypatch.setenv("CLIENT_IP_HEADER", "X-Real-IP")
    with pytest.raises(SettingsError, match="not both"):
        Settings.load()


async def left(url: str, client: str, headers: Mapping[str, str] = FORGED) -> str:
    """What is left of the limit of the client at this address, after one more request."""
    connector = aiohttp.TCPConnector(local_addr=(client, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.post(f"{url}/webhooks/openai", json={}, headers=headers) as response,
    ):
        assert response.status in {401, 503}
        return response.headers["RateLimit"].split(";")[1]


@asynccontextmanager
async def limited(settings: Settings, **trusted: object) -> AsyncIterator[Service]:
    async with running_server(settings.model_copy(update={"rate_limit_address": 500, **trusted})) as running:
        yield running


async def assert_told_apart(url: str) -> None:
    assert [await left(url, client) for client in ("127.0.0.2", "127.0.0.3", "127.0.0.2")] == [
        "r=499",
        "r=499",
        "r=498",
    ]


async def test_behind_haproxy_which_adds_a_line_of_its_own(settings: Settings, tmp_path: Path):
    async with limited(settings, trusted_proxies=1) as service, haproxy(tmp_path, service.url[7:]) as url:
        await assert_told_apart(url)


async def test_behind_nginx_which_appends_to_the_line(settings: Settings, tmp_path: Path):
    async with (
        limited(settings, trusted_proxies=1) as service,
        nginx(tmp_path, NGINX.format(upstream=service.url, header=FORWARDED_FOR)) as url,
    ):
        await assert_told_apart(url)


async def test_behind_two_proxies(settings: Settings, tmp_path: Path):
    async with (
        limited(settings, trusted_proxies=2) as service,
        haproxy(tmp_path, service.url[7:]) as inner,
        nginx(tmp_path, NGINX.format(upstream=inner, header=FORWARDED_FOR)) as outer,
    ):
        await assert_told_apart(outer)


async def test_behind_nginx_that_sets_a_header(settings: Settings, tmp_path: Path):
    async with (
        limited(settings, client_ip_header="X-Real-IP") as service,
        nginx(tmp_path, NGINX.format(upstream=service.url, header="X-Real-IP $remote_addr")) as url,
    ):
        await assert_told_apart(url)


async def test_an_untrusted_proxy_is_noticed(
    settings: Settings, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server, "CONDITIONS_EVERY", timedelta(milliseconds=50))
    async with limited(settings) as service:
        # Whatever the headers, the peer is who counts.
        assert [await left(service.url, "127.0.0.2"), await left(service.url, "127.0.0.2", {})] == ["r=499", "r=498"]
        async with asyncio.timeout(10):
            while not await db.fetchval("SELECT 1 FROM jobs.housekeeping WHERE chore = 'untrusted_proxy'"):
                await asyncio.sleep(0.02)
    for changes, expected in (
        ({}, "neither TRUSTED_PROXIES nor CLIENT_IP_HEADER is set, but requests come through a proxy"),
        ({"trusted_proxies": 2}, "entry 2 from the end of X-Forwarded-For is trusted"),
        ({"client_ip_header": "Fly-Client-IP"}, "Fly-Client-IP is trusted"),
    ):
        finding = await client_addresses(settings.model_copy(update=changes))
        assert finding.shown("en")[1].startswith(expected)
        assert finding.state == ("ok" if changes else "warning")


async def client_addresses(settings: Settings) -> Finding:
    """What ``check`` reports about them."""
    pool = await database.connect(settings.database_url.get_secret_value(), size=1)
    try:
        found = [finding async for finding in database_checks.of_schema(pool, settings, SystemClock())]
    finally:
        await pool.close()
    return next(finding for finding in found if finding.shown("en")[0] == "client addresses")
