"""A Redis behind TLS with a certificate that no public authority has signed, as Heroku's."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from pydantic import SecretStr
from support.commands import cli
from support.processes import environment
from support.service import running_server, running_worker

from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.queue_probe import UntrustedCertificateError
from agenciaos_jobs.settings import Settings

AUTHORITY = trustme.CA()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def behind_tls(path: str) -> AsyncIterator[SecretStr]:
    """The address of the Redis at ``path``, over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("localhost").configure_cert(context)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_unix_connection(path)
        await asyncio.gather(forward(reader, downstream), forward(upstream, writer))

    async with await asyncio.start_server(join, "127.0.0.1", 0, ssl=context) as server:
        yield SecretStr(f"rediss://localhost:{server.sockets[0].getsockname()[1]}/0")


@pytest.fixture
async def untrusted(settings: Settings) -> AsyncIterator[Settings]:
    assert settings.redis_url
    async with behind_tls(urlsplit(settings.redis_url.get_secret_value()).path) as url:
        yield settings.model_copy(update={"redis_url": url})


async def test_a_certificate_that_is_not_trusted_stops_the_start_and_names_the_setting(
    untrusted: Settings, tmp_path: Path
):
    with pytest.raises(UntrustedCertificateError, match="certificate"):
        async with running_server(untrusted):
            pass
    with pytest.raises(queue.UNAVAILABLE, match="certificate"):  # arq's own worker asks Redis before it starts ours
        async with running_worker(untrusted):
            pass
    for command in ("serve", "worker", "check"):
        code, text = await cli(command, env=environment(untrusted), cwd=tmp_path)
        lines = [line for line in text.splitlines() if "REDIS_TLS_VERIFY" in line]
        assert (code, len(lines), "certificate" in lines[0], "Traceback" in text) == (1, 1, True, False), text


async def test_the_certificate_is_trusted_by_its_authority_or_not_verified(untrusted: Settings, tmp_path: Path):
    authority = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    for verify in (authority, False):
        async with running_server(untrusted.model_copy(update={"redis_tls_verify": verify})) as server:
            status, readiness = await server.get("/readyz")
            assert (status, readiness["queue"]) == (200, "ok")


@pytest.mark.parametrize(
    ("given", "expected"), [("0", False), ("false", False), ("1", True), (__file__, Path(__file__))]
)
def test_the_setting_is_a_switch_or_a_file(monkeypatch: pytest.MonkeyPatch, given: str, expected: bool | Path):
    monkeypatch.setenv("REDIS_TLS_VERIFY", given)
    assert Settings.load().redis_tls_verify == expected
