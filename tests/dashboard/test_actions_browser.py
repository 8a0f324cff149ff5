"""What people do on the pages besides the runs', in Chromium."""

import pytest
from support.browser import PAID
from support.chromium import Chromium, Site, needs_chromium
from support.sdk import released

pytestmark = [pytest.mark.slow, needs_chromium]


def test_a_run_is_started_from_a_form_that_tells_what_is_wrong(chromium: Chromium, live: Site):
    chromium.go("/test?task=generate-monthly-reports&month=soon")
    chromium.click("main .button.primary")
    chromium.sees("Há campos a corrigir", "deve ser um mês como 2026-10")
    field = chromium.find("[id='payload.month']")
    assert field.get_attribute("aria-describedby") == "wrong-payload.month"
    field.clear()
    field.send_keys("2026-10")
    chromium.click("main .button.primary")
    chromium.sees("Ao vivo", "Concluída")
    run_id = chromium.path.rpartition("/")[2]
    assert live.does(live.service.run(run_id))["payload"] == {"month": "2026-10"}


def test_an_error_is_resolved_and_seen_to_come_back(chromium: Chromium, live: Site):
    live.does(live.service.finished(live.trigger("monthly-report", {"month": "2999-01"})))
    chromium.go(chromium.leads_on("/errors"))
    chromium.click("[data-part=actions] form:first-of-type button")
    chromium.sees("Marcado como resolvido")
    chromium.go("/errors")
    chromium.sees("Ao vivo", "Nenhum erro aberto")
    live.does(live.service.finished(live.trigger("monthly-report", {"month": "2999-01"})))
    chromium.sees("month_in_future", "Voltou")


def test_a_month_is_picked_and_its_agency_opened(chromium: Chromium, live: Site):
    for month in ("2026-09", "2026-10"):
        live.does(live.service.finished(live.trigger("monthly-report", {"month": month})))
    chromium.go("/reports")
    chromium.click("[name=month] option[value='2026-09']")
    chromium.until(lambda: chromium.path == "/reports?month=2026-09")
    chromium.click("tbody th a")
    chromium.sees("Setembro de 2026", "Mês a mês", "Maiores despesas")


def test_a_schedule_runs_now(chromium: Chromium):
    chromium.go("/schedules")
    chromium.click("[data-row='sched_generate-monthly-reports'] .row-actions button")
    chromium.sees("Concluída")
    chromium.go("/schedules")
    chromium.sees("Concluída")


def test_a_payment_is_assigned_and_its_agency_s_plan_follows_by_itself(
    chromium: Chromium, live: Site, story: dict[str, str]
):
    chromium.go("/payments")
    chromium.sees("Pagamentos sem agência identificada")
    chromium.find(".waiting [name=agency]").send_keys("agency-125")
    chromium.click(".waiting .assign button")
    chromium.sees("Atribuído.", "Execuções que o aplicam", "Concluída")
    chromium.go("/agencies/agency-125")
    chromium.sees("FREE → PRO", "Ao vivo")
    live.trigger("payment-webhook", {**PAID, "customerId": "agency-125", "status": "refunded"})
    chromium.sees("PRO → FREE")


def test_all_that_a_filter_finds_are_canceled_with_a_result_each(chromium: Chromium, live: Site):
    ids = [live.trigger("monthly-report", {}, tags=["many"], delay="1h") for _ in range(60)]
    chromium.go("/runs?tag=many")
    chromium.click(".bulk-all summary")
    chromium.click("[value=cancel-all]")
    chromium.sees("Cancelar 60 execuções?", "Etiqueta", "many")
    chromium.click("main .button.danger")
    chromium.sees("60 / 60", "60 canceladas", "Pronto")
    assert {row.get_attribute("data-row") for row in chromium.all("[data-row]")} == set(ids)
    assert "Cancelada" in chromium.text(f"[data-row={ids[0]}]")


def test_a_log_grows_while_one_reads_it_and_is_searched(chromium: Chromium, live: Site):
    run_id = live.trigger("talk", {"until": ["begun was read", "halfway was read"]})
    chromium.go(f"/runs/{run_id}")
    chromium.sees("begun", "Ao vivo", patience=1.5)
    assert "halfway" not in chromium.text("[data-part=log]")
    released.add("begun was read")
    chromium.until(lambda: "halfway" in chromium.text("[data-part=log]"), 1.5)
    assert "nearly done" not in chromium.text("[data-part=log]")
    released.add("halfway was read")
    live.does(live.service.finished(run_id))
    chromium.until(lambda: "nearly done" in chromium.text("[data-part=log]"), 1)
    chromium.click("[name=level] option[value=error]")
    chromium.until(lambda: "halfway" not in chromium.text("[data-part=log]"))
    assert "nearly done" in chromium.text("[data-part=log]")


def allow_clipboard(chromium: Chromium) -> None:
    chromium.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )


def test_ids_and_payloads_are_copied(chromium: Chromium, live: Site):
    run_id = live.trigger("echo", {"text": "<b>olá</b>", "apiKey": "s3cret"})
    live.does(live.service.finished(run_id))
    allow_clipboard(chromium)
    chromium.go(f"/runs/{run_id}")
    read = "navigator.clipboard.readText().then(arguments[0])"
    for button, expected in (
        ("[data-copy='#run-id']", run_id),
        ("[data-copy='#payload-text']", '{\n  "text": "<b>olá</b>",\n  "apiKey": "[redacted]"\n}'),
    ):
        chromium.click(button)
        chromium.until(lambda button=button: "Copiado" in chromium.text(button))
        assert chromium.driver.execute_async_script(read) == expected


def test_a_copy_is_confirmed_though_the_page_is_refreshed(chromium: Chromium, live: Site):
    run_id = live.trigger("echo", {})
    live.does(live.service.finished(run_id))
    allow_clipboard(chromium)
    chromium.go(f"/runs/{run_id}")
    chromium.sees("Ao vivo")
    button = "[data-copy='#payload-text']"
    is_shown = chromium.driver.execute_async_script(
        "const [selector, end] = arguments, button = document.querySelector(selector);"
        "const isDone = () => button.innerText === button.dataset.done;"
        "new MutationObserver((_, observer) => {"
        "  if (!isDone()) return;"
        "  observer.disconnect();"
        "  button.closest('[data-part]').dataset.changed = '';"  # so that the refresh has something to mend
        "  document.addEventListener('refreshed', () => end(isDone()), { once: true });"
        "  dispatchEvent(new Event('pagehide'));"
        "  dispatchEvent(new Event('pageshow'));"
        "}).observe(button, { childList: true, subtree: true });"
        "button.click();",
        button,
    )
    assert is_shown
    chromium.until(lambda: chromium.text(button) == "Copiar")
