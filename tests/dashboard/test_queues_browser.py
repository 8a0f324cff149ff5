"""Queues, workers and approvals as an operator handles them, in Chromium."""

import re

import pytest
from support.chromium import Chromium, Site, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]


def test_a_queue_is_paused_and_resumed_while_a_run_s_page_follows(chromium: Chromium, live: Site):
    chromium.go("/queues")
    chromium.sees("Ao vivo")
    chromium.click("[data-row='task/echo'] .row-actions button")
    chromium.sees("Fila pausada: nada dela começa", "Pausada", "por Painel")
    run_id = live.trigger("echo", {})
    chromium.sees("1 aguarda")
    chromium.go(f"/runs/{run_id}")
    chromium.sees("Fila pausada: echo", "começa quando a fila for retomada", "Ao vivo")
    chromium.click("[data-part=waiting] strong a")
    chromium.until(lambda: chromium.path == "/queues?q=task%2Fecho")
    chromium.click("[data-row='task/echo'] .row-actions button")
    chromium.sees("Fila retomada.")
    chromium.until(lambda: not chromium.all(".banner"))
    chromium.go(f"/runs/{run_id}")
    chromium.sees("Concluída")
    assert chromium.text("[data-part=waiting]") == ""


def test_a_worker_is_drained_and_used_again(chromium: Chromium, live: Site):
    chromium.go("/queues")
    chromium.click("[data-part=workers] .row-actions button")
    chromium.sees("O worker não começa mais nada", "Drenado", "pode ser desligado")
    run_id = live.trigger("talk", {})
    chromium.click("[data-part=workers] .row-actions button")
    chromium.sees("O worker voltou a receber execuções.", "Ativo")
    live.does(live.service.finished(run_id))


def test_the_next_attempt_is_counted_down(chromium: Chromium, live: Site):
    run_id = live.trigger("busy", {})
    live.does(live.service.reaches(run_id, lambda run: run["attemptCount"] == 1))
    chromium.go(f"/runs/{run_id}")
    chromium.sees("Próxima tentativa em", "tentativa 2 de 4")
    shown = chromium.text("[data-until]")
    assert re.fullmatch(r"(59 min \d\d s|1 h 00 min)", shown)
    chromium.until(lambda: chromium.text("[data-until]") not in {shown, ""})


def test_an_approval_is_given_with_a_click_or_with_an_answer(chromium: Chromium, live: Site):
    for answer in (None, {"ok": True}):
        run_id = live.trigger("approve", {})
        live.does(live.service.reaches(run_id, lambda run: run["isWaiting"]))
        chromium.go(f"/runs/{run_id}")
        if answer is None:
            chromium.click("[data-part=tokens] button")
        else:
            chromium.click("[data-part=tokens] a.button")
            chromium.until(lambda: chromium.all("#output"))
            chromium.find("#output").send_keys('{"ok": true}')
            chromium.click("main .button.primary")
        chromium.sees("Aprovado: a execução continua.", "Concluída")
        assert live.does(live.service.run(run_id))["output"] == {"answer": answer}
