"""Durable triggers a second through HTTP: one server process, 32 connections, the row committed before the answer."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import uvloop

from agenciaos_jobs.dev import embedded
from bench import workers
from bench.table import Row

OURS = (sys.executable, "-m", "agenciaos_jobs", "serve")
PLAIN = (sys.executable, "-m", "bench.plain_server")
_CONNECTIONS = 32
_ROUNDS = 5
KEY = "tr_bench_0123456789"
_GURU_TOKEN = "A" * 40
_TRIGGER = b'{"type":"monthly-report","payload":{"month":"2026-10"},"delay":"1d"}'
_DELIVERY = (Path(__file__).parents[1] / "tests" / "guru" / "sub_active.json").read_bytes()


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    plain, ours = _in_turns(environment, runs)
    guru = _in_turns(environment, 1_500, [OURS], _request("/webhooks/guru", _DELIVERY), connections=15)[0]
    rows = (
        ("HTTP triggers, 32 connections", "aiohttp + enqueue_job (not durable)", plain, None),
        ("", "agenciaos-jobs serve (durable)", ours, plain[0]),
        ("Guru's webhooks, 15 at once", "agenciaos-jobs serve (stored first)", guru, None),
    )
    return [
        row
        for what, who, (rate, p99), base in rows
        for row in (Row(what, who, rate, "/s", base), Row("", who, p99 * 1000, "ms p99"))
    ]


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _in_turns(
    environment: Mapping[str, str],
    runs: int,
    commands: Sequence[Sequence[str]] = (PLAIN, OURS),
    request: bytes = b"",
    connections: int = _CONNECTIONS,
) -> list[tuple[float, float]]:
    """Requests a second and the 99th percentile in seconds, for each server: medians of five rounds after a first one.

    In turns, because a machine is not the same from one minute to the next.
    """
    request = request or _request("/api/trigger", _TRIGGER)
    with ExitStack() as started, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ports = [started.enter_context(serving(environment, command)) for command in commands]
        rounds = [[runner.run(_load(port, runs, request, connections)) for port in ports] for _ in range(1 + _ROUNDS)]
    return [
        (median(rate for rate, _ in of_one), median(p99 for _, p99 in of_one))
        for of_one in zip(*rounds[1:], strict=True)
    ]


@contextmanager
def serving(environment: Mapping[str, str], command: Sequence[str] = OURS) -> Iterator[int]:
    """A server process without limits on its callers; the port that it listens at."""
    port = embedded.free_port()
    given = {**os.environ, **environment, "TRIGGER_SECRET_KEY": KEY, "PORT": str(port), "HOST": "127.0.0.1"}
    given |= {"DMG_WEBHOOK_SECRET": _GURU_TOKEN, "RATE_LIMIT_KEY": "0", "RATE_LIMIT_ADDRESS": "0"}
    given["PYTHONPATH"] = str(workers.HERE.parent)
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log").open("w") as log:
        process = subprocess.Popen(command, env=given, stdout=log, stderr=log)
        try:
            embedded.wait_for_port(process, port, "server")
            yield port
        finally:
            embedded.stop(process)


async def _load(port: int, runs: int, request: bytes, connections: int) -> tuple[float, float]:
    """Sends prepared bytes over raw connections, so that the client costs little of the two cores."""
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    clients = [_Client(request, runs // connections) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    took = [seconds for client in clients for seconds in await client.done]
    return len(took) / (time.perf_counter() - began), sorted(took)[int(len(took) * 0.99)]


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request when it has the answer to the last."""

    def __init__(self, request: bytes, count: int) -> None:
        self._request, self._left, self._took = request, count, []  # type: ignore[var-annotated]
        self.done: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200"), data
        assert data.endswith(b"}"), "an answer in two pieces"
        self._took.append(time.perf_counter() - self._sent_at)
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(self._took)
