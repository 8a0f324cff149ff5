"""People, their sessions and the audit in a browser: what an admin and a viewer see."""

import os

import pytest
from support.browsing import PASSWORD
from support.chromium import Chromium, Site, needs_axe, needs_chromium

from agenciaos_jobs.http import keys
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.users import Users

pytestmark = [pytest.mark.slow, needs_chromium, needs_axe]

LONG = "marina.aparecida.dos-santos-oliveira@departamento-financeiro.agenciaos.com.br"


@pytest.fixture(scope="module")
def users(live: Site) -> Users:
    them = Users(live.service.app[keys.DATABASE], live.service.app[keys.CLOCK])
    for name, role in (("ana", Role.VIEWER), (LONG, Role.OPERATOR), ("otto", Role.ADMIN), ("rui", Role.ADMIN)):
        live.does(them.add(name, role, PASSWORD))
    live.does(them.disable("rui"))
    return them


def check(window: Chromium, name: str) -> None:
    """Nothing for axe to find in either theme, nor wider than a phone."""
    for theme in ("light", "dark"):
        window.theme(theme)
        for width in (390, 1280):
            window.size(width, 844)
            assert window.violations() == [], (name, theme, width)
            assert window.script("return document.documentElement.scrollWidth") <= width, (name, theme, width)
            if folder := os.environ.get("SCREENSHOTS"):
                window.driver.save_screenshot(f"{folder}/{name}-{theme}-{width}.png")


def enter(window: Chromium, name: str, password: str = PASSWORD) -> None:
    window.driver.delete_all_cookies()
    window.go("/login?next=/runs")
    window.find("#username").send_keys(name)
    window.find("#password").send_keys(password)
    window.click("main .button.primary")


def test_an_admin_ends_a_session_and_finds_it_in_the_audit(chromium: Chromium, live: Site, users: Users):
    run_id = live.trigger("monthly-report", {}, delay="2h")
    enter(chromium, LONG)
    chromium.sees("Execuções")
    chromium.go(f"/runs/{run_id}")
    chromium.click(f"form[action='/runs/{run_id}/cancel'] button")
    chromium.sees("Execução cancelada.")
    enter(chromium, "otto", "not otto's one")
    chromium.sees("Usuário ou senha incorretos.")
    assert chromium.find("#username").get_attribute("value") == "otto"
    check(chromium, "login")
    enter(chromium, "otto")
    chromium.sees("Execuções")
    chromium.click(".menu a[href='/people']")
    chromium.sees("Sessões abertas", "Desativado", LONG, "esta sessão")
    check(chromium, "people")
    chromium.click("tr:not(:has(.badge)) form[action$='/end'] button")
    chromium.sees("Sessão encerrada")
    chromium.go("/audit")
    chromium.sees("Encerrou a sessão", "Cancelou a execução", "otto", LONG)
    check(chromium, "audit")
    chromium.find("#f-subject").send_keys(run_id)
    chromium.click(".filters button")
    chromium.until(lambda: len(chromium.all("main [data-row]")) == 1)
    chromium.click(f"main a[href='/runs/{run_id}']")
    chromium.sees("Cancelada")
    chromium.complaints()


def test_a_viewer_reads_and_is_offered_nothing_to_press(chromium: Chromium, live: Site, users: Users):
    run_id = live.trigger("monthly-report", {}, delay="2h")
    enter(chromium, "ana")
    chromium.sees("Execuções")
    assert [link.get_attribute("href") for link in chromium.all(".menu a[href='/people'], .menu a[href='/test']")] == []
    for path in ("/runs", f"/runs/{run_id}", "/schedules", "/errors", "/payments"):
        chromium.go(path)
        assert chromium.all("main form[method=post] button, main input[type=checkbox]") == [], path
        check(chromium, "viewer" + path.replace("/", "-")[:8])
    chromium.go("/audit")
    chromium.sees("não tem permissão")
    check(chromium, "refused")
    chromium.driver.delete_all_cookies()
    chromium.complaints()
