"""Login at an identity provider: node-oidc-provider, which is certified by the OpenID Foundation."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr, ValidationError
from support.browsing import PASSWORD, Browser, stranger
from support.node import SCRIPTS, needs_node
from support.service import Service, running_server
from yarl import URL

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.http import keys
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.users import Users
from agenciaos_jobs.settings import Settings

pytestmark = [pytest.mark.slow, needs_node]


@asynccontextmanager
async def provider(issuer: str, redirect_uri: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        shutil.which("node") or "node",
        "oidc-provider.mjs",
        issuer,
        redirect_uri,
        cwd=SCRIPTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            while await process.stdout.readline() != b"ready\n":
                assert process.returncode is None
        yield
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def company(settings: Settings) -> AsyncIterator[Service]:
    """A server with login at an OpenID Connect provider."""
    issuer = f"http://127.0.0.1:{embedded.free_port()}"
    own = settings.model_copy(
        update={
            "oidc_issuer": issuer,
            "oidc_client_id": "jobs",
            "oidc_client_secret": SecretStr("a secret of the client"),
            "oidc_domains": "other.example, agenciaos.com.br",
        }
    )
    async with running_server(own) as service, provider(issuer, f"{service.url}/login/oidc/callback"):
        yield service


async def submit(browser: Browser, url: URL, page: str, **fields: str) -> tuple[URL, str, int]:
    """Submits the provider's form, and follows to where that leads."""
    action = re.search(r'action="([^"]+)"', page)
    prompt = re.search(r'name="prompt" value="(\w+)"', page)
    assert action
    assert prompt
    form = {"prompt": prompt[1], **fields}
    async with browser.http.post(url.join(URL(action[1])), data=form) as response:
        return response.url, await response.text(), response.status


async def enter(browser: Browser, email: str) -> tuple[str, str, int]:
    """Logs in from our login page on, as far as it gets: where, the page, and its status."""
    page = (await browser.get("/login?next=/runs?status=open"))[1]
    assert 'href="/login/oidc?next=%2Fruns%3Fstatus%3Dopen"' in page
    async with browser.http.get("/login/oidc?next=%2Fruns%3Fstatus%3Dopen") as response:
        url, page = response.url, await response.text()
    url, page, _ = await submit(browser, url, page, login=email, password="any")
    url, page, status = await submit(browser, url, page)
    return url.path, page, status


async def test_people_of_the_company_log_in_and_others_do_not(settings: Settings, db: asyncpg.Connection):
    async with company(settings) as service:
        users = Users(service.app[keys.DATABASE], service.app[keys.CLOCK])
        await users.add("otto@agenciaos.com.br", Role.ADMIN, PASSWORD)
        for email, role in (("Ana@AgenciaOS.com.br", "viewer"), ("otto@agenciaos.com.br", "admin")):
            async with stranger(service) as browser:
                path, page, status = await enter(browser, email)
                assert (path, status, email.lower() in page) == ("/runs", 200, True)
                assert (await browser.get("/people"))[0] == (200 if role == "admin" else 403)
        async with stranger(service) as browser:
            assert (await browser.post("/login", {"username": "ana@agenciaos.com.br", "password": "!"}))[0] == 401
        await users.change_role("ana@agenciaos.com.br", Role.OPERATOR)
        async with stranger(service) as browser:
            assert (await enter(browser, "ana@agenciaos.com.br"))[2] == 200
            assert (await browser.get("/test"))[0] == 200
            await users.disable("ana@agenciaos.com.br")
            assert (await browser.get("/test"))[0] == 303
        for email in (
            "ana@agenciaos.com.br",
            "unverified@agenciaos.com.br",
            "ana@agenciaos.com.br.evil.example",
            "joão@agenciaos.com.br",
        ):
            async with stranger(service) as browser:
                path, page, status = await enter(browser, email)
                assert (path, status, "não confirmou sua conta" in page) == ("/login/oidc/callback", 401, True), email
                assert (await browser.get("/runs"))[0] == 303
        names = [record["name"] for record in await db.fetch("SELECT name FROM jobs.dashboard_users ORDER BY name")]
        assert names == ["ana@agenciaos.com.br", "otto@agenciaos.com.br"]


async def test_an_answer_is_taken_only_by_the_browser_that_began_and_once(settings: Settings):
    async with company(settings) as service, stranger(service) as browser, stranger(service) as victim:
        async with browser.http.get("/login/oidc") as response:
            url, page = response.url, await response.text()
        url, page, _ = await submit(browser, url, page, login="ana@agenciaos.com.br", password="any")
        answers: list[str] = []
        action = re.search(r'action="([^"]+)"', page)
        assert action
        following: URL | None = url.join(URL(action[1]))
        method = "POST"
        while following and "/login/oidc/callback" not in following.path:
            async with browser.http.request(
                method, following, data={"prompt": "consent"} if method == "POST" else None, allow_redirects=False
            ) as response:
                following, method = following.join(URL(response.headers["Location"])), "GET"
        assert following
        answers.append(following.path_qs)
        for forged in (answers[0], "/login/oidc/callback", "/login/oidc/callback?state=&code=x"):
            assert (await victim.get(forged))[0] == 401
        assert (await browser.get(answers[0].replace("code=", "code=x")))[0] == 401
        assert (await browser.get(answers[0]))[0] == 303
        assert (await browser.get("/runs"))[0] == 200
        assert (await browser.get(answers[0]))[0] == 401


async def test_a_provider_that_is_away_leaves_the_passwords(settings: Settings):
    away: dict[str, Any] = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "jobs", "oidc_domains": "x.example"}
    own = settings.model_copy(update={**away, "oidc_client_secret": SecretStr("secret")})
    async with running_server(own) as service, stranger(service) as browser:
        status, page = await browser.get("/login/oidc")
        assert (status, "não confirmou" in page) == (401, True)
        assert await browser.log_in() == 303
    async with running_server(settings) as service, stranger(service) as browser:
        assert (await browser.get("/login/oidc"))[0] == 404
        assert "/login/oidc" not in (await browser.get("/login"))[1]


@pytest.mark.parametrize("issuer", ["http://login.example", "login.example", "https://login.example"])
def test_a_provider_is_set_as_a_whole_and_over_tls(issuer: str):
    with pytest.raises(ValidationError):
        Settings.model_validate({"oidc_issuer": issuer})
