"""Every error code of this package has a sentence and advice in both languages, beside the technical text."""

import ast
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import asyncpg
import pytest
from support.browsing import operator
from support.service import running_server, running_service

import agenciaos_jobs
from agenciaos_jobs.dashboard.failures.explanation import explain
from agenciaos_jobs.settings import Settings

TASK = "generate-ai-content"
PACKAGE = Path(agenciaos_jobs.__file__).parent
RAISING = {"GiveUp", "RetryLater", "ChannelError", "_rejected"}


def codes() -> Iterator[str]:
    """The codes that outcomes are raised with; of those that end in an answer's status or code, one."""
    for path in PACKAGE.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Name):
                continue
            first = call.args[:1] if call.func.id in RAISING else []
            named = [word.value for word in call.keywords if word.arg == "code"] if call.func.id == "RunError" else []
            for given in (*first, *named):
                if isinstance(given, ast.Constant):
                    yield given.value
                elif isinstance(given, ast.JoinedStr) and isinstance(given.values[0], ast.Constant):
                    yield f"{given.values[0].value}anything"
    yield from ("MaxDurationExceeded", "model_refused", "content_filtered", "output_truncated", "generation_failed")
    yield from ("ai_wait_limit_reached", "payment_wait_limit_reached")  # as the upstreams give them


@pytest.mark.parametrize("code", sorted(set(codes()) - {"invoice_missing"}))
def test_each_code_has_a_sentence_and_advice(code: str):
    found = explain(TASK, {"code": code})
    assert found, code
    for text in (found.what, found.advice):
        assert text.pt.endswith(".")
        assert text.en.endswith(".")
        assert text.pt != text.en


def test_codes_of_other_jobs_are_their_own():
    assert explain("send-reminder", {"code": "rejected"}) is None
    assert explain("send-reminder", {"code": "worker_lost"})
    assert explain(TASK, {"type": "ZeroDivisionError"}) is None


async def test_the_page_of_a_run_says_what_to_do_above_the_technical_text(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        run = await service.outcome("monthly-report", {"month": "2999-01"})
        _, page = await browser.get(f"/runs/{run['id']}")
    error = unescape(page.partition('data-part="error"')[2].partition("</section>")[0])
    assert error.index("O mês pedido ainda não começou.") < error.index("O que fazer:") < error.index("month_in_future")
    assert "O job não escreveu nada." in page


async def test_an_open_run_shows_whose_error_it_is_and_does_not_offer_a_replay_first(
    settings: Settings, db: asyncpg.Connection
):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {"month": "2026-10"})
        error = '{"type": "WorkerLost", "message": "gone", "code": "worker_lost"}'
        for status, heading in (("EXECUTING", "Erro da tentativa anterior"), ("QUEUED", "Erro da última tentativa")):
            await db.execute("UPDATE jobs.runs SET status = $2, error = $3 WHERE id = $1", run_id, status, error)
            _, page = await browser.get(f"/runs/{run_id}")
            assert heading in page
            assert 'class="button primary"' not in page.partition(f"/runs/{run_id}/replay")[2].partition("</form>")[0]
        _, page = await browser.post(f"/runs/{run_id}/replay")
        assert "o trabalho seria feito duas vezes" in page
