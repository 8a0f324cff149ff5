"""A TCP proxy that can forget its connections as a router or a balancer does: without a reset."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

T = TypeVar("T")
Upstream = str | tuple[str, int]


def postgres_upstream(url: str) -> Upstream:
    """Where the server of a DATABASE_URL listens: a socket's path, or a host and a port."""
    parts = urlsplit(url)
    port = parts.port or 5432
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def redis_upstream(url: str) -> Upstream:
    """Where the server of a REDIS_URL listens: a socket's path, or a host and a port."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else (parts.hostname or "localhost", parts.port or 6379)


class _Link:
    """One client's connection and the connection to the server that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server, self.is_frozen = client, server, False


class FreezingProxy:
    """Runs in a thread of its own, so that it carries on while the process that freezes it waits for something."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def freeze(self) -> int:
        """Carries nothing more over the present connections, in either direction; returns how many they are."""
        return self._call(self._freeze())

    def drop_frozen(self) -> None:
        """Ends the frozen connections at the server, as its keepalive would. Their clients do not notice."""
        self._call(self._drop_frozen())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _freeze(self) -> int:
        present = [link for link in self._links if not link.is_frozen]
        for link in present:
            link.is_frozen = True
        return len(present)

    async def _drop_frozen(self) -> None:
        for link in self._links:
            if link.is_frozen:
                link.server.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        for link in self._links:
            link.client.transport.abort()
            link.server.transport.abort()
        carrying = asyncio.all_tasks() - {asyncio.current_task()}
        if carrying:
            await asyncio.wait(carrying, timeout=5)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        await asyncio.gather(
            self._carry(link, reader, server_writer), self._carry(link, server_reader, writer), return_exceptions=True
        )
        self._links.discard(link)
        for end in (writer, server_writer):
            end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, str):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    async def _carry(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries bytes, and the end of the connection, unless the link is frozen."""
        with suppress(OSError):
            while sent := await reader.read(65_536):
                if not link.is_frozen:
                    writer.write(sent)
                    await writer.drain()
        if not link.is_frozen:
            writer.close()
