"""The list of runs, a run's page, and what is done from there."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from support.browsing import Browser, operator
from support.clock import FrozenClock
from support.service import Service, running_server, running_worker

from agenciaos_jobs.foundation.clock import make_id
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING = ("Nada com estes filtros", "Nenhuma execução com esta etiqueta")
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


def ids(page: str) -> list[str]:
    return re.findall(r'data-row="(run_\w+)"', page)


async def many(db: asyncpg.Connection, count: int, end: datetime = NOW, **columns: str) -> list[str]:
    """Stores runs a minute apart, the newest first."""
    made = [make_id("run", end - timedelta(minutes=number), number) for number in range(count)]
    values = {"task": "generate-monthly-reports", "status": "QUEUED", "source": "api"} | columns
    await db.executemany(
        f"""INSERT INTO jobs.runs (id, payload, max_attempts, max_duration, created_at, updated_at, due_at,
                                   {", ".join(values)})
            VALUES ($1, '{{}}', 3, 60, $2, $2, $2, {", ".join(f"${3 + n}" for n in range(len(values)))})""",
        [(run_id, end - timedelta(minutes=number), *values.values()) for number, run_id in enumerate(made)],
    )
    return made


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


async def test_pages_lead_from_the_newest_run_to_the_oldest_and_back(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    made = await many(db, 120)
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, first = await browser.get("/runs")
        assert ids(first) == made[:50]
        _, second = await browser.get("/runs" + link(first, "next"))
        assert ids(second) == made[50:100]
        _, third = await browser.get("/runs" + link(second, "next"))
        assert ids(third) == made[100:]
        assert 'rel="next"' not in third
        _, back = await browser.get("/runs" + link(third, "prev"))
        assert ids(back) == made[50:100]


def link(page: str, rel: str) -> str:
    return re.search(rf'rel="{rel}" href="/runs([^"]+)"', page)[1].replace("&amp;", "&")


async def test_every_filter_narrows_the_list(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    plain = await many(db, 2)
    odd = (
        await many(
            db,
            1,
            NOW - timedelta(days=3),
            task="process-payment-webhook",
            status="FAILED",
            source="sdk",
            agency_id="agency-124",
        )
    )[0]
    await db.execute(
        "UPDATE jobs.runs SET error = $2 WHERE id = $1", odd, json.dumps({"type": "E", "message": "50% of nothing"})
    )
    await db.execute("INSERT INTO jobs.run_tags (tag, run_id) VALUES ('verão', $1)", odd)
    async with running_server(settings, clock) as service, operator(service) as browser:
        for query in (
            "task=process-payment-webhook",
            "status=FAILED",
            "status=failures",
            "source=sdk",
            "agency=agency-124",
            "tag=ver%C3%A3o",
            "q=50%25 OF",
            f"q={odd}",
            "from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z",
        ):
            assert ids((await browser.get(f"/runs?{query}"))[1]) == [odd], query
        _, page = await browser.get("/runs?from=20261121T0300Z&to=20261121T0400Z")
        assert ("<b>21 nov, 00:00</b>" in page, "<b>21 nov, 01:00</b>" in page, ids(page)) == (True, True, [])
        for query in ("period=24h", "status=open", "period=1h&source=api"):
            assert ids((await browser.get(f"/runs?{query}"))[1]) == plain, query
        for query in ("q=100%25", "tag=x", "status=nonsense&task=none"):
            status, page = await browser.get(f"/runs?{query}")
            assert status == 200
            assert any(words in page for words in NOTHING) != bool(ids(page))
        assert (await browser.get("/runs?q=%00"))[0] == 400


async def test_new_runs_wait_behind_a_bar(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    made = await many(db, 3)
    async with running_server(settings, clock) as service, operator(service) as browser:
        _, page = await browser.get("/runs")
        since = re.search(r'data-live="([^"]+)"', page)[1]
        assert "nova execução" not in page
        newer = await many(db, 2, NOW + timedelta(minutes=5))
        _, later = await browser.get("/runs" + since, **{"X-Live": "1"})
        assert (ids(later), "2 novas execuções" in later, "<nav" in later.split("pager")[0]) == (made, True, False)
        assert ids((await browser.get("/runs"))[1]) == newer + made


async def test_what_users_wrote_is_text_and_what_is_secret_is_hidden(settings: Settings):
    evil = "<script>alert(1)</script>"
    payload = {**AI, "input": {"produto": evil, "accessToken": "abc-123", "nested": {"senha": "hunter2"}}}
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("ai-content", payload, tags=[evil])
        for path in ("/runs", f"/runs/{run_id}", f"/runs/{run_id}/edit"):
            status, page = await browser.get(path)
            assert (status, evil in page, "hunter2" in page, "abc-123" in page) == (200, False, False, False)
        assert "&lt;script&gt;alert(1)" in page


async def test_a_run_is_canceled_and_repeated_from_its_page(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {"month": "2026-10"})
        assert await browser.post(f"/runs/{run_id}/cancel") == (303, f"/runs/{run_id}?done=canceled")
        assert await browser.post(f"/runs/{run_id}/cancel") == (303, f"/runs/{run_id}?done=over")
        assert (await service.run(run_id))["status"] == "CANCELED"
        status, page = await browser.post(f"/runs/{run_id}/replay")
        assert (status, "Repetir esta execução?" in page) == (200, True)
        status, path = await browser.post(f"/runs/{run_id}/replay", {"confirmed": "1"})
        again = path.partition("?")[0].rpartition("/")[2]
        assert (status, (await service.run(again))["payload"]) == (303, {"month": "2026-10"})
        assert f'href="/runs/{again}"' in (await browser.get(f"/runs/{run_id}"))[1]
        for path in ("/runs/run_nope", "/runs/run_nope/edit", "/runs/%00"):
            assert (await browser.get(path))[0] == 404
        assert (await browser.post("/runs/run_nope/cancel"))[0] == 404


async def test_an_edited_payload_is_checked_and_keeps_what_was_masked(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        payload = {**AI, "input": {"produto": "Smartphone", "apiKey": "k-123456"}}
        run_id = await service.trigger("ai-content", payload)
        for text, complaint in (
            ("{", "não é JSON válido"),
            ("[]", "deve ser um objeto"),
            (json.dumps({**AI, "agentType": "NOPE"}), "<code>agentType</code> deve ser um destes"),
            (json.dumps({"agentType": "META_ADS_COPY", "input": {"a": 1}}), "<code>agencyId</code> campo obrigatório"),
        ):
            status, page = await browser.post(f"/runs/{run_id}/edit", {"payload": text})
            assert (status, complaint in page) == (422, True), page
        _, page = await browser.get(f"/runs/{run_id}/edit")
        assert ("k-123456" in page, "[redacted]" in page) == (False, True)
        edited = {**AI, "input": {"produto": "Tablet", "apiKey": "[redacted]"}}
        status, path = await browser.post(f"/runs/{run_id}/edit", {"payload": json.dumps(edited)})
        again = await service.run(path.partition("?")[0].rpartition("/")[2])
        assert (status, again["payload"]["input"]) == (303, {"produto": "Tablet", "apiKey": "k-123456"})


async def test_a_run_s_page_tells_its_story(settings: Settings):
    async with running_server(settings) as service, running_worker(settings), operator(service) as browser:
        written = await service.outcome("ai-content", AI)
        failed = await service.outcome("monthly-report", {"month": "2999-01"})
        _, page = await browser.get(f"/runs/{written['id']}")
        assert all(part in page for part in ("Conteúdo gerado", "Patrocinado", "US$ ", "Tentativa 1", "Agência Aurora"))
        _, page = await browser.get(f"/runs/{failed['id']}")
        assert all(part in page for part in ("month_in_future", "2999-01 has not begun yet", "Falhou"))


async def next_change(service: Service, browser: Browser, path: str, act) -> object:
    """What the stream tells within a second of an act."""
    async with browser.http.get(path) as response:
        assert response.content_type == "text/event-stream"
        while await response.content.readline() != b"data:\n":
            pass
        await act()
        async with asyncio.timeout(1):
            while not (await response.content.readline()).startswith(b"event: change"):
                pass
            return json.loads((await response.content.readline()).removeprefix(b"data: "))


async def test_a_stream_tells_of_a_change_within_a_second(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {"month": "2026-10"}, delay="1h")

        async def cancel():
            await service.post(f"/api/v2/runs/{run_id}/cancel", {})

        assert await next_change(service, browser, "/live", cancel) in ([run_id], None)
        other = await service.trigger("monthly-report", {"month": "2026-10"}, delay="1h")

        async def both():
            await service.post(f"/api/v2/runs/{other}/cancel", {})

        assert await next_change(service, browser, f"/live?run={other}", both) == [other]


def test_what_stays_masked_is_put_back():
    redactor = Redactor(["s3cret-value"])
    original = {"token": "t", "items": [{"password": "p"}, "has s3cret-value in it"], "n": 1}
    shown = redactor.value(original)
    assert redactor.restore(shown, original) == original
    shown["n"], shown["items"] = 2, [*shown["items"], "new"]
    assert redactor.restore(shown, original) == {**original, "n": 2, "items": [*original["items"], "new"]}
    assert redactor.restore({"token": "other"}, original) == {"token": "other"}
