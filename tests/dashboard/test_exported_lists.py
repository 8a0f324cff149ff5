"""Runs, payments and error groups as files, with the filters of their pages."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import asyncpg
import pytest
from support.browsing import operator, stranger
from support.clock import FrozenClock
from support.exported import many, records, sheet
from support.service import running_server

from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 28, 15, tzinfo=UTC)
FORMULA = '=HYPERLINK("http://x.example";"a")'


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


async def test_files_follow_the_filters_of_their_pages(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    await many(db, 1_200, NOW)
    await db.execute("UPDATE agencies SET name = $1 WHERE id = 'agency-124'", FORMULA)
    async with running_server(settings, clock) as service, operator(service) as browser:
        ten_minutes = (NOW - timedelta(minutes=10)).strftime("%Y%m%dT%H%MZ")
        for query, expected in (
            ("", 1_200),
            ("?status=FAILED", 900),
            ("?status=failures&agency=agency-124", 300),
            (f"?from={ten_minutes}", 600),
            ("?tag=none", 0),
            ("?source=sdk", 0),
            ("?status=exploded", 1_200),
        ):
            assert len(await sheet(browser, f"/runs.csv{query}")) == 1 + expected, query
            assert len(await records(browser, f"/runs.json{query}")) == expected, query
        found = await records(browser, "/runs.json?agency=agency-124&status=failures")
        assert found[0] | {"id": "", "error": ""} == {
            "id": "",
            "task": "process-payment-webhook",
            "status": "FAILED",
            "statusText": "Falhou",
            "agencyId": "agency-124",
            "agency": FORMULA,
            "source": "api",
            "tags": ['é;"x"', "b"],
            "attempt": 0,
            "createdAt": "2026-11-28T14:59:59Z",
            "dueAt": "2026-11-28T14:59:59Z",
            "startedAt": None,
            "finishedAt": "2026-11-28T14:59:59Z",
            "error": "",
        }
        rows = await sheet(browser, "/runs.csv?agency=agency-124&status=failures")
        assert rows[0][:6] == ["Execução", "Tarefa", "Situação", "Situação por extenso", "Id da agência", "Agência"]
        assert rows[1][4:10] == ["agency-124", f"'{FORMULA}", "api", 'é;"x", b', "0", "28/11/2026 11:59:59"]


async def test_payments_and_errors_are_exported_too(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    await db.execute(
        """INSERT INTO jobs.payment_events (run_id, source, event, occurred_at, recorded_at, action, reason, payload,
                                            agency_id, amount, email)
           SELECT 'run_' || n, CASE WHEN n % 2 = 0 THEN 'guru' ELSE 'api' END, 'transaction', $1, $1,
                  CASE WHEN n % 4 = 0 THEN 'activated' ELSE 'unchanged' END, '', '{}', 'agency-123', 97.5, '@a;"b"'
           FROM generate_series(1, 1100) AS n""",
        NOW,
    )
    await db.execute(
        """INSERT INTO jobs.error_groups (fingerprint, task, type, code, message, count, first_seen_at, last_seen_at,
                                          last_run_id, resolved_at)
           SELECT 'group_' || n, 'process-payment-webhook', 'GiveUp', NULL, '-1+1 "é"', n, $1,
                  $1::timestamptz - n % 7 * interval '1 minute', 'run_1', CASE WHEN n % 3 = 0 THEN $1 END
           FROM generate_series(1, 1100) AS n""",
        NOW,
    )
    async with running_server(settings, clock) as service, operator(service) as browser:
        for query, expected in (("", 1_100), ("?action=activated", 275), ("?source=api&agency=agency-123", 550)):
            assert len(await sheet(browser, f"/payments.csv{query}")) == 1 + expected, query
        rows = await records(browser, "/payments.json")
        assert (rows[0]["id"], rows[0]["amount"], rows[0]["currency"], rows[0]["email"]) == (
            1_100,
            "97.5",
            "BRL",
            '@a;"b"',
        )
        line = (await sheet(browser, "/payments.csv"))[1]
        assert (line[10], line[11]) == ("""'@a;"b\"""", "97,5")
        for query, expected in (
            ("", 734),
            ("?state=all", 1_100),
            ("?state=resolved&task=process-payment-webhook", 366),
        ):
            found = await records(browser, f"/errors.json{query}")
            assert (len(found), len({row["id"] for row in found})) == (expected, expected), query
        assert (await sheet(browser, "/errors.csv"))[1][4] == """'-1+1 "é\""""


async def test_each_page_has_the_links_to_its_files(settings: Settings, clock: FrozenClock):
    async with running_server(settings, clock) as service, operator(service) as browser:
        for page, query in (
            ("runs", "?status=FAILED&q=x"),
            ("payments", "?action=activated"),
            ("errors", "?state=all&period=7d"),
            ("costs", "?month=2026-10&by=model"),
        ):
            _, text = await browser.get(f"/{page}{query}")
            links = [unescape(link) for link in re.findall(r'href="([^"]+)" download', text)]
            assert links == [f"/{page}.csv{query}", f"/{page}.json{query}"]
            for link in links:
                async with browser.http.get(link) as response:
                    kind = link.partition(".")[2].partition("?")[0]
                    assert re.fullmatch(
                        rf'attachment; filename="[a-z]+-(2026-10-)?2026-11-28\.{kind}"',
                        response.headers["Content-Disposition"],
                    )
                    assert len((await response.text()).splitlines()) == 1
        async with stranger(service) as visitor:
            assert (await visitor.get("/runs.csv"))[0] == 303
            async with visitor.http.get("/runs.json", headers={"Accept": "*/*"}) as response:
                assert response.status == 401
