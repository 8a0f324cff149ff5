"""Twelve tasks of an operator at three in the morning, in Chromium: each from the overview, with its clicks counted."""

import json
import time
from collections.abc import Callable

import pytest
from selenium.webdriver.common.keys import Keys
from support.chromium import Chromium, Site, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Geladeira Xodó"}}
RUN = "[data-row] a[href^='/runs/run_']"
READ = "return fetch(arguments[0]).then((response) => response.text())"


class Operator:
    """A person before the overview. Filling in a field and pressing Enter is one click."""

    def __init__(self, window: Chromium, live: Site) -> None:
        self.window, self.live, self.clicks = window, live, 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.window.click(selector)

    def menu(self, path: str) -> None:
        self.click(f".menu a[href='{path}']")
        self.window.until(lambda: self.window.path == path)

    def enter(self, selector: str, text: str) -> None:
        self.clicks += 1
        self.window.until(lambda: self.window.find(selector).send_keys(text + Keys.ENTER) is None)

    def sees(self, *words: str) -> None:
        self.window.sees(*words)

    def finished(self, kind: str, payload: dict[str, object], **options: object) -> str:
        run_id = self.live.trigger(kind, payload, **options)
        self.live.does(self.live.service.finished(run_id))
        return run_id


def why_does_it_wait(operator: Operator) -> None:
    operator.menu("/runs")
    operator.click("[name=status] option[value=DELAYED]")
    operator.click(".filters button")
    operator.click(RUN)
    operator.sees("Adiada", "começa")


def pause_and_resume_a_queue(operator: Operator) -> None:
    operator.menu("/queues")
    operator.click("[data-row='task/echo'] .row-actions button")
    operator.sees("Fila pausada: nada dela começa", "por Painel")
    operator.click("[data-row='task/echo'] .row-actions button")
    operator.sees("Fila retomada.")


def drain_a_worker(operator: Operator) -> None:
    operator.menu("/queues")
    operator.click("[data-part=workers] .row-actions button")
    operator.sees("O worker não começa mais nada")
    operator.click("[data-part=workers] .row-actions button")
    operator.sees("O worker voltou a receber execuções.")


def what_does_ai_cost(operator: Operator) -> None:
    operator.menu("/costs")
    operator.sees("Gasto do mês", "Previsão do mês", "Mês contra mês", "Agência Aurora")


def write_to_an_owner(operator: Operator) -> None:
    operator.menu("/costs")
    operator.click("[data-row=agency-123] a.button")
    operator.sees("Tudo bem?")


def find_by_its_words(operator: Operator) -> None:
    operator.menu("/runs")
    operator.enter("#f-q", "geladeira xodo")
    operator.click(RUN)
    operator.sees("Copy para anúncios no Meta Ads · Agência Aurora", "Geladeira Xodó")


def take_failures_to_a_spreadsheet(operator: Operator) -> None:
    operator.menu("/runs")
    operator.click("[name=status] option[value=failures]")
    operator.click(".filters button")
    operator.window.until(lambda: "status=failures" in operator.window.path)
    operator.clicks += 1  # downloads
    text = operator.window.script(READ, operator.window.link("a.button[href*='.csv']"))
    assert "2999-01 has not begun yet" in text


def replay_only_these(operator: Operator) -> None:
    operator.finished("monthly-report", {"month": "2999-01", "agencyId": "agency-123"})
    operator.menu("/errors")
    operator.click("[data-row] th a")
    operator.click("[data-part=chart] summary")
    operator.click("[data-part=chart] td:not(.zero) ~ td a, [data-part=chart] tr:last-child th a")
    operator.click("[data-part=agencies] [data-row] a")
    operator.click("[data-part=selection] button")
    operator.click("main .button.primary")
    operator.sees("falhou de novo", "Terminou com falhas")


def approve(operator: Operator) -> None:
    run_id = operator.live.trigger("approve", {})
    operator.live.does(operator.live.service.reaches(run_id, lambda run: run["isWaiting"]))
    operator.menu("/runs")
    operator.click(f"a[href^='/runs/{run_id}']")
    operator.click("[data-part=tokens] button")
    operator.sees("Aprovado: a execução continua.", "Concluída")


def assign_a_payment(operator: Operator) -> None:
    operator.menu("/payments")
    operator.enter(".waiting [name=agency]", "agency-125")
    operator.sees("Atribuído.", "Concluída")


def generate_a_report_again(operator: Operator) -> None:
    operator.menu("/reports")
    operator.click("tbody th a")
    operator.click("form[action$='/generate'] button")
    operator.sees("Concluída")


def who_did_it(operator: Operator) -> None:
    operator.window.go("/schedules")
    operator.window.click("[data-row='sched_generate-monthly-reports'] .row-actions button")
    operator.sees("Concluída")
    operator.window.go("/")
    operator.menu("/audit")
    operator.window.until(lambda: "Executou o agendamento" in operator.window.text("main table"))


TASKS: dict[Callable[[Operator], None], int] = {
    why_does_it_wait: 4,
    pause_and_resume_a_queue: 3,
    drain_a_worker: 3,
    what_does_ai_cost: 1,
    write_to_an_owner: 2,
    find_by_its_words: 3,
    take_failures_to_a_spreadsheet: 4,
    replay_only_these: 7,
    approve: 3,
    assign_a_payment: 2,
    generate_a_report_again: 3,
    who_did_it: 1,
}


@pytest.mark.parametrize(("task", "clicks"), TASKS.items(), ids=[task.__name__ for task in TASKS])
def test_a_task_takes_few_clicks(
    chromium: Chromium, live: Site, story: dict[str, str], task: Callable[[Operator], None], clicks: int
):
    operator = Operator(chromium, live)
    operator.finished("ai-content", AI)
    chromium.go("/")
    chromium.sees("Ao vivo")
    began = time.perf_counter()
    task(operator)
    print(json.dumps({"task": task.__name__, "clicks": operator.clicks, "seconds": time.perf_counter() - began}))
    assert operator.clicks <= clicks
