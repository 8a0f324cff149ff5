"""Connections that send no request, or take none of what they asked for, and too many of them."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.http import connections, shutdown
from agenciaos_jobs.http.connections import ConnectionLimits, Runner

REQUEST = b"GET / HTTP/1.1\r\nHost: jobs\r\n\r\n"
LIMITS = ConnectionLimits(total=50, head_timeout=0.6, keep_alive=60)


@dataclass
class Site:
    """A server with one slow, one long and one quick page."""

    port: int
    server: web.Server | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self, client: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(client, 0))

    async def ask(self, request: bytes = REQUEST, client: str = "127.0.0.1") -> bytes:
        """The first line of the response, over a connection of its own."""
        reader, writer = await self.connect(client)
        writer.write(request)
        line = await reader.readline()
        writer.close()
        return line


@asynccontextmanager
async def running(limits: ConnectionLimits) -> AsyncIterator[Site]:
    site = Site(embedded.free_port())

    async def quick(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"hello")
        await site.release.wait()
        return response

    async def long(_: web.Request) -> web.Response:
        site.asked.set()
        return web.Response(body=b"x" * 20_000_000)

    app = web.Application()
    app.add_routes([web.get("/", quick), web.post("/", quick), web.get("/events", events), web.get("/long", long)])
    runner = Runner(app, limits, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site.server = runner.server
    await shutdown.site(runner, "127.0.0.1", site.port).start()
    try:
        yield site
    finally:
        site.release.set()
        await runner.cleanup()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "GRACE", 0.2)


def closed(reason: str) -> float:
    return metrics.CONNECTIONS_CLOSED.labels(reason)._value.get()


async def seconds_until_closed(reader: asyncio.StreamReader) -> float:
    began = time.monotonic()
    async with asyncio.timeout(20):
        with suppress(ConnectionResetError):
            await reader.read()
    return time.monotonic() - began


IDLE = ConnectionLimits(total=50, head_timeout=60, keep_alive=0.6)


@pytest.mark.parametrize(
    ("sent", "limits"),
    [(b"", LIMITS), (b"GET / HT", LIMITS), (REQUEST, IDLE), (REQUEST + REQUEST[:-2], IDLE)],
    ids=["no request", "half a head", "idle afterwards", "half of the next head at once"],
)
async def test_a_connection_without_a_request_is_closed(sent: bytes, limits: ConnectionLimits):
    async with running(limits) as site:
        reader, writer = await site.connect()
        writer.write(sent)
        assert await seconds_until_closed(reader) > 0.5
        writer.close()


@pytest.mark.parametrize("before", [b"", REQUEST], ids=["the first head", "the next head"])
async def test_a_head_that_drips_is_closed_however_often_a_byte_comes(before: bytes):
    async with running(LIMITS) as site:
        reader, writer = await site.connect()
        writer.write(before)
        if before:
            await reader.readuntil(b"ok")

        async def drip() -> None:
            for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"x" * 10_000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await seconds_until_closed(reader) > 0.5
        dripping.cancel()


async def test_what_takes_long_for_another_reason_stays():
    async with running(LIMITS) as site:
        stream, stream_writer = await site.connect()
        stream_writer.write(b"GET /events HTTP/1.1\r\nHost: jobs\r\n\r\n")
        upload, upload_writer = await site.connect()
        upload_writer.write(b"POST / HTTP/1.1\r\nHost: jobs\r\nContent-Length: 2\r\n\r\n1")
        await stream.readuntil(b"hello")
        idle, _ = await site.connect()
        await seconds_until_closed(idle)  # so long the others take already
        upload_writer.write(b"2")
        assert await upload.readline() == b"HTTP/1.1 200 OK\r\n"
        assert not stream.at_eof()
        upload_writer.close()
        stream_writer.close()


async def test_an_address_holds_so_many_half_open_connections_and_no_more():
    async with running(replace(LIMITS, half_open=10, head_timeout=20, total=500)) as site:
        before = closed("half_open")
        idle = [await site.connect() for _ in range(40)]
        neighbor, _ = await site.connect("127.0.0.2")
        async with asyncio.timeout(5):
            while sum(reader.at_eof() for reader, _ in idle) < 30 or "127.0.0.2" not in site.server.half_open:
                await asyncio.sleep(0.02)
        assert site.server.half_open == {"127.0.0.1": 10, "127.0.0.2": 1}
        assert closed("half_open") == before + 30
        assert not neighbor.at_eof()
        assert await site.ask() == b"HTTP/1.1 200 OK\r\n"
        # Once they have sent a request, they do not count.
        kept = [pair for pair in idle if not pair[0].at_eof()]
        for reader, writer in kept:
            writer.write(REQUEST)
            await reader.readuntil(b"ok")
        assert site.server.half_open == {"127.0.0.2": 1}


async def test_a_burst_of_clients_at_one_address_is_served(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "GRACE", 5)
    async with running(replace(LIMITS, half_open=10, head_timeout=20, total=500)) as site:
        assert await asyncio.gather(*(site.ask() for _ in range(300))) == [b"HTTP/1.1 200 OK\r\n"] * 300


async def test_where_there_are_too_many_the_oldest_idle_one_goes():
    async with running(replace(LIMITS, total=5, keep_alive=60, head_timeout=60)) as site:
        stream, writer = await site.connect()
        writer.write(b"GET /events HTTP/1.1\r\nHost: jobs\r\n\r\n")
        await stream.readuntil(b"hello")
        idle = [await site.connect() for _ in range(4)]
        assert await site.ask() == b"HTTP/1.1 200 OK\r\n"
        assert await asyncio.wait_for(idle[0][0].read(), 5) == b""
        assert [reader.at_eof() for reader, _ in idle] == [True, False, False, False]
        assert not stream.at_eof()


async def test_where_all_are_busy_the_answer_is_503_until_one_ends():
    async with running(replace(LIMITS, total=3)) as site:
        streams = [await site.connect() for _ in range(3)]
        for reader, writer in streams:
            writer.write(b"GET /events HTTP/1.1\r\nHost: jobs\r\n\r\n")
            await reader.readuntil(b"hello")
        reader, writer = await site.connect()
        refusal = await asyncio.wait_for(reader.read(), 5)
        assert refusal.startswith(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n")
        streams[0][1].close()
        async with asyncio.timeout(5):
            while await site.ask() != b"HTTP/1.1 200 OK\r\n":
                await asyncio.sleep(0.02)


async def test_a_client_that_never_reads_its_responses_is_dropped(monkeypatch: pytest.MonkeyPatch):
    def keep_alive(connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 700)  # 30,000 otherwise

    monkeypatch.setattr(connections, "keep_alive", keep_alive)
    async with running(LIMITS) as site:
        _, writer = await site.connect()
        writer.transport.pause_reading()
        writer.write(b"GET /long HTTP/1.1\r\nHost: jobs\r\n\r\n")
        async with asyncio.timeout(10):
            await site.asked.wait()
            while site.server.connections:
                await asyncio.sleep(0.05)


def test_the_limit_leaves_room_for_other_files(monkeypatch: pytest.MonkeyPatch):
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, limits: raised.append(limits))
    for (soft, hard), expected, limit in (
        ((1024, 524_288), 2_000, (2_200, 524_288)),
        ((1024, 1024), 824, (1024, 1024)),
        ((100, 100), 1, (100, 100)),
    ):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, both=(soft, hard): both)
        assert connections._within_file_limit(2_000) == expected
        assert raised.pop() == limit
