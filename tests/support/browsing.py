"""The dashboard as a browser without scripts sees it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import aiohttp

from agenciaos_jobs.http import keys
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.users import Users
from support.service import Service

_VERBATIM = re.compile(r"(<(?:pre|textarea)\b.*?</(?:pre|textarea)>)", re.S)
_BLOCKS = "dd|div|dt|h1|h2|h3|h4|label|li|option|p|select|tbody|td|th|thead|title|tr"
_OPENED = re.compile(rf"(<(?:{_BLOCKS})(?: [^>]*)?>) ")
_CLOSING = re.compile(rf" (</(?:{_BLOCKS})>)")

PASSWORD = "twelve letters"
"""Of named users."""

PAGE = {"Accept": "text/html", "Accept-Language": "pt-BR"}


def without_layout(page: str) -> str:
    """A page without the white space that only lays out its source."""
    parts = _VERBATIM.split(page)
    for number, part in enumerate(parts):
        if not _VERBATIM.match(part):
            on_one_line = re.sub(r"\s+", " ", part).replace("> <", "><")
            parts[number] = _CLOSING.sub(r"\1", _OPENED.sub(r"\1", on_one_line))
    return "".join(parts)


class Browser:
    """Keeps cookies, sends forms with the page's token, follows no redirect."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.token = ""

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(path, headers=headers, allow_redirects=False) as response:
            text = without_layout(await response.text())
            if found := re.search(r'<meta name="csrf" content="(\w+)">', text):
                self.token = found[1]
            return response.status, response.headers.get("Location", text)

    async def post(self, path: str, fields: dict[str, object] | list[tuple[str, str]] = (), **headers: str):
        """The status, and where it leads to or what it says."""
        pairs = [*(fields.items() if isinstance(fields, dict) else fields), ("csrf", self.token)]
        async with self.http.post(path, data=pairs, headers=headers, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or without_layout(await response.text())

    async def log_in(self, password: str = "correct horse", **headers: str) -> int:
        status, _ = await self.post("/login", {"password": password}, **headers)
        await self.get("/runs")
        return status


async def rows_of_all_pages(browser: Browser, path: str) -> list[str]:
    """What each row of a list is called, from this page to the last one."""
    rows: list[str] = []
    following: str | None = path
    while following:
        _, page = await browser.get(following)
        assert "<script>alert" not in page
        rows += re.findall(r'data-row="([^"]+)"', page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        following = unescape(link[1]) if link else None
    return rows


async def settled(browser: Browser, path: str) -> str:
    """The page of a bulk action once nothing is left to do."""
    async with asyncio.timeout(10):
        while "data-poll" in (page := (await browser.get(path))[1]):
            await asyncio.sleep(0.02)
    return page


@asynccontextmanager
async def stranger(service: Service) -> AsyncIterator[Browser]:
    """Somebody who is not logged in."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(service.http._base_url, headers=PAGE, cookie_jar=jar) as http:
        yield Browser(http)


@asynccontextmanager
async def logged_in(service: Service, name: str, role: Role = Role.VIEWER) -> AsyncIterator[Browser]:
    """A named user of this role, who is logged in."""
    await Users(service.app[keys.DATABASE], service.app[keys.CLOCK]).add(name, role, PASSWORD)
    async with stranger(service) as browser:
        assert (await browser.post("/login", {"username": name, "password": PASSWORD}))[0] == 303
        await browser.get("/runs")
        yield browser


@asynccontextmanager
async def operator(service: Service) -> AsyncIterator[Browser]:
    """Somebody who is logged in."""
    async with stranger(service) as browser:
        assert await browser.log_in() == 303
        yield browser
