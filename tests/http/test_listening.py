"""The addresses at which a server listens."""

import asyncio
import socket

import pytest
from aiohttp import web

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.http import shutdown


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_two_colons_are_both_families():
    runner, port = web.AppRunner(web.Application()), embedded.free_port()
    await runner.setup()
    try:
        await shutdown.site(runner, "::", port).start()
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    finally:
        await runner.cleanup()
