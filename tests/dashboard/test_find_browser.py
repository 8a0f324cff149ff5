"""Finding runs in Chromium: suggestions, chips, saved views, and rows that are links."""

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from support.chromium import Chromium, Site, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

LONG = "Campanha de lançamento do tênis de corrida, com um texto comprido " * 3
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": LONG, "campanha": "Manacá"}}


def test_a_run_is_found_by_a_word_kept_as_a_view_and_opened_from_its_row(chromium: Chromium, live: Site):
    run_id = live.trigger("ai-content", AI)
    live.does(live.service.finished(run_id))
    chromium.go("/runs")
    chromium.find("#f-q").send_keys("manaca" + Keys.ENTER)
    chromium.until(lambda: chromium.path == "/runs?q=manaca")
    chromium.find("#f-agency").send_keys("auro")
    suggested = "return [...document.querySelectorAll('#l-agency option')].map((option) => option.value)"
    chromium.until(lambda: chromium.script(suggested) == ["Agência Aurora"])
    chromium.find("#f-agency").send_keys(Keys.ENTER)
    chromium.until(lambda: chromium.path == "/runs?q=manaca&agency=agency-123")
    assert chromium.find("#f-agency").get_attribute("value") == "Agência Aurora"
    chromium.click(".views summary")
    chromium.find("#view-name").send_keys("Manacá da Aurora" + Keys.ENTER)
    chromium.sees("Visão salva")
    for remaining in ("/runs?agency=agency-123", "/runs"):
        chromium.click(".chip")
        chromium.until(lambda remaining=remaining: chromium.path == remaining)
    chromium.click(".views summary")
    chromium.click(".views-list a")
    chromium.until(lambda: [row.get_attribute("data-row") for row in chromium.all("[data-row]")] == [run_id])
    links = chromium.all(f"[data-row={run_id}] a[href^='/runs/']")
    assert len(links) == 1, "the row is in the order of Tab once"
    waited = chromium.find(f"[data-row={run_id}] .num:not(.made)")
    ActionChains(chromium.driver).move_to_element(waited).click().perform()
    chromium.until(lambda: chromium.path.startswith(f"/runs/{run_id}?"))
    assert "Copy para anúncios no Meta Ads · Agência Aurora" in chromium.driver.title


@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_the_list_fits_every_width(chromium: Chromium, live: Site, width: int):
    live.does(live.service.finished(live.trigger("ai-content", AI, tags=["uma-etiqueta-bem-comprida", "verão"])))
    chromium.size(width, 900)
    chromium.go(f"/runs?q=manaca&from=2026-01-01&agency=agency-{'x' * 150}")
    chromium.go("/runs?q=manaca&from=2026-01-01&queue=task/generate-ai-content")
    chromium.until(lambda: chromium.all("[data-row]"))
    for part in ("html", ".table-wrap"):
        fits = "const part = document.querySelector(arguments[0]); return part.scrollWidth <= part.clientWidth"
        assert chromium.script(fits, part), part
