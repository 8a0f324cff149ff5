"""A Postgres behind TLS: which certificates each mode accepts."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.database import DatabaseUnavailableError

AUTHORITY = trustme.CA()


@asynccontextmanager
async def encrypting(name: str) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that agrees to TLS and closes after the client's first message; yields its port and what came."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(name).configure_cert(context)
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(8)
            writer.write(b"S")
            await writer.start_tls(context)
            received.append(await reader.read(4))
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], received


@pytest.mark.parametrize(
    ("name", "options", "is_trusted"),
    [
        ("localhost", "sslmode=no-verify", True),
        ("localhost", "ssl=true", True),
        ("localhost", "sslmode=require&sslaccept=accept_invalid_certs", True),
        ("localhost", "sslmode=verify-full", False),
        ("localhost", "sslmode=require&sslaccept=strict", False),
        ("localhost", "sslmode=verify-full&sslrootcert=system", False),
        ("localhost", "sslmode=verify-full&sslrootcert={authority}", True),
        ("elsewhere", "sslmode=verify-full&sslrootcert={authority}", False),
        ("elsewhere", "sslmode=verify-ca&sslrootcert={authority}", True),
        ("elsewhere", "sslmode=no-verify&sslrootcert={authority}", True),
    ],
)
async def test_each_mode_accepts_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, options: str, is_trusted: bool
):
    monkeypatch.setenv("HOME", str(tmp_path))
    authority = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    async with encrypting(name) as (port, received):
        url = f"postgresql://u:secret@localhost:{port}/d?{options.format(authority=authority)}"
        with pytest.raises(DatabaseUnavailableError, match=None if is_trusted else "certificate verify failed"):
            await database.connect(url, size=1, max_wait=5)
    assert bool(any(received)) == is_trusted
