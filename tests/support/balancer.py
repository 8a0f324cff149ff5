"""A small balancer, as platforms have one: it asks ``/readyz``, keeps connections, and never sends a POST twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

_ASKED_EVERY = 0.2
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}


class Balancer:
    """Takes requests in turn to those of ``backends`` that say they are ready."""

    def __init__(self) -> None:
        self.backends: list[str] = []
        self.ready: set[str] = set()
        self.bad_gateways: list[str] = []
        self._turns = count()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self._server.make_url("/")).rstrip("/")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Balancer"]:
        async with aiohttp.ClientSession() as self._http:
            await self._server.start_server()
            asking = asyncio.create_task(self._ask())
            try:
                yield self
            finally:
                asking.cancel()
                await self._server.close()

    async def finds(self, *backends: str) -> None:
        async with asyncio.timeout(30):
            while not self.ready >= set(backends):
                await asyncio.sleep(0.05)

    async def _ask(self) -> None:
        while True:
            for backend in list(self.backends):
                try:
                    async with self._http.get(f"{backend}/readyz", timeout=aiohttp.ClientTimeout(2)) as response:
                        is_ready = response.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    is_ready = False
                (self.ready.add if is_ready else self.ready.discard)(backend)
            await asyncio.sleep(_ASKED_EVERY)

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        ready = [backend for backend in self.backends if backend in self.ready]
        for _ in ready:
            backend = ready[next(self._turns) % len(ready)]
            try:
                async with self._http.request(
                    request.method, backend + request.path_qs, data=body, headers=kept
                ) as response:
                    return web.Response(
                        status=response.status, body=await response.read(), content_type="application/json"
                    )
            except aiohttp.ClientConnectorError:
                continue  # it was not taken: another may have it
            except aiohttp.ClientError as error:
                self.bad_gateways.append(f"{backend}: {error!r}")
                return web.Response(status=502)
        return web.Response(status=502, text="no backend is ready")
