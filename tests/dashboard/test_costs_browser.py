"""Costs as an operator reads them, in Chromium."""

import json
from urllib.parse import unquote

import pytest
from support.chromium import Chromium, Site, needs_axe, needs_chromium

from agenciaos_jobs.http.keys import CLOCK, DATABASE

pytestmark = [pytest.mark.slow, needs_chromium]

LONG = "Agência de Comunicação Integrada, Marketing Digital e Performance do Vale do São Francisco Ltda."
OVERFLOWING = """
const most = document.documentElement.clientWidth;
return [...document.querySelectorAll('main *')].filter((part) => !part.closest('.table-wrap, svg, .visually-hidden')
  && part.getBoundingClientRect().right > most + 1).map((part) => part.outerHTML.slice(0, 120));
"""


@pytest.fixture(scope="module")
def spent(live: Site) -> None:
    """Large sums of an agency with a long name that has used up its month."""
    database, now = live.service.app[DATABASE], live.service.app[CLOCK].now()

    async def store() -> None:
        await database.execute("UPDATE agencies SET name = $1 WHERE id = 'agency-124'", LONG)
        await database.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                                                input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                                created_at)
               SELECT 'run_' || n, 1, 'agency-' || 123 + n % 2, 'WHATSAPP_SALES_SCRIPT', 'completed', 'gpt-6-luna', 1,
                      1, 0, 1, 0,
                      CASE n % 2 WHEN 1 THEN 98765.4321 ELSE 0.5 END, $1::timestamptz - n * interval '7 hours'
               FROM generate_series(1, 120) AS n""",
            now,
        )
        await database.execute(
            """INSERT INTO jobs.ai_quotas (agency_id, month, used_before)
               VALUES ('agency-124', date_trunc('month', $1::timestamptz AT TIME ZONE 'America/Sao_Paulo'), 20)""",
            now,
        )

    live.does(store())


def test_costs_are_sorted_narrowed_and_exported(chromium: Chromium, spent: None):
    chromium.go("/costs")
    chromium.sees("Perto do limite do plano", "1 a 100%")
    first = "[data-part=costs] [data-row]:first-child th"
    assert chromium.text(first) == LONG
    chromium.click(".sorter[href*='order=asc']")
    chromium.until(lambda: chromium.text(first) == "Agência Aurora")
    chromium.click("[data-row=agency-124] th a")
    chromium.until(lambda: chromium.text(first) == "WHATSAPP_SALES_SCRIPT")
    assert "agency=agency-124" in chromium.path
    assert chromium.link(".exports a:last-child") == chromium.path.replace("/costs?", "/costs.json?")
    read = "return fetch(arguments[0]).then((response) => response.text())"
    (row,) = json.loads(chromium.script(read, chromium.path.replace("/costs?", "/costs.json?")))
    assert row["agent"] == "WHATSAPP_SALES_SCRIPT"


def test_a_message_to_an_owner_is_two_clicks_away_without_scripts(chromium: Chromium, spent: None):
    chromium.runs_scripts(False)
    chromium.go("/costs")
    chromium.click("[data-limit=agency-124] a.button")
    chromium.sees("Olá, Caio! Tudo bem?", "usou todas as gerações do plano FREE (20 de 20 gerações de IA de")
    assert LONG in unquote(chromium.link(".message-links a"))


@needs_axe
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_large_sums_and_long_names_fit_in_all_widths(chromium: Chromium, spent: None, width: int, theme: str):
    chromium.theme(theme)
    chromium.size(width, 900)
    for path in ("/costs", "/costs?by=all", "/costs/message/agency-124"):
        chromium.go(path)
        assert chromium.script(OVERFLOWING) == [], path
        assert chromium.violations() == [], path
