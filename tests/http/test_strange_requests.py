"""Requests that no client of ours sends: compressed, oversized, malformed, and by the thousand."""

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import AsyncIterator

import asyncpg
import pytest
from support.browsing import PAGE, operator, stranger
from support.guru import TOKEN, body
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

FORM = "application/x-www-form-urlencoded"
JSON = {"Content-Type": "application/json"}
NO_KEY = {"Authorization": ""}
DEEP = b64encode(b"[" * 5_500)
READERS = [
    ("POST", "/api/trigger"),
    ("POST", "/webhooks/guru"),
    ("POST", "/webhooks/openai"),
    ("POST", "/api/v1/tasks/monthly-report/trigger"),
    ("POST", "/api/v3/batches/batch_1/items"),
    ("PUT", "/api/packets/packet_1"),
    ("POST", "/login"),
    ("POST", "/preferences"),
]


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings) as service:
        yield service


@pytest.fixture
async def limited(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings.model_copy(update={"rate_limit_key": 8, "rate_limit_address": 3})) as service:
        yield service


async def send(service: Service, method: str, path: str, content: bytes, **headers: str) -> tuple[int, str]:
    async with service.http.request(method, path, data=content, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "nonsense"])
async def test_a_compressed_body_is_refused_before_it_is_read(server: Service, coding: str):
    for method, path in READERS:
        status, text = await send(server, method, path, gzip.compress(b"{}"), **JSON, **{"Content-Encoding": coding})
        assert (status, json.loads(text)["title"]) == (415, "Tipo de conteúdo não aceito"), path


async def test_a_body_that_says_identity_is_read(server: Service):
    sent = json.dumps({"type": "monthly-report", "payload": {"month": "2026-01"}}).encode()
    assert (await send(server, "POST", "/api/trigger", sent, **JSON, **{"Content-Encoding": "identity"}))[0] == 200


async def test_a_large_body_is_read_from_whoever_has_the_key(server: Service, db: asyncpg.Connection):
    large = json.dumps(body("tx_approved", contact__name="x" * 300_000)).encode()
    for path in ("/webhooks/guru", "/api/trigger"):
        status, text = await send(server, "POST", path, large, **JSON, **NO_KEY)
        assert (status, "256 kB" in json.loads(text)["detail"]) == (413, True)
        assert (await send(server, "POST", path, large, **JSON))[0] == 200
    assert (await send(server, "POST", "/webhooks/openai", large, **JSON, **NO_KEY))[0] == 413
    assert (await send(server, "POST", "/login", large, **{"Content-Type": FORM}))[0] == 413
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 2


async def test_a_body_without_a_length_is_read_no_further_than_the_limit(server: Service):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b"x" * 10_000

    async with server.http.post("/webhooks/guru", data=endless(), headers=NO_KEY) as response:
        assert response.status == 413


async def test_of_many_tokens_in_a_text_only_the_first_are_compared(server: Service):
    guesses = "&".join(f"api_token={'B' * 40}" for _ in range(50))
    assert (await send(server, "POST", "/webhooks/guru", f"api_token={TOKEN}&{guesses}".encode(), **NO_KEY))[0] == 200
    assert (await send(server, "POST", "/webhooks/guru", f"{guesses}&api_token={TOKEN}".encode(), **NO_KEY))[0] == 401


async def test_the_sender_of_a_wrong_token_is_counted_before_the_body_is_read(limited: Service):
    for path in ("/webhooks/guru", "/api/trigger"):
        async with asyncio.timeout(30):
            while True:  # a window may end in between
                broken = b"\xff" * 300_000  # too large: 413 once it is looked at
                status, _ = await send(limited, "POST", path, broken, **JSON, **NO_KEY)
                if status == 429:
                    break
                assert status == 413


async def test_authentic_webhooks_use_up_no_address_s_limit(limited: Service):
    for _ in range(8):
        status, _ = await send(limited, "POST", "/webhooks/guru", json.dumps(body("tx_approved")).encode(), **NO_KEY)
        assert status == 200


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/no-such-page", 404),
        ("DELETE", "/api/trigger", 405),
        ("GET", "/api/v1/prompts", 501),
        ("GET", "/static/x/y", 404),
        ("GET", "/login", 200),
        ("GET", "/runs", 303),
        ("GET", "/live", 204),
        ("POST", "/login", 401),
        ("POST", "/api/trigger", 415),
    ],
)
async def test_every_stranger_is_counted_by_address(limited: Service, method: str, path: str, expected: int):
    headers = {**NO_KEY, **PAGE} if path == "/runs" else NO_KEY
    if expected == 415:
        headers = {**headers, "Content-Encoding": "gzip"}
    async with asyncio.timeout(30):
        while True:  # a window may end in between
            content = b"password=wrong" if path == "/login" and method == "POST" else b""
            status, _ = await send(limited, method, path, content, **{"Content-Type": FORM}, **headers)
            if status == 429:
                break
            assert status == expected


