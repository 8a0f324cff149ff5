"""The dashboard as people use it: Chromium against the live stack."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.chromium import Chromium, Site, needs_axe, needs_chromium
from support.sdk import released

from agenciaos_jobs.http import keys

pytestmark = [pytest.mark.slow, needs_chromium]

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_a_run_appears_and_finishes_while_one_looks_on(chromium: Chromium, live: Site):
    chromium.go("/runs?task=slow")
    chromium.sees("Ao vivo")
    run_id = live.trigger("slow", {"until": "it was seen"})
    chromium.until(lambda: "1 nova execução" in chromium.text(".fresh"), 1)
    assert not chromium.all(f"[data-row={run_id}]")
    chromium.click(".fresh")
    chromium.until(lambda: "Executando" in chromium.text(f"[data-row={run_id}]"))
    row = chromium.find(f"[data-row={run_id}]")
    chromium.until(lambda: len(live.service.app[keys.CHANGES]._subscriptions) == 1)  # the page has been loaded anew
    duration = row.find_element(By.CSS_SELECTOR, "[data-since]").text
    chromium.until(lambda: row.find_element(By.CSS_SELECTOR, "[data-since]").text != duration, 1)
    released.add("it was seen")
    live.does(live.service.finished(run_id))
    chromium.until(lambda: "Concluída" in row.text, 1)


def test_a_run_is_canceled_with_one_key(chromium: Chromium, live: Site):
    run_id = live.trigger("slow", {"seconds": 3600})
    chromium.go(f"/runs/{run_id}")
    chromium.sees("Executando", "Ao vivo")
    chromium.press("c")
    chromium.sees("Execução cancelada.", "Cancelada")
    assert live.does(live.service.run(run_id))["status"] == "CANCELED"


def test_a_run_is_repeated_with_another_payload(chromium: Chromium, live: Site, story: dict[str, str]):
    chromium.go(f"/runs/{story['failed']}")
    chromium.sees("month_in_future")
    chromium.press("e")
    chromium.until(lambda: chromium.path.endswith("/edit"))
    for text in ('{"month": "soon"}', '{"month": "2026-10"}'):
        chromium.find("#payload").clear()
        chromium.find("#payload").send_keys(text)
        chromium.click("main .button.primary")
        if "soon" in text:
            chromium.sees("deve ser um mês como 2026-10")
    chromium.sees("Nova execução criada.", "Concluída")
    again = chromium.path.partition("?")[0].rpartition("/")[2]
    assert live.does(live.service.run(again))["payload"] == {"month": "2026-10"}


def test_two_runs_are_repeated_together(chromium: Chromium, live: Site):
    ids = [live.trigger("echo", {"n": n}) for n in range(3)]
    for run_id in ids:
        live.does(live.service.finished(run_id))
    chromium.go("/runs?task=echo")
    for run_id in ids[:2]:
        chromium.click(f"[data-row={run_id}] input")
    chromium.until(lambda: chromium.text("[data-picked]") == "2")
    live.does(live.service.finished(live.trigger("echo", {"n": 3})))
    chromium.sees("1 nova execução")
    assert chromium.text("[data-picked]") == "2"
    chromium.click(".bulk-picked [value=replay]")
    chromium.sees("2 / 2", "2 ok", "Pronto")
    chromium.go("/runs?task=echo&source=replay")
    assert len(chromium.all("[data-row]")) == 2


def test_what_users_wrote_never_runs(chromium: Chromium, live: Site):
    run_id = live.trigger("echo", {"text": EVIL, EVIL: 1}, tags=(EVIL[:100],))
    live.does(live.service.finished(run_id))
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/edit", "/runs?q=" + EVIL.replace("#", ""), "/runs?task=echo"):
        chromium.go(path)
        assert "owned" not in chromium.driver.title
    chromium.go(f"/runs/{run_id}")
    assert EVIL in chromium.text("[data-part=payload]")


def test_the_keyboard_alone_leads_through_the_runs(chromium: Chromium, story: dict[str, str]):
    chromium.go("/runs?period=24h")
    ids = [row.get_attribute("data-row") for row in chromium.all("[data-row]")]
    chromium.press("jjk")
    assert chromium.script("return document.activeElement.closest('tr').dataset.row") == ids[0]
    chromium.press("jx")
    assert chromium.find(f"[data-row={ids[1]}] input").is_selected()
    chromium.press("?")
    assert chromium.find("dialog.keys").is_displayed()
    chromium.press(Keys.ESCAPE)
    chromium.press("/")
    assert chromium.script("return document.activeElement.id") == "f-q"
    chromium.press(story["failed"] + Keys.ENTER)
    chromium.until(lambda: len(chromium.all("[data-row]")) == 1)
    chromium.press("j" + Keys.ENTER)
    chromium.until(lambda: chromium.path.partition("?")[0] == f"/runs/{story['failed']}")


def test_a_page_says_when_it_is_not_live_and_comes_back(chromium: Chromium, live: Site):
    chromium.go("/runs")
    chromium.sees("Ao vivo")
    chromium.driver.execute_cdp_cmd("Network.enable", {})
    chromium.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/live*"]})

    async def end_streams() -> None:
        for watch in list(live.service.app[keys.CHANGES]._subscriptions):
            watch.end()

    live.does(end_streams())
    chromium.sees("Sem conexão", patience=5)
    missed = live.trigger("echo", {})
    chromium.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    chromium.sees("Ao vivo", "1 nova execução", patience=15)
    live.does(live.service.finished(missed))
    chromium.complaints()


@needs_axe
def test_a_guesser_is_locked_out_and_told_so(window: Chromium):
    window.driver.delete_all_cookies()
    for theme in ("light", "dark"):
        window.theme(theme)
        window.go("/login")
        assert window.violations() == []
    for _ in range(5):
        window.go("/login")
        window.find("#password").send_keys("guess" + Keys.ENTER)
        window.sees("Senha incorreta.")
    window.find("#password").send_keys("correct horse" + Keys.ENTER)
    window.sees("Tentativas demais. Tente de novo em 14 min")
    assert window.violations() == []
