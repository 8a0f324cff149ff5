"""The pages of alerts."""

from datetime import UTC, datetime

import asyncpg
import pytest
from support.browsing import operator, rows_of_all_pages
from support.service import running_server

from agenciaos_jobs.alerts.alert import Alert, AlertEvent
from agenciaos_jobs.alerts.kind import KINDS, AlertKind
from agenciaos_jobs.alerts.kinds import ERROR_NEW, FAILURE_RATE
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.text import explanation
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


async def test_alerts_tell_what_was_raised_and_what_was_sent(settings: Settings, db: asyncpg.Connection):
    own = settings.model_copy(update={"public_url": "http://jobs.example"})
    async with running_server(own) as service, operator(service) as browser:
        assert "Nenhum alerta" in (await browser.get("/alerts"))[1]
        database, clock = service.app[keys.DATABASE], service.app[keys.CLOCK]
        details = {"type": "E", "code": "boom", "message": EVIL, "fingerprint": "f1"}
        await alerts.add(database, [AlertEvent(ERROR_NEW, "a-task", EVIL, details)], clock)
        await alerts.mark_failed(database, None, "slack", f"403 {EVIL}", clock.now())
        alert_id = await db.fetchval("SELECT id FROM jobs.alerts")
        for path in ("/alerts", f"/alerts/{alert_id}", "/alerts?kind=error_new", "/alerts?kind=nonsense&after=x"):
            _, page = await browser.get(path)
            assert "a-task: erro inédito" in page, path
            assert EVIL not in page, path
        assert "Não configurado" in (await browser.get("/alerts"))[1]
        assert 'href="/errors/f1"' in (await browser.get(f"/alerts/{alert_id}"))[1]
        assert "Nenhum alerta" in (await browser.get("/alerts?kind=no_workers"))[1]
        assert (await browser.get("/alerts/none"))[0] == (await browser.get("/alerts/%00"))[0] == 404


async def test_alerts_are_explained_in_the_page_s_language(settings: Settings, db: asyncpg.Connection):
    english = {"Accept-Language": "en"}
    async with running_server(settings) as service, operator(service) as browser:
        details = {"failed": 6, "ended": 16, "percent": 38, "window": "10 min"}
        database, clock = service.app[keys.DATABASE], service.app[keys.CLOCK]
        await alerts.add(database, [AlertEvent(FAILURE_RATE, "a-task", "", details)], clock)
        alert_id = await db.fetchval("SELECT id FROM jobs.alerts")
        told = {
            "pt": ("38 % das execuções falham", "6 de 16 execuções falharam", "Muitas falhas"),
            "en": ("38 % of the runs fail", "6 of 16 runs failed within the last 10 min", "Many failures"),
        }
        for language, headers in (("pt", {}), ("en", english)):
            _, page = await browser.get("/alerts", **headers)
            assert all(words in page for words in told[language]), language
            _, page = await browser.get(f"/alerts/{alert_id}", **headers)
            assert all(words in page for words in told[language][:2]), language
        assert "look at the external service" in page
        assert "Veja" not in page


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_every_kind_of_alert_has_its_words(kind: AlertKind):
    alert = Alert("alert_1", kind, "the-key", ("one",), {}, NOW, NOW, 1, 1, None, None, 0, None)
    portuguese, english = (explanation(alert, language) for language in ("pt", "en"))
    assert all(portuguese)
    assert all(english)
    assert portuguese[2] != english[2]
    assert kind.label.pt
    assert kind.label.en


async def test_pages_of_alerts_follow_each_other_without_a_gap(settings: Settings, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.alerts (id, kind, key, subjects, details, since, raised_at, raised, pending)
           SELECT 'alert_' || n, 'run_failed', n::text, '{}', '{}', now(), now() - n / 3 * interval '1 s', 1, 0
           FROM generate_series(1, 120) AS n"""
    )
    async with running_server(settings) as service, operator(service) as browser:
        seen = await rows_of_all_pages(browser, "/alerts")
    assert len(set(seen)) == len(seen) == 120
