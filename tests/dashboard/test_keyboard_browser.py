"""Everything is done with keys alone: no test here touches the pointer."""

import pytest
from selenium.webdriver.common.keys import Keys
from support.chromium import Chromium, Site, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]


def run_of(chromium: Chromium) -> str:
    return chromium.path.partition("?")[0].rpartition("/")[2]


def test_one_logs_in_goes_anywhere_and_logs_out(chromium: Chromium):
    chromium.driver.delete_all_cookies()
    chromium.go("/reports")
    chromium.press("correct horse" + Keys.ENTER)
    chromium.until(lambda: chromium.path == "/reports")
    chromium.tab_to(".skip").send_keys(Keys.ENTER)
    chromium.until(lambda: chromium.script("return document.activeElement.id") == "main")
    for path in ("/runs", "/alerts"):
        chromium.tab_to(f".menu a[href='{path}']").send_keys(Keys.ENTER)
        chromium.until(lambda path=path: chromium.path == path)
    chromium.tab_to("[name=theme][value=dark]").send_keys(Keys.ENTER)
    chromium.until(lambda: chromium.all("[data-theme=dark]"))
    chromium.tab_to("form[action='/logout'] button").send_keys(Keys.ENTER)
    chromium.until(lambda: chromium.path == "/login")
    chromium.go("/runs")
    assert chromium.path.startswith("/login")
    chromium.driver.delete_all_cookies()


def test_a_run_is_started_canceled_edited_and_replayed(chromium: Chromium, live: Site):
    chromium.go("/test?task=generate-monthly-reports")
    field = chromium.tab_to("[id='payload.month']")
    field.send_keys("2026-09")
    chromium.tab_to("details:not([open]) > summary").send_keys(Keys.ENTER)
    chromium.tab_to("#o-delay").send_keys("1h" + Keys.ENTER)
    chromium.sees("Adiada", "Ao vivo")
    delayed = run_of(chromium)
    chromium.press("c")
    chromium.sees("Execução cancelada.")
    chromium.press("e")
    chromium.until(lambda: chromium.path.endswith("/edit"))
    text = chromium.tab_to("#payload")
    text.send_keys(Keys.CONTROL + "a")
    text.send_keys('{"month": "2026-10"}')
    chromium.tab_to("main .button.primary").send_keys(Keys.ENTER)
    chromium.sees("Nova execução criada.", "Concluída", "Ao vivo")
    edited = run_of(chromium)
    chromium.press("r")
    chromium.sees("Repetir esta execução?")
    chromium.until(lambda: chromium.all("main .button.primary:focus"))
    chromium.press(Keys.ENTER)
    chromium.until(lambda: run_of(chromium) not in {edited, "edit"})
    chromium.sees("Nova execução criada.", "Concluída")
    chromium.press("j")
    chromium.until(lambda: run_of(chromium) == edited)
    chromium.press("j")
    chromium.until(lambda: run_of(chromium) == delayed)
    chromium.press("k")
    chromium.until(lambda: run_of(chromium) == edited)
    assert live.does(live.service.run(delayed))["status"] == "CANCELED"


def test_runs_are_filtered_walked_and_acted_on_together(chromium: Chromium, live: Site):
    ids = [live.trigger("echo", {"n": n}, tags=["keys"]) for n in range(3)]
    for run_id in ids:
        live.does(live.service.finished(run_id))
    chromium.go("/runs")
    chromium.tab_to("#f-status").send_keys(Keys.ARROW_DOWN)
    assert chromium.path == "/runs"
    chromium.find(":focus").send_keys(Keys.ARROW_UP)
    chromium.tab_to(".more-filters summary").send_keys(Keys.ENTER)
    chromium.tab_to("#f-tag").send_keys("keys" + Keys.ENTER)
    chromium.until(lambda: chromium.path == "/runs?tag=keys")
    assert [row.get_attribute("data-row") for row in chromium.all("[data-row]")] == ids[::-1]
    chromium.press("r")
    assert chromium.path == "/runs?tag=keys"
    chromium.press("j" + Keys.ENTER)
    chromium.until(lambda: chromium.path == f"/runs/{ids[2]}?tag=keys")
    chromium.press("j")
    chromium.until(lambda: chromium.path == f"/runs/{ids[1]}?tag=keys")
    chromium.driver.back()
    chromium.driver.back()
    chromium.until(lambda: chromium.path == "/runs?tag=keys")
    chromium.script("document.activeElement.blur()")  # a page out of the browser's cache has kept its focus
    chromium.press("?")
    chromium.until(lambda: chromium.script("return document.activeElement.closest('dialog.keys[open]') !== null"))
    focused = chromium.script(
        "const button = document.activeElement; button.closest('dialog').close();"
        "button.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));"  # the focus is there still
        "return document.activeElement.closest('[data-row]').dataset.row"
    )
    assert focused == ids[2]
    chromium.press("xjx")
    chromium.until(lambda: chromium.text("[data-picked]") == "2")
    chromium.press("r")
    chromium.sees("2 / 2", "2 ok", "Pronto")


def test_an_error_is_resolved_and_its_runs_replayed(chromium: Chromium, live: Site):
    live.does(live.service.finished(live.trigger("monthly-report", {"month": "2999-01"})))
    chromium.go("/errors")
    chromium.press("j" + Keys.ENTER)
    chromium.sees("Quando aconteceu")
    chromium.tab_to("form[action$='/resolve'] button").send_keys(Keys.ENTER)
    chromium.sees("Marcado como resolvido")
    chromium.press("r")
    chromium.sees("Repetir 1 execução?")
    chromium.until(lambda: chromium.all("main .button.primary:focus"))  # autofocus follows the text
    chromium.press(Keys.ENTER)
    chromium.sees("1 / 1", "1 falhou de novo", "Terminou com falhas")
