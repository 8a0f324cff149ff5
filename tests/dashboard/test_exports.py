"""Lists as files: complete, and sent page by page to whoever reads them, or doesn't."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import pytest
from support.browsing import operator
from support.clock import FrozenClock
from support.exported import many, records, sheet
from support.service import PATIENCE, running_server

from agenciaos_jobs.dashboard.pages.exports import stream
from agenciaos_jobs.dashboard.store import runs
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 28, 15, tzinfo=UTC)


BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each page of runs that is read, by its rows."""
    found, original = list[int](), runs.listing

    async def counted(*arguments: Any, **options: Any) -> runs.Listing:
        page = await original(*arguments, **options)
        found.append(len(page.rows))
        return page

    monkeypatch.setattr(runs, "listing", counted)
    return found


@pytest.mark.slow
async def test_twenty_thousand_runs_come_page_by_page(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, sizes: list[int]
):
    await many(db, 20_250, NOW)
    async with running_server(settings, clock) as service, operator(service) as browser:
        sizes.clear()
        rows = await sheet(browser, "/runs.csv")
        assert len({row[0] for row in rows[1:]}) == len(rows) - 1 == 20_250
        assert rows[1:] == sorted(rows[1:], reverse=True)
        assert sizes == [stream.ROWS] * 40 + [250]
        assert [row["id"] for row in await records(browser, "/runs.json")] == [row[0] for row in rows[1:]]


@pytest.mark.slow
async def test_nothing_is_held_for_a_client_that_does_not_read_or_leaves(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, sizes: list[int], monkeypatch: pytest.MonkeyPatch
):
    await many(db, 20_250, NOW)
    async with running_server(settings, clock) as service, operator(service) as browser:
        for leaves, patience in ((True, 60.0), (False, 0.1)):
            sizes.clear()
            monkeypatch.setattr(stream, "STALLED_AFTER", patience)
            reader, writer = await asyncio.open_connection(
                service.http._base_url.host, service.http._base_url.port, limit=2**10
            )
            cookie = "; ".join(f"{item.key}={item.value}" for item in browser.http.cookie_jar)
            writer.write(f"GET /runs.json HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            async with asyncio.timeout(PATIENCE):
                while await grows(sizes):
                    pass
            assert 0 < len(sizes) < 41
            async with asyncio.timeout(PATIENCE):
                while await db.fetchval(BUSY):
                    await asyncio.sleep(0.02)
            if leaves:
                writer.transport.abort()
            else:  # the server leaves
                rest = await asyncio.wait_for(reader.read(-1), PATIENCE)
                assert not rest.endswith(b"\r\n0\r\n\r\n")
                writer.close()
            monkeypatch.setattr(stream, "STALLED_AFTER", 60.0)
            assert len(await sheet(browser, "/runs.csv?status=COMPLETED")) == 1 + 20_250 // 4


async def grows(sizes: list[int]) -> bool:
    """Whether another page is read within a moment."""
    before = len(sizes)
    await asyncio.sleep(0.3)
    return len(sizes) > before


async def test_a_file_that_is_cut_short_is_not_taken_for_a_whole_one(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
):
    await many(db, 1_200, NOW)
    original, fails_at = runs.listing, 2
    pages = 0

    async def failing(*arguments: Any, **options: Any) -> runs.Listing:
        nonlocal pages
        pages += 1
        if pages == fails_at:
            raise DatabaseUnavailableError("away")
        return await original(*arguments, **options)

    async with running_server(settings, clock) as service, operator(service) as browser:
        monkeypatch.setattr(runs, "listing", failing)
        for kind in ("csv", "json"):
            pages = 0
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
                async with browser.http.get(f"/runs.{kind}") as response:
                    await response.read()
        pages, fails_at = 0, 1
        assert (await browser.get("/runs.csv"))[0] == 503
        fails_at = 0
        assert len(await sheet(browser, "/runs.csv")) == 1_201
