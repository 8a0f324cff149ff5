"""Who may see the dashboard, and what browsers are told to refuse."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from support.browsing import operator, stranger
from support.clock import FrozenClock
from support.service import running_server

from agenciaos_jobs.dashboard.pages.access.login import local_path
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_a_stranger_is_sent_to_the_login_and_back(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        assert await browser.get("/runs?status=FAILED") == (303, "/login?next=/runs%3Fstatus%3DFAILED")
        assert (await browser.get("/runs", **{"X-Live": "1"}))[0] == 303
        assert await browser.get("/live") == (204, "")
        status, page = await browser.get("/login?next=/runs%3Fstatus%3DFAILED")
        assert (status, 'name="next" value="/runs?status=FAILED"' in page) == (200, True)
        form = {"password": "correct horse", "next": "/runs?status=FAILED"}
        assert await browser.post("/login", form) == (303, "/runs?status=FAILED")
        assert (await browser.get("/runs?status=FAILED"))[0] == 200
        assert await browser.get("/login") == (303, "/")


async def test_the_cookie_is_kept_from_scripts_and_other_sites(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        for headers, is_secure in (({}, False), ({"X-Forwarded-Proto": "https"}, True)):
            async with browser.http.post(
                "/login", data={"password": "correct horse"}, headers=headers, allow_redirects=False
            ) as response:
                morsel = response.cookies["agenciaos_session"]
            assert (morsel["httponly"], morsel["samesite"], bool(morsel["secure"])) == (True, "Lax", is_secure)


async def test_a_forged_an_expired_and_an_ended_session_open_nothing(settings: Settings):
    clock = FrozenClock(NOW)
    async with running_server(settings, clock) as service, operator(service) as browser:
        jar = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
        genuine = jar["agenciaos_session"]
        session_id, expires, signature = genuine.split(".")
        browser.http.cookie_jar.clear()
        for forged in (
            f"{session_id}.{int(expires) + 1}.{signature}",
            f"x{session_id}.{expires}.{signature}",
            f"{session_id}.{expires}.",
            "",
            "a.b.c",
            f"{session_id}.{expires}",
        ):
            assert (await browser.get("/runs", Cookie=f"agenciaos_session={forged}"))[0] == 303
        clock.pass_(timedelta(days=6, hours=23))
        assert (await browser.get("/runs", Cookie=f"agenciaos_session={genuine}"))[0] == 200
        await browser.get("/runs", Cookie=f"agenciaos_session={genuine}")
        assert await browser.post("/logout", Cookie=f"agenciaos_session={genuine}") == (303, "/login")
        assert (await browser.get("/runs", Cookie=f"agenciaos_session={genuine}"))[0] == 303
        assert await browser.log_in() == 303
        clock.pass_(timedelta(days=7))
        assert (await browser.get("/runs"))[0] == 303


async def test_one_login_is_good_at_every_server_and_only_for_its_password(settings: Settings):
    async with running_server(settings) as one, running_server(settings) as other, operator(one) as browser:
        cookie = next(iter(browser.http.cookie_jar)).value
        async with stranger(other) as elsewhere:
            assert (await elsewhere.get("/runs", Cookie=f"agenciaos_session={cookie}"))[0] == 200
        changed = settings.model_copy(update={"dashboard_password": type(settings.dashboard_password)("another")})
        async with running_server(changed) as later, stranger(later) as afterwards:
            assert (await afterwards.get("/runs", Cookie=f"agenciaos_session={cookie}"))[0] == 303


async def test_guessing_is_stopped_for_a_while_at_every_server(settings: Settings):
    clock, settings = FrozenClock(NOW), settings.model_copy(update={"trusted_proxies": 1})
    async with (
        running_server(settings, clock) as one,
        running_server(settings, clock) as other,
        stranger(one) as guesser,
        stranger(other) as elsewhere,
    ):
        for _ in range(5):
            status, page = await guesser.post("/login", {"password": "wrong"})
            assert (status, "Senha incorreta" in page) == (401, True)
        status, page = await guesser.post("/login", {"password": "correct horse"})
        assert (status, "Tentativas demais" in page, "em 15 min" in page) == (429, True, True)
        assert (await elsewhere.post("/login", {"password": "correct horse"}))[0] == 429
        behind_proxy = {"X-Forwarded-For": "9.9.9.9, 203.0.113.7"}
        assert (await elsewhere.post("/login", {"password": "correct horse"}, **behind_proxy))[0] == 303
        clock.pass_(timedelta(minutes=15))
        assert (await guesser.post("/login", {"password": "correct horse"}))[0] == 303


async def test_a_password_is_made_once_and_shown_once(
    settings: Settings, db: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
):
    without = settings.model_copy(update={"dashboard_password": None})
    async with running_server(without) as first, running_server(without) as second:
        shown = [line for line in capsys.readouterr().err.splitlines() if line.startswith("DASHBOARD_PASSWORD")]
        assert len(shown) == 1
        password = shown[0].split()[1]
        assert password not in await db.fetchval("SELECT password_hash FROM jobs.dashboard_access")
        for server in (first, second):
            async with stranger(server) as browser:
                assert await browser.log_in("not it") == 401
                assert await browser.log_in(password) == 303


async def test_an_action_is_taken_from_our_own_pages_only(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        token = browser.token
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert (await browser.post("/logout", **headers))[0] == 403
        browser.token = "0" * len(token)
        assert (await browser.post("/logout"))[0] == 403
        browser.token = token
        host = str(service.http._base_url).rstrip("/")
        assert (await browser.post("/preferences", {"theme": "dark", "back": "/runs"}, Origin=host)) == (303, "/runs")
        assert 'data-theme="dark"' in (await browser.get("/runs"))[1]


async def test_browsers_are_told_to_run_nothing_that_is_not_ours(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        for path in ("/runs", "/login", "/no-such-page"):
            async with browser.http.get(path, allow_redirects=False) as response:
                policy = response.headers["Content-Security-Policy"]
                page = await response.text()
            assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert " style=" not in page
            assert "<script>" not in page
            assert "onclick" not in page


async def test_a_program_gets_problems_and_a_person_pages(settings: Settings):
    async with running_server(settings) as service, stranger(service) as browser:
        status, page = await browser.get("/no-such-page")
        assert (status, "Este endereço não existe" in page) == (404, True)
        assert "This URL does not exist" in (await browser.get("/nope", **{"Accept-Language": "en"}))[1]
        status, problem = await service.get("/no-such-page")
        assert (status, problem["error"]) == (404, "Este endereço não existe")
        assert (await service.get("/runs"))[0] == 401


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb"])
def test_a_login_leads_nowhere_else(path: str):
    assert local_path(path) == "/"
