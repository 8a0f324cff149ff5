"""Reports by e-mail, through a real SMTP server, and by webhook."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import asyncpg
import pypdf
import pytest
from standardwebhooks import Webhook
from support.bookkeeping import AURORA, NOW, earn
from support.channels import PUBLIC_URL, SECRET, Mailbox, Receiver, mail, receiving, smtp_server, trusted
from support.clock import FrozenClock
from support.service import Service, running_service

from agenciaos_jobs.reports.delivery import unsubscribe
from agenciaos_jobs.reports.jobs import deliver_report
from agenciaos_jobs.settings import Settings

__all__ = ["trusted"]

pytestmark = pytest.mark.usefixtures("trusted")

OWNER = "marina@aurora.example"
Start = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, int]]:
    async with smtp_server() as server:
        yield server


@pytest.fixture
def mailing(settings: Settings, books: asyncpg.Connection, mailbox: tuple[Mailbox, int]) -> Start:
    """Starts the service with e-mail on."""

    @asynccontextmanager
    async def start(clock: FrozenClock | None = None, **others: Any) -> AsyncIterator[Service]:
        await earn(books, "2026-10-05", "1234.56", "Mídia <b>", recurring=True)
        on = mail(mailbox[1]) | {"report_email": True, "report_email_from": "relatorios@agenciaos.com.br"}
        values = settings.model_dump(exclude_unset=True) | on | {"public_url": PUBLIC_URL} | others
        async with running_service(Settings.model_validate(values), clock=clock) as service:
            yield service

    return start


async def deliveries(service: Service, db: asyncpg.Connection, count: int = 1) -> list[dict[str, Any]]:
    """The ended runs that deliver, oldest first, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            rows = await db.fetch("SELECT id FROM jobs.runs WHERE task = 'deliver-report' AND finished_at IS NOT NULL")
            if len(rows) >= count:
                return [await service.run(row["id"]) for row in rows]
            await asyncio.sleep(0.02)


def part(message: EmailMessage, *kinds: str) -> str:
    body = message.get_body(kinds)
    assert body
    text: str = body.get_content().replace("\r\n", "\n")
    return text


async def test_the_owner_gets_a_mail_with_the_pdf_once(
    mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection
):
    async with mailing() as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        (run,) = await deliveries(service, books)
        assert run["output"] == {"revision": 1, "sent": [OWNER]}
        await service.outcome("monthly-report", {"month": "2026-10"})
        again = await service.start(deliver_report.JOB, {"agencyId": AURORA, "month": "2026-10", "channel": "email"})
        assert (await service.finished(again))["output"] == {"revision": 1, "skipped": [OWNER]}
        on_request = {"agencyId": AURORA, "month": "2026-10", "channel": "email", "again": True}
        asked = await service.finished(await service.start(deliver_report.JOB, on_request))
        assert asked["output"] == {"revision": 1, "sent": [OWNER]}
    first, second = mailbox[0].mails
    assert (first["To"], first["From"]) == (OWNER, "AgênciaOS <relatorios@agenciaos.com.br>")
    assert first["Subject"] == "Agência Aurora: relatório de outubro de 2026"
    assert (first["Message-ID"], first.get_content_type()) == (second["Message-ID"], "multipart/mixed")
    text, html = part(first, "plain"), part(first, "html")
    assert "Receitas: R$ 1.234,56" in text.replace("\u00a0", " ")
    assert "R$ 1.234,56" in html
    (attached,) = first.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == (
        "application/pdf",
        "relatorio-2026-10-agency-123.pdf",
    )
    assert len(pypdf.PdfReader(io.BytesIO(attached.get_content())).pages) == 2
    assert mailbox[0].was_encrypted == [True, True]


