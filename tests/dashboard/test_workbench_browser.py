"""The workbench as an agency's people use it, in Chromium."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from support.chromium import Chromium, Site, needs_chromium

from agenciaos_jobs.ai_content.agents import AGENTS

pytestmark = [pytest.mark.slow, needs_chromium]

COPY = AGENTS["META_ADS_COPY"]
CLIPBOARD = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"


def fill(chromium: Chromium, slug: str) -> None:
    """Chooses the agent, which loads its form by itself, and fills in its example."""
    Select(chromium.find("#agent")).select_by_value(slug)
    chromium.until(lambda: chromium.all("[name='input.product']"))
    for name, value in COPY.example_input.items():
        field = chromium.find(f"[name='input.{name}']")
        if field.tag_name == "select":
            Select(field).select_by_value(value)
        else:
            field.send_keys(value)


def test_an_ad_is_written_copied_varied_compared_and_judged(chromium: Chromium, live: Site):
    chromium.go("/workbench?agency=agency-124")
    fill(chromium, COPY.slug)
    chromium.click("main .button.primary")
    chromium.sees("Títulos do anúncio", "37/40", COPY.example["headlines"][0])
    first = chromium.path.rpartition("/")[2]
    chromium.script(CLIPBOARD)
    for selector, expected in (
        ("[data-copy='#a-headlines-1']", COPY.example["headlines"][1]),
        ("[data-copy='#a-headlines .text']", "\n".join(COPY.example["headlines"])),
    ):
        chromium.click(selector)
        chromium.until(lambda expected=expected: chromium.script("return window.copied") == expected)
    chromium.click("[value='headlines/1']")
    chromium.sees("Variação de", "seu próximo smartphone O")
    assert chromium.path.endswith(f"?with={first}")
    assert [part.text for part in chromium.all("#a-headlines-2, #b-headlines-2")] == [COPY.example["headlines"][2]] * 2
    assert chromium.find("#b-headlines-1").text == COPY.example["headlines"][1]
    chromium.find("#word").send_keys("direto")
    chromium.click("[value=up]")
    chromium.sees("Opinião guardada.", "Bom direto")
    assert chromium.find("[value=up]").get_attribute("aria-pressed") == "true"
    chromium.go("/workbench?agency=agency-124")
    chromium.sees("variação", "1 bom")


def test_a_content_is_written_and_judged_without_scripts_and_by_keyboard(chromium: Chromium, live: Site):
    payload = {"agencyId": "agency-124", "agentType": "META_ADS_COPY", "input": COPY.example_input}
    run_id = live.trigger("ai-content", payload)
    live.does(live.service.finished(run_id))
    chromium.runs_scripts(False)
    chromium.go("/workbench")
    chromium.find("#agency").send_keys("agency-124")
    Select(chromium.find("#agent")).select_by_value("copy-generator")
    chromium.click(".workbench-choice .button")
    chromium.sees("Bem-te-vi Digital", "Usa 1 geração do mês")
    chromium.driver.find_element(By.LINK_TEXT, COPY.name).click()
    chromium.sees("O que achou?")
    chromium.click("[value=down]")
    chromium.sees("Opinião guardada.")
    chromium.runs_scripts(True)
    chromium.go(f"/workbench/runs/{run_id}")
    chromium.tab_to("[value='headlines/0']")
    chromium.tab_to("[name=rating][value=up]")


def test_a_page_shows_the_content_once_it_is_written(chromium: Chromium, live: Site):
    run_id = live.trigger(
        "ai-content", {"agencyId": "agency-124", "agentType": "META_ADS_COPY", "input": COPY.example_input}, delay="3s"
    )
    chromium.go(f"/workbench/runs/{run_id}")
    chromium.sees("Escrevendo há")
    chromium.sees("Títulos do anúncio", "37/40")
    assert chromium.find("[data-part=result] form").is_displayed()
