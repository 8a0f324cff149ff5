"""The audit: who did what to which run, when and from where."""

import csv
import io
from pathlib import Path

import asyncpg
import pytest
from support.browsing import logged_in, operator
from support.commands import cli
from support.service import running_server, running_service

from agenciaos_jobs.dashboard import MODULES
from agenciaos_jobs.dashboard.labels import ACTS
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.settings import Settings

ENTRIES = """
SELECT actor, origin, address, action, subject, detail, outcome, led_to
FROM jobs.audit LEFT JOIN jobs.audit_results ON audit_id = id ORDER BY id
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Behind a proxy."""
    return settings.model_copy(update={"trusted_proxies": 1})


FROM = {"X-Forwarded-For": "2001:db8::7"}


async def test_every_action_is_recorded_with_who_what_and_from_where(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, logged_in(service, "otto", Role.OPERATOR) as otto:
        run_id = await service.trigger("monthly-report", {}, delay="2h")
        await otto.post(f"/runs/{run_id}/cancel", **FROM)
        assert (await otto.post(f"/runs/{run_id}/replay", **FROM))[0] == 200
        status, replayed = await otto.post(f"/runs/{run_id}/replay", {"confirmed": "1"}, **FROM)
        assert status == 303
        await otto.post("/runs/run_gone/cancel", **FROM)
        await otto.post("/runs/bulk", {"action": "cancel-all", "tag": "Marina Souza", "q": "marina@x.example"}, **FROM)
        _, bulk = await otto.post("/runs/bulk", [("action", "cancel"), ("run", run_id), ("run", "run_2")], **FROM)
        await otto.post("/test/monthly-report", {"payload.month": "wrong"}, **FROM)
        async with operator(service) as admin:
            page = (await admin.get("/audit?actor=otto"))[1]
            assert all(text in page for text in ("Cancelou a execução", "Não confirmado", "Recusado", bulk, run_id))
            assert "senha do painel" not in page.partition("<tbody>")[2]
            assert f'href="{replayed.partition("?")[0]}"' in page
            page = (await admin.get(f"/audit?subject={run_id}&action=runs/cancel"))[1]
            assert page.count("data-row") == 1
            await admin.post("/logout")
    found = [tuple(record)[0:2] + tuple(record)[3:7] for record in await db.fetch(ENTRIES)]
    assert found == [
        ("otto", "dashboard", "login", "", "", "done"),
        ("otto", "dashboard", "runs/cancel", run_id, "", "done"),
        ("otto", "dashboard", "runs/replay", run_id, "", "asked"),
        ("otto", "dashboard", "runs/replay", run_id, "", "done"),
        ("otto", "dashboard", "runs/cancel", "run_gone", "", "refused"),
        ("otto", "dashboard", "runs/bulk", "", "cancel-all", "asked"),
        ("otto", "dashboard", "runs/bulk", "", f"cancel {run_id} run_2", "done"),
        ("otto", "dashboard", "test", "monthly-report", "", "refused"),
        ("dashboard", "dashboard", "login", "", "", "done"),
        ("dashboard", "dashboard", "logout", "", "", "done"),
    ]
    assert {record["address"] for record in await db.fetch(ENTRIES)} == {"127.0.0.1", "2001:db8::7"}


async def test_nothing_is_done_that_cannot_be_recorded(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {}, delay="2h")
        await db.execute("ALTER TABLE jobs.audit RENAME TO audit_away")
        assert (await browser.post(f"/runs/{run_id}/cancel"))[0] == 500
        assert (await service.run(run_id))["status"] == "DELAYED"


async def test_a_form_of_another_site_is_no_act(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, logged_in(service, "otto", Role.OPERATOR) as otto:
        otto.token = "0" * len(otto.token)
        assert (await otto.post("/runs/run_1/cancel"))[0] == 403
    assert [record["action"] for record in await db.fetch(ENTRIES)] == ["login"]


@pytest.mark.parametrize("table", ["audit", "audit_results"])
async def test_entries_are_only_ever_added(settings: Settings, db: asyncpg.Connection, table: str):
    async with running_server(settings) as service, operator(service):
        pass
    column = "actor" if table == "audit" else "outcome"
    for statement in (
        f"UPDATE jobs.{table} SET {column} = 'x'",
        f"DELETE FROM jobs.{table}",
        f"TRUNCATE jobs.{table} CASCADE",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="only ever added"):
            await db.execute(statement)


async def test_the_file_holds_all_entries_and_no_formula(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        await db.execute(
            "INSERT INTO jobs.audit (acted_at, actor, origin, address, action, subject, detail) "
            "SELECT now(), 'ana', 'cli', 'host', 'queues/pause', '=cmd|' || number, '' "
            "FROM generate_series(1, 2500) AS number"
        )
        async with browser.http.get("/audit.csv?actor=ana") as response:
            sheet = (await response.read()).decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(sheet, newline=""), delimiter=";"))
        assert (response.status, len(lines), lines[0][:2]) == (200, 2501, ["Quando", "Quem"])
        assert [lines[1][5], lines[-1][5]] == ["'=cmd|2500", "'=cmd|1"]
        assert (lines[1][3], lines[1][7]) == ("Pausou a fila", "Sem registro do fim")
        pages = [await browser.get(f"/audit{query}") for query in ("?actor=ana", "?before=60", "?before=x&actor=")]
        assert [page.count("data-row") for _, page in pages] == [50, 50, 50]


def test_every_form_of_the_dashboard_has_a_label():
    pages = [page for module in MODULES for page in module.PAGES if page.method == "POST" and page.is_change]
    actions = {page.action for page in pages if page.needs_login}
    assert actions - ACTS.keys() == set()


async def test_commands_are_recorded_too(
    settings: Settings, env: dict[str, str], db: asyncpg.Connection, tmp_path: Path
):
    async with running_server(settings) as service:
        run_id = await service.trigger("monthly-report", {}, delay="2h")
    for words, code in (("cancel", run_id, "run_gone"), 1), (("replay", run_id), 0):
        assert (await cli("runs", *words, env=env, cwd=tmp_path))[0] == code
    entries = [dict(record) for record in await db.fetch(ENTRIES)]
    assert [(entry["action"], entry["subject"], entry["outcome"]) for entry in entries] == [
        ("runs/cancel", run_id, "refused"),
        ("runs/cancel", "run_gone", "refused"),
        ("runs/replay", run_id, "done"),
    ]
    assert entries[2]["led_to"].startswith("run_")
    assert all(entry["origin"] == "cli" and entry["actor"] and entry["address"] for entry in entries)
