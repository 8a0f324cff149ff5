"""Lists as files, as a person downloads them."""

import csv
import json
from datetime import datetime
from typing import Any

import asyncpg

from support.browsing import Browser


async def many(db: asyncpg.Connection, count: int, end: datetime) -> None:
    """Stores runs of three agencies, a second apart, each with an error of 300 characters."""
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, agency_id, tags, max_attempts, max_duration,
                                  created_at, updated_at, due_at, finished_at, error)
           SELECT jobs.id_floor('run', at) || lpad(n::text, 16, '0'),
                  'process-payment-webhook', CASE WHEN n % 4 = 0 THEN 'COMPLETED' ELSE 'FAILED' END, '{}', 'api',
                  'agency-' || 123 + n % 3, ARRAY['é;"x"', 'b'], 3, 60, at, at, at, at,
                  jsonb_build_object('message', rpad(n || ' failed', 300, '.'))
           FROM generate_series(1, $2::integer) AS n,
                LATERAL (SELECT $1::timestamptz - n * interval '1 second' AS at) AS made""",
        end,
        count,
    )


async def sheet(browser: Browser, path: str) -> list[list[str]]:
    async with browser.http.get(path) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "text/csv; charset=utf-8"), path
        content = await response.read()
    assert content.startswith("\ufeff".encode())
    return list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=";"))


async def records(browser: Browser, path: str) -> list[dict[str, Any]]:
    async with browser.http.get(path) as response:
        assert (response.status, response.content_type) == (200, "application/json"), path
        found: list[dict[str, Any]] = json.loads(await response.read())
        return found
