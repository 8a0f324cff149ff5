"""What people do on the pages besides the runs', in Chromium."""

import pytest
from support.chromium import Chromium, Site, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]


def test_a_run_is_started_from_a_form_that_tells_what_is_wrong(chromium: Chromium, live: Site):
    chromium.go("/test?task=generate-monthly-reports&month=soon")
    chromium.find("main .button.primary").click()
    chromium.sees("Há campos a corrigir", "deve ser um mês como 2026-10")
    field = chromium.find("[id='payload.month']")
    assert field.get_attribute("aria-describedby") == "wrong-payload.month"
    field.clear()
    field.send_keys("2026-10")
    chromium.find("main .button.primary").click()
    chromium.sees("Ao vivo", "Concluída")
    run_id = chromium.path.rpartition("/")[2]
    assert live.does(live.service.run(run_id))["payload"] == {"month": "2026-10"}


def test_an_error_is_resolved_and_seen_to_come_back(chromium: Chromium, live: Site):
    live.does(live.service.finished(live.trigger("monthly-report", {"month": "2999-01"})))
    chromium.go(chromium.leads_on("/errors"))
    chromium.find("[data-part=actions] form:first-of-type button").click()
    chromium.sees("Marcado como resolvido")
    chromium.go("/errors")
    chromium.sees("Ao vivo", "Nenhum erro aberto")
    live.does(live.service.finished(live.trigger("monthly-report", {"month": "2999-01"})))
    chromium.sees("month_in_future", "Voltou")


def test_a_month_is_picked_and_its_agency_opened(chromium: Chromium, live: Site):
    for month in ("2026-09", "2026-10"):
        live.does(live.service.finished(live.trigger("monthly-report", {"month": month})))
    chromium.go("/reports")
    chromium.find("[name=month] option[value='2026-09']").click()
    chromium.until(lambda: chromium.path == "/reports?month=2026-09")
    chromium.find("tbody th a").click()
    chromium.sees("Setembro de 2026", "Mês a mês", "Maiores despesas")


def test_a_schedule_runs_now(chromium: Chromium):
    chromium.go("/schedules")
    chromium.find("[data-row='sched_generate-monthly-reports'] .row-actions button").click()
    chromium.sees("Concluída")
    chromium.go("/schedules")
    chromium.sees("Concluída")
