"""Why a run waits, as its page tells it, and the tokens that a person completes there."""

import re
from typing import Any

import pytest
from support.browsing import Browser, operator
from support.sdk import JOBS, released, running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings


async def why(browser: Browser, run_id: str, **headers: str) -> str:
    """The reason that a run's page gives, without its markup; empty if the run does not wait."""
    _, page = await browser.get(f"/runs/{run_id}", **headers)
    part = re.search(r'<div data-part="waiting">(.*?)<div data-part="tokens">', page, re.S)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


async def test_without_a_worker_and_with_a_delay_a_run_says_what_it_waits_for(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {})
        assert re.fullmatch(r"Nenhum worker ativo há \d+.* começa quando um worker subir", await why(browser, run_id))
        delayed = await service.trigger("monthly-report", {}, delay="2h")
        assert re.match(r"Adiada: começa em (1 h 59|2 h 00) min [\d/]{10} [\d:]{8}", await why(browser, delayed))
        english = {"Accept-Language": "en"}
        assert re.match(r"Delayed: starts in (1 h 59|2 h 00) min", await why(browser, delayed, **english))


async def test_a_run_says_that_its_key_is_full_who_uses_it_and_its_position(settings: Settings):
    released.clear()
    key = {"concurrency_key": "slow:agency-123", "concurrency_limit": 2, "agency_id": "agency-123"}
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        holders = [await service.start(JOBS["slow"], {"until": "go"}, **key) for _ in range(2)]
        for run_id in holders:
            await service.reaches(run_id, lambda run: run["isExecuting"])
        waiting = [await service.start(JOBS["slow"], {"seconds": 0}, **key) for _ in range(3)]
        text = await why(browser, waiting[2])
        assert re.match(r"2 de 2 da agência em uso há .*? posição na fila: 3 Em uso por: ….{8} há ", text), text
        _, page = await browser.get(f"/runs/{waiting[2]}")
        assert all(f'href="/runs/{run_id}"' in page for run_id in holders)
        assert (await why(browser, holders[0])) == ""
        released.add("go")
        await service.finished(waiting[2])
        assert (await why(browser, waiting[2])) == ""


async def test_with_all_slots_in_use_a_run_says_its_position(settings: Settings):
    released.clear()
    one_slot = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_with_test_jobs(one_slot) as service, operator(service) as browser:
        first = await service.start(JOBS["slow"], {"until": "go"})
        await service.reaches(first, lambda run: run["isExecuting"])
        waiting = [await service.start(JOBS["slow"], {"seconds": 0}) for _ in range(2)]
        assert re.match(r"1 de 1 vagas dos workers em uso há .*? posição na fila: 2", await why(browser, waiting[1]))
        urgent = await service.start(JOBS["slow"], {"seconds": 0}, priority=3600)
        assert "posição na fila: 1" in await why(browser, urgent)
        released.add("go")
        await service.finished(waiting[1])


async def test_between_two_attempts_a_run_counts_down_to_the_next(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id = await service.start(JOBS["busy"])
        await service.reaches(run_id, lambda run: run["attemptCount"] == 1 and run["isQueued"])
        text = await why(browser, run_id)
        assert re.fullmatch(r"Próxima tentativa em .*? min.*? [\d/]{10} [\d:]{8} tentativa 2 de 4", text), text
        assert "data-until=" in (await browser.get(f"/runs/{run_id}"))[1]


async def asked(service: Service, browser: Browser) -> tuple[str, str]:
    """A run that waits for an approval, and the path of its token's page."""
    run_id = await service.start(JOBS["approve"])
    await service.reaches(run_id, lambda run: run["isWaiting"])
    assert (await why(browser, run_id)).startswith("Aguardando uma aprovação")
    _, page = await browser.get(f"/runs/{run_id}")
    assert re.search(r"Aguardando aprovação.*?vence.*?em 1 h", page, re.S)
    return run_id, re.search(r'action="(/runs/run_\w+/tokens/waitpoint_\w+)"', page)[1]


@pytest.mark.parametrize(
    ("given", "answer"),
    [("", None), ('{"ok": true}', {"ok": True}), (' "sim" ', "sim")],
    ids=["empty", "object", "text"],
)
async def test_a_token_is_completed_on_the_runs_page(settings: Settings, given: str, answer: Any):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id, path = await asked(service, browser)
        status, back = await browser.post(path, {"output": given} if given else {})
        assert (status, back) == (303, f"/runs/{run_id}?done=token")
        assert (await service.finished(run_id))["output"] == {"answer": answer}
        assert "Aprovado: a execução continua" in (page := (await browser.get(back))[1])
        assert "tokens/waitpoint" not in page
        assert (await browser.post(path))[0] == 404


async def test_what_is_no_json_completes_nothing(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id, path = await asked(service, browser)
        assert "Resposta (JSON)" in (await browser.get(path))[1]
        status, page = await browser.post(path, {"output": '{"ok": '})
        assert (status, "A resposta não é JSON válido" in page, "{&#34;ok&#34;:</textarea>" in page) == (
            422,
            True,
            True,
        )
        assert (await service.run(run_id))["isWaiting"]
        other = await service.trigger("monthly-report", {})
        assert (await browser.post(path.replace(run_id, other)))[0] == 404
        browser.token = "stolen"
        assert (await browser.post(path))[0] == 403