async def test_who_is_logged_in_and_who_has_the_key_is_not(limited: Service):
    async with operator(limited) as browser:
        for _ in range(6):
            assert (await browser.get("/runs"))[0] == 200
    for _ in range(6):
        assert (await send(limited, "GET", "/api/v1/prompts", b""))[0] == 501


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        (f"{FORM}; charset=nonsense", b"password=x", 415),
        (f"{FORM}; charset=utf-16", "password=x".encode("utf-16"), 415),
        (f"{FORM}; charset=\xff", b"password=x", 415),
        (f"{FORM}; charset", b"password=x", 401),
        (FORM, b"password=\xff\xfe", 400),
        (FORM, b"password=%FF", 400),
        (FORM, b"&".join(b"a%d=1" % number for number in range(1_001)), 400),
        (FORM, b"password=%00", 422),
        (FORM, b"&&==&=x&%&%zz", 401),
        (FORM, b"", 401),
        ("multipart/form-data; boundary=x", b"--x\r\nrubbish", 415),
        ("multipart/form-data", b"x", 415),
        ("multipart/form-data; boundary=" + "y" * 100, b"", 401),
        ("application/json; charset=nonsense", b"{}", 415),
        ("nonsense", b"password=correct horse", 415),
        (";;;", b"x", 415),
    ],
)
async def test_a_malformed_form_is_the_sender_s_fault(
    server: Service, content_type: str, content: bytes, expected: int
):
    async with stranger(server) as browser:
        for path in ("/login", "/preferences"):
            headers = {"Content-Type": content_type}
            async with browser.http.post(path, data=content, headers=headers, allow_redirects=False) as response:
                status = 303 if (path, expected) == ("/preferences", 401) else expected
                assert response.status == status, await response.text()


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /webhooks/guru HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdeXX\r\n",
        b"POST /login HTTP/1.1\r\nContent-Type: " + FORM.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\nz",
        b"GET /login?next=%ff%fe HTTP/1.1\r\n\r\n",
        b"GET /login?next=\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET /login HTTP/1.1\r\nAccept-Language: \xff;q=x,,;;q=1e999,pt;q=nan\r\n\r\n",
        b"GET /runs HTTP/1.1\r\nAccept: text/html\r\nCookie: agenciaos_session=\xff.999999999999.\xff\r\n\r\n",
        b"GET /runs HTTP/1.1\r\nAccept: text/html\r\nCookie: agenciaos_session=x.999999999999.x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nAccept: text/html\r\n\r\n",
        b"GET /api/packets/%ff HTTP/1.1\r\nX-Forwarded-For: \xff\r\n\r\n",
        b"PUT /api/packets/x?expires=9e9&signature=\xff HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /api/trigger HTTP/1.1\r\nContent-Type: application/json; charset=nonsense\r\nContent-Length: 1\r\n\r\n{",
        b"GET /api/v1/runs HTTP/1.1\r\nAuthorization: Bearer eyJ\xff.x.x\r\n\r\n",
        b"GET /api/v1/runs HTTP/1.1\r\nAuthorization: Bearer " + DEEP + b".e30.x\r\n\r\n",
        b"GET /api/v1/runs HTTP/1.1\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9." + DEEP + b".x\r\n\r\n",
    ],
)
async def test_no_bytes_of_a_stranger_are_the_server_s_error(server: Service, request_: bytes):
    assert 200 <= await status_of(server, request_) < 500


async def status_of(server: Service, request: bytes) -> int:
    """The status of a request that is sent as it is."""
    url = server.http._base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    line, rest = request.split(b"\r\n", 1)
    writer.write(line + b"\r\nHost: localhost\r\nConnection: close\r\n" + rest)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


MOMENTS = ["0001-01-01T00:00+14:00", "0001-01-01T00:00Z", "9999-12-31T23:59-14:00", "9999-12-31T23:59:59Z", "-1"]
LISTS = ["/runs?from={}", "/runs?to={}", "/runs?from={0}&to={0}", "/alerts?after={} a", "/errors?after={} a"]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_moments_at_the_ends_of_the_calendar_filter_nothing_or_are_refused(server: Service, moment: str):
    async with operator(server) as browser:
        for path in LISTS:
            assert (await browser.get(path.format(moment).replace("+", "%2B")))[0] == 200, path
        fields: dict[str, object] = {"action": "cancel-all", "from": moment, "to": moment}
        assert (await browser.post("/runs/bulk", fields))[0] == 200
    for end in ("from", "to"):
        for given in (moment, "-62135596800000", "253402300799999", "9" * 30, "9" * 5_000):
            path = f"/api/v1/runs?filter[createdAt][{end}]={given}".replace("+", "%2B")
            assert (await server.get(path))[0] == (200 if given == "-1" else 422), path


async def test_pages_of_reports_at_the_ends_of_the_calendar(server: Service):
    async with operator(server) as browser:
        for month in ("0000-01", "0001-01", "0002-01", "9998-12", "9999-12"):
            for path in (f"/reports?month={month}", f"/reports/{month}/agency-123", f"/reports/{month}.csv"):
                assert (await browser.get(path))[0] in (200, 404), path


@pytest.mark.parametrize("size", ["000000001999999", "000000001" + "0" * 5_000, "²", "0"])
async def test_a_page_s_size_is_limited_however_it_is_written(server: Service, size: str):
    assert (await server.get(f"/api/v1/runs?page[size]={size}"))[0] == 422
