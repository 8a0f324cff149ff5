"""Every page: for those who can't see it, on a phone, and where scripts don't run."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver.common.keys import Keys
from support.chromium import Chromium, Site, needs_axe, needs_chromium
from support.tour import every_page

from agenciaos_jobs.dashboard.sessions import ACCESS
from agenciaos_jobs.foundation.database import DatabaseUnavailableError

pytestmark = [pytest.mark.slow, needs_chromium]

OPEN_ALL = "document.querySelectorAll('main details').forEach((part) => { part.open = true; })"
"""A chart's table is nothing to a reader's eye, nor to axe, before it is opened."""

OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that depend on the theme: https://dequeuniversity.com/rules/axe/4.11"""

WIDER = """
const most = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= most) return [];
return [...document.body.querySelectorAll('*')].filter((part) => part.getBoundingClientRect().right > most + 1)
  .map((part) => part.outerHTML.slice(0, 120)).slice(0, 4).concat(document.documentElement.scrollWidth);
"""


@contextmanager
def without_database(live: Site) -> Iterator[None]:
    """The server as it is while Postgres is away: the first look for a session fails."""
    access = live.service.app[ACCESS]

    async def fail(cookie: str) -> None:
        raise DatabaseUnavailableError(cookie)

    access.session = fail  # type: ignore[method-assign, assignment]
    yield
    del access.session  # type: ignore[attr-defined]


def expected(chromium: Chromium) -> None:
    """Forgets the browser's complaints about pages that were asked for though there are none."""
    told = chromium.complaints()
    assert all("404" in text for text in told), told


@needs_axe
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_any_page(chromium: Chromium, live: Site, story: dict[str, str], theme: str):
    chromium.theme(theme)
    found = {}
    for name, visit in every_page(live, story).items():
        visit(chromium)
        chromium.script(OPEN_ALL)
        if violations := chromium.violations(*OF_COLOURS if theme == "dark" else ()):
            found[name] = violations
    expected(chromium)
    assert found == {}


@needs_axe
def test_axe_finds_nothing_wrong_in_english_with_everything_open(chromium: Chromium, story: dict[str, str]):
    chromium.go("/runs")
    chromium.press("?")
    assert chromium.violations() == []
    chromium.press(Keys.ESCAPE)
    chromium.press("jx")
    assert chromium.find(".bulk-picked").is_displayed()
    assert chromium.violations() == []
    chromium.click("[name=language][value=en]")
    chromium.sees("Overview", "Schedules")
    assert chromium.violations() == []
    chromium.click("[name=language][value=pt]")
    chromium.sees("Visão geral")


def test_the_menu_opens_on_a_phone(chromium: Chromium):
    chromium.size(390, 844)
    chromium.go("/")
    chromium.until(lambda: not chromium.find(".menu").is_displayed())
    chromium.click(".menu-button")
    assert chromium.find(".menu").is_displayed()


def test_every_page_is_there_before_any_script_runs(chromium: Chromium, live: Site, story: dict[str, str]):
    chromium.runs_scripts(False)
    for name, visit in every_page(live, story).items():
        visit(chromium)
        assert not chromium.all(".scripted"), name
        assert chromium.find("h1").is_displayed(), name
        assert len(chromium.text("main")) > 40, name
        assert not chromium.all("time:not([title])"), name
        if not chromium.all(".gate"):
            assert chromium.find(".menu a[href='/runs']").is_displayed(), name
    expected(chromium)


def test_a_run_is_found_canceled_and_replayed_without_scripts(chromium: Chromium, live: Site):
    run_id = live.trigger("slow", {"seconds": 3600})
    chromium.runs_scripts(False)
    chromium.go("/runs")
    chromium.find("#f-q").send_keys(run_id[-8:])
    chromium.click(".filters button")
    for step in (f"[data-row={run_id}] a.id", f"form[action='/runs/{run_id}/cancel'] button"):
        chromium.click(step)
    chromium.sees("Execução cancelada.")
    chromium.click(f"form[action='/runs/{run_id}/replay'] button")
    chromium.sees("Repetir esta execução?")
    chromium.click("main .button.primary")
    chromium.sees("Nova execução criada.")
    again = chromium.path.partition("?")[0].rpartition("/")[2]
    live.does(live.service.post(f"/api/v2/runs/{again}/cancel", {}))


@needs_axe
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strangers_and_those_who_come_while_the_database_is_away_are_told(window: Chromium, live: Site, theme: str):
    window.driver.delete_all_cookies()
    window.runs_scripts(True)
    window.theme(theme)
    for width in (1280, 390):
        window.size(width, 844)
        window.go("/login")
        assert window.find("#password").is_displayed()
        assert (window.violations(), window.script(WIDER)) == ([], [])
        with without_database(live):
            window.go("/")
        assert "As execuções estão guardadas" in window.text()
        assert (window.violations(), window.script(WIDER)) == ([], [])
    window.complaints()
