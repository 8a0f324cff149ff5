"""Named users: what each role sees and may do, and the sessions that they have open."""

import re
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from support.browsing import PASSWORD, Browser, logged_in, operator, stranger
from support.clock import FrozenClock
from support.service import Service, running_server, running_service

from agenciaos_jobs.http import keys
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.users import (
    MIN_PASSWORD,
    InvalidNameError,
    UnknownUserError,
    UserExistsError,
    Users,
    WeakPasswordError,
)
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def users(service: Service) -> Users:
    return Users(service.app[keys.DATABASE], service.app[keys.CLOCK])


async def enter(browser: Browser, name: str, password: str = PASSWORD) -> int:
    return (await browser.post("/login", {"username": name, "password": password}))[0]


async def test_people_log_in_by_name_and_the_single_password_still_does(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        assert 'id="username"' not in (await browser.get("/login"))[1]
        await users(service).add("Ana@AgenciaOS.com.br", Role.VIEWER, PASSWORD)
        status, page = await browser.get("/login")
        assert (status, 'id="username"' in page, "Em branco" in page) == (200, True, True)
        for name, password, expected in (
            ("ana@agenciaos.com.br", "correct horse", 401),
            ("bia", PASSWORD, 401),
            ("", PASSWORD, 401),
            (" ANA@agenciaos.com.br", PASSWORD, 303),
        ):
            assert await enter(browser, name, password) == expected
        assert "ana@agenciaos.com.br" in (await browser.get("/runs"))[1]
        for name in ("", "dashboard"):
            assert await enter(browser, name, "correct horse") == 303
            assert "senha do painel" in (await browser.get("/people"))[1]


async def test_a_viewer_sees_no_button_and_changes_nothing(settings: Settings):
    async with running_service(settings) as service, logged_in(service, "ana") as ana:
        run_id = await service.trigger("monthly-report", {}, delay="2h")
        failed = await service.trigger("monthly-report", {"month": "2999-01"})
        await service.finished(failed)
        await service.post(
            "/api/v1/schedules",
            {"task": "monthly-report", "cron": "0 5 * * *", "externalId": "agency-123", "deduplicationKey": "a"},
        )
        group = re.search(r'href="(/errors/\w+)', (await ana.get("/errors"))[1])
        assert group
        elsewhere = ("/schedules", "/reports", "/queues", "/payments", "/reports/2026-10/agency-123")
        for path in ("/", "/runs", f"/runs/{run_id}", f"/runs/{failed}", *elsewhere, "/errors", group[1]):
            status, page = await ana.get(path)
            assert status == 200
            assert set(re.findall(r'method="post" action="([^"]+)"', page)) <= {"/logout", "/preferences", "/runs/bulk"}
            assert not re.findall(
                r'href="(?:/test|/people|/audit|[^"]*/edit)\b|<button[^>]*name="action"|type="checkbox"', page
            ), path
        for path in ("/test", f"/runs/{failed}/edit", "/people", "/audit", "/audit.csv", "/audit.json"):
            status, page = await ana.get(path)
            assert (status, "não tem permissão" in page) == (403, True), path
        for path, form in (
            (f"/runs/{run_id}/cancel", {}),
            (f"/runs/{failed}/replay", {}),
            ("/runs/bulk", {"action": "cancel", "run": run_id}),
            (f"{group[1]}/resolve", {}),
            ("/test/monthly-report", {}),
            ("/sessions/any/end", {}),
        ):
            assert (await ana.post(path, form))[0] == 403, path
        assert (await service.run(run_id))["status"] == "DELAYED"
        assert await ana.post("/preferences", {"theme": "dark", "back": "/runs"}) == (303, "/runs")
        assert await ana.post("/logout") == (303, "/login")


async def test_an_operator_acts_and_only_an_admin_sees_people(settings: Settings):
    async with running_server(settings) as service, logged_in(service, "otto", Role.OPERATOR) as otto:
        run_id = await service.trigger("monthly-report", {}, delay="2h")
        assert (await otto.post(f"/runs/{run_id}/cancel"))[0] == 303
        assert (await otto.get("/test"))[0] == 200
        assert (await otto.get("/people"))[0] == 403
        async with logged_in(service, "ada", Role.ADMIN) as ada:
            status, page = await ada.get("/people")
            assert (status, "otto" in page, "Operação" in page) == (200, True, True)


@pytest.mark.slow
async def test_a_new_password_or_being_disabled_ends_sessions_at_every_server(settings: Settings):
    async with running_server(settings) as one, running_server(settings) as other, logged_in(one, "ana") as ana:
        cookie = {"Cookie": f"agenciaos_session={next(iter(ana.http.cookie_jar)).value}"}
        async with stranger(other) as elsewhere:
            assert (await elsewhere.get("/runs", **cookie))[0] == 200
            await users(one).change_password("ana", "another password")
            assert (await elsewhere.get("/runs", **cookie))[0] == 303
            assert await enter(elsewhere, "ana") == 401
            assert await enter(elsewhere, "ana", "another password") == 303
            await users(one).disable("ana")
            assert (await elsewhere.get("/runs"))[0] == 303
            assert await enter(elsewhere, "ana", "another password") == 401
            await users(one).add("ana", Role.ADMIN, "another password")
            assert (await elsewhere.get("/runs"))[0] == 303
            assert await enter(elsewhere, "ana", "another password") == 303
            assert (await elsewhere.get("/people"))[0] == 200


async def test_sessions_are_listed_and_ended(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOW)
    async with (
        running_server(settings, clock) as service,
        operator(service) as admin,
        logged_in(service, "ana") as ana,
        operator(service) as second,
    ):
        clock.pass_(timedelta(minutes=6))
        await ana.get("/runs")
        found = {record["user_name"]: record for record in await db.fetch("SELECT * FROM jobs.dashboard_sessions")}
        assert found["ana"]["seen_at"] == NOW + timedelta(minutes=6)
        page = (await admin.get("/people"))[1]
        assert page.count("esta sessão") == 1
        ids = re.findall(r'action="/sessions/(\w+)/end"', page)
        assert len(ids) == 3
        own = re.search(r'data-row="(\w+)"[^/]+esta sessão', page)
        assert own
        for session_id in set(ids) - {own[1]}:
            assert await admin.post(f"/sessions/{session_id}/end") == (303, "/people?done=ended")
        assert (await admin.post(f"/sessions/{found['ana']['id']}/end"))[0] == 404
        for ended in (ana, second):
            assert (await ended.get("/runs"))[0] == 303
        assert (await admin.get("/people"))[1].count("/end") == 1


async def test_a_session_that_an_older_release_opened_stays_valid(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        await db.execute("DELETE FROM jobs.dashboard_sessions")
        assert (await browser.get("/people"))[0] == 200
        assert (await browser.post("/logout"))[0] == 303
        assert (await browser.get("/people"))[0] == 303


async def test_what_cannot_be_a_user_is_refused(settings: Settings):
    async with running_server(settings) as service:
        them = users(service)
        for name in ("dashboard", "", "joão", "a b", ".x", "a" * 81):
            with pytest.raises(InvalidNameError):
                await them.add(name, Role.ADMIN, PASSWORD)
        for password in ("", "x" * (MIN_PASSWORD - 1), "x" * 1001):
            with pytest.raises(WeakPasswordError):
                await them.add("ana", Role.ADMIN, password)
        await them.add("ana", Role.ADMIN, PASSWORD)
        with pytest.raises(UserExistsError):
            await them.add("ANA", Role.ADMIN, PASSWORD)
        await them.disable("ana")
        for change in (them.disable("ana"), them.change_password("ana", PASSWORD), them.disable("nobody")):
            with pytest.raises(UnknownUserError):
                await change