async def test_one_click_unsubscribes_and_a_link_alone_only_asks(
    mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection
):
    async with mailing() as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        await deliveries(service, books)
        (message,) = mailbox[0].mails
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = message["List-Unsubscribe"].strip("<>")
        assert link in part(message, "plain")
        path = link.removeprefix(PUBLIC_URL)
        bare = {"Authorization": ""}
        async with service.http.get(path, headers=bare) as response:
            page = await response.text()
            assert (response.status, OWNER in page, '<form method="post">' in page) == (200, True, True)
        assert await books.fetchval("SELECT count(*) FROM jobs.report_recipients") == 0
        body = {"List-Unsubscribe": "One-Click"}
        async with service.http.post(path, data=body, headers=bare) as response:
            assert (response.status, "não receberá mais" in await response.text()) == (200, True)
        kept = await books.fetchrow("SELECT agency_id, email, status FROM jobs.report_recipients")
        assert tuple(kept) == (AURORA, OWNER, "unsubscribed")
        await service.outcome("monthly-report", {"month": "2026-09"})
        assert await books.fetchval("SELECT count(*) FROM jobs.runs WHERE task = 'deliver-report'") == 1
        async with service.http.post(path[:-1] + ("0" if path[-1] != "0" else "1"), headers=bare) as response:
            assert response.status == 404


async def test_others_get_it_too_and_who_is_refused_is_recorded_and_left_out(
    mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection
):
    await books.execute(
        """INSERT INTO jobs.report_recipients (agency_id, email, updated_at) VALUES
             ('agency-123', 'contador@x.example', now()), ('agency-124', 'nobody@x.example', now())"""
    )
    async with mailing() as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        runs = await deliveries(service, books, 2)
    outputs = {run["payload"]["agencyId"]: run["output"] for run in runs}
    assert outputs == {
        AURORA: {"revision": 1, "sent": [OWNER, "contador@x.example"]},
        "agency-124": {"revision": 1, "refused": ["nobody@x.example"]},
    }
    refused = await books.fetchrow("SELECT status, detail FROM jobs.report_deliveries WHERE recipient LIKE 'nobody%'")
    assert (refused["status"], "550" in refused["detail"]) == ("refused", True)
    assert await books.fetchval("SELECT status FROM jobs.report_recipients WHERE email LIKE 'nobody%'") == "bounced"
    assert sorted(str(message["To"]) for message in mailbox[0].mails) == ["contador@x.example", OWNER]


async def test_what_may_have_been_sent_is_not_sent_again(
    mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection
):
    await books.execute(
        """INSERT INTO jobs.report_deliveries
             (agency_id, month, revision, channel, recipient, status, run_id, updated_at)
           VALUES ('agency-123', '2026-10-01', 1, 'email', $1, 'sending', 'run_of_a_lost_worker', now())""",
        OWNER,
    )
    async with mailing() as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        (run,) = await deliveries(service, books)
    assert run["output"] == {"revision": 1, "skipped": [OWNER]}
    assert mailbox[0].mails == []


async def test_a_wrong_password_fails_the_run_and_is_recorded(mailing: Start, books: asyncpg.Connection):
    async with smtp_server() as (_, port), mailing(smtp_url=mail(port, "wrong")["smtp_url"]) as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        (run,) = await deliveries(service, books)
    assert (run["status"], run["error"]["name"]) == ("FAILED", "smtp_login_refused")
    assert await books.fetchval("SELECT status FROM jobs.report_deliveries") == "failed"


async def test_a_busy_server_gets_it_later(mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection):
    clock, mailbox[0].is_busy = FrozenClock(NOW), True
    async with mailing(clock) as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        run_id = await books.fetchval("SELECT id FROM jobs.runs WHERE task = 'deliver-report'")
        await service.reaches(run_id, lambda run: run["attempts"] and not run["isExecuting"])
        mailbox[0].is_busy = False
        clock.pass_(timedelta(hours=1))
        run = await service.finished(run_id)
    assert (run["attemptCount"], run["attempts"][0]["error"]["name"]) == (2, "smtp_recipients_refused")
    assert run["output"] == {"revision": 1, "sent": [OWNER]}
    assert [message["To"] for message in mailbox[0].mails].count(OWNER) == 1  # an alert is there, too


