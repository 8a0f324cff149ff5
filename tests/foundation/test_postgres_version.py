"""A Postgres that is too old is refused by its number at the start, before anything is asked of it."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from support.commands import cli
from support.processes import environment

from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.connections.connector import UnsupportedPostgresError
from agenciaos_jobs.settings import Settings


def message(kind: bytes, body: bytes) -> bytes:
    """A message of Postgres's protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html."""
    return kind + struct.pack("!i", len(body) + 4) + body


@asynccontextmanager
async def postgres_of(version: str) -> AsyncIterator[str]:
    """The address of a server that lets anybody in and announces this version."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        await reader.readexactly(length - 4)
        parameters = {"server_version": version, "client_encoding": "UTF8", "integer_datetimes": "on"}
        writer.write(message(b"R", struct.pack("!i", 0)))
        for name, value in parameters.items():
            writer.write(message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I"))
        await reader.readexactly(5)  # Terminate
        writer.close()

    async with await asyncio.start_server(welcome, "127.0.0.1", 0) as server:
        yield f"postgresql://u@127.0.0.1:{server.sockets[0].getsockname()[1]}/d?sslmode=disable"


async def test_an_old_server_is_refused_by_its_version():
    async with postgres_of("13.14 (Debian 13.14-1)") as url:
        with pytest.raises(UnsupportedPostgresError, match=r"14 or later is needed: 13$"):
            await database.connect(url, size=1, max_wait=5)


async def test_each_command_says_so_in_one_sentence(settings: Settings, tmp_path: Path):
    async with postgres_of("12.3") as url:
        old = settings.model_copy(update={"database_url": SecretStr(url)})
        for command in ("serve", "check"):
            code, text = await cli(command, env=environment(old), cwd=tmp_path)
            assert (code, "release 14 or later is needed: 12" in text, "Traceback" in text) == (1, True, False), text