async def test_mails_are_paced(mailing: Start, books: asyncpg.Connection):
    await books.execute("""UPDATE users SET "emailVerified" = now()""")
    async with mailing(report_emails_per_minute=2) as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        rows = await books.fetch(
            "SELECT due_at - created_at AS wait FROM jobs.runs WHERE task = 'deliver-report' ORDER BY 1"
        )
    assert [row["wait"] for row in rows] == [timedelta(), timedelta(seconds=30), timedelta(seconds=60)]


@pytest.mark.slow
async def test_a_model_adds_three_sentences_within_the_agency_s_limit(
    mailing: Start, mailbox: tuple[Mailbox, int], books: asyncpg.Connection, openai_double: Any
):
    await books.execute("""UPDATE users SET "emailVerified" = now() WHERE id = 'user-457'""")
    written = ["O mês foi bom.", "Poucos clientes.", "Vale rever custos?"]
    openai_double.says({"sentences": written})
    async with mailing(report_insights="ai", ai_monthly_limit_free=1) as service:
        await service.outcome("monthly-report", {"month": "2026-10", "agencyId": AURORA})
        await deliveries(service, books)
    (message,) = [message for message in mailbox[0].mails if message["To"] == OWNER]  # an alert is there, too
    text = part(message, "plain")
    assert "O mês foi bom. Poucos clientes. Vale rever custos?\n(Escrito por inteligência artificial" in text
    assert await books.fetchval("SELECT count(*) FROM jobs.ai_generations") == 1


async def test_the_webhook_gets_the_signed_event_of_each_revision(settings: Settings, books: asyncpg.Connection):
    receiver = Receiver()
    values = {"report_webhook_secret": SECRET, "report_webhook_private": True, "public_url": PUBLIC_URL}
    async with receiving(receiver):
        on = settings.model_dump(exclude_unset=True) | values | {"report_webhook_url": receiver.url}
        async with running_service(Settings.model_validate(on)) as service:
            await earn(books, "2026-10-05", "1234.56")
            await service.outcome("monthly-report", {"month": "2026-10", "agencyId": AURORA})
            await deliveries(service, books)
            await earn(books, "2026-10-06", "1.00")
            await service.outcome("monthly-report", {"month": "2026-10", "agencyId": AURORA})
            await deliveries(service, books, 2)
    first, second = (Webhook(SECRET).verify(*pair) for pair in zip(receiver.bodies, receiver.headers, strict=True))
    assert first["type"] == "report.generated"
    data = first["data"]
    assert (data["agencyId"], data["totalRevenue"], data["month"], data["year"]) == (AURORA, 1234.56, 10, 2026)
    assert data["report"]["figures"]["revenue"] == "1234.56"
    assert data["urls"]["pdf"] == f"{PUBLIC_URL}/api/reports/{AURORA}/2026-10.pdf"
    assert second["data"]["report"]["revision"] == 2
    assert [headers["webhook-id"] for headers in receiver.headers] == [
        f"report_{AURORA}_2026-10_1",
        f"report_{AURORA}_2026-10_2",
    ]


def test_a_link_is_signed_and_survives_the_rotation_of_the_key():
    link = unsubscribe.link(PUBLIC_URL, ["new", "old"], "agência/1", "a+b@x.example")
    token = link.partition("token=")[2]
    assert unsubscribe.read(token, ["newer", "new"]) == ("agência/1", "a+b@x.example")
    assert unsubscribe.read(token, ["other"]) is None
    assert unsubscribe.read("", ["new"]) is unsubscribe.read("é.x", ["new"]) is unsubscribe.read("a.b", ["new"]) is None


@pytest.mark.parametrize(
    "values", [{"report_email": True}, {"report_webhook_url": "https://x.example"}, {"report_webhook_url": "ftp://x"}]
)
def test_settings_that_deliver_nothing_are_refused(values: dict[str, Any]):
    with pytest.raises(ValueError, match=r"REPORT_|begins with"):
        Settings(**values)
