"""A report on the dashboard and the command line: documents, revisions, recipients, deliveries."""

import io
import re
from pathlib import Path

import asyncpg
import pypdf
import pytest
from support.bookkeeping import AURORA, earn
from support.browsing import operator
from support.channels import PUBLIC_URL, mail, smtp_server, trusted
from support.processes import environment, run
from support.service import Service, running_service

from agenciaos_jobs.settings import Settings

__all__ = ["trusted"]

PAGE = f"/reports/2026-10/{AURORA}"


async def test_the_page_shows_what_a_revision_changed_and_offers_the_documents(
    service: Service, books: asyncpg.Connection
):
    await earn(books, "2026-10-05", "300.05")
    await service.outcome("monthly-report", {"month": "2026-10"})
    await earn(books, "2026-10-06", "700.00")
    async with operator(service) as browser:
        _, page = await browser.get(PAGE)
        status, to = await browser.post(f"{PAGE}/generate", {})
        assert (status, to.startswith("/runs/run_")) == (303, True)
        assert (await service.finished(to.removeprefix("/runs/")))["output"]["updated"] == 1
        _, page = await browser.get(PAGE)
        assert "Receitas: R$ 300,05 → R$ 1.000,05" in page
        assert "Gerar de novo" in page
        assert "Enviar de novo" not in page
        for kind, begin in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
            assert f'href="{PAGE}/relatorio.{kind}"' in page
            async with browser.http.get(f"{PAGE}/relatorio.{kind}") as response:
                assert (response.status, (await response.read()).startswith(begin)) == (200, True)
        _, preview = await browser.get(f"{PAGE}/mail")
        assert "O relatório completo" in preview
        assert (await browser.get(f"/reports/2020-01/{AURORA}/mail"))[0] == 404
        async with browser.http.get("/static/any/style.css") as response:
            assert "@media print" in await response.text()
    async with service.http.get(f"{PAGE}/relatorio.pdf", allow_redirects=False) as response:
        assert response.status == 401


async def test_the_months_before_come_from_the_bookkeeping_and_a_deleted_agency_is_named_as_deleted(
    service: Service, books: asyncpg.Connection
):
    for day, amount in (("2026-08-05", "1000"), ("2026-09-05", "2000"), ("2026-10-05", "4500")):
        await earn(books, day, amount)
    await service.outcome("monthly-report", {"month": "2026-10", "agencyId": AURORA})
    async with operator(service) as browser:
        _, page = await browser.get(PAGE)
        table = page.partition('aria-label="Mês a mês"')[2].partition("</table>")[0]
        assert re.findall(r'<th scope="row" class="nowrap"><a [^>]*>([^<]+)</a>', table) == [
            "outubro de 2026",
            "setembro de 2026",
            "agosto de 2026",
        ]
        assert table.count("sem relatório") == 2
        assert "+125,0%" in table
        assert re.search(r"\+200,0%</span> em relação à média de R\$ 1\.500,00", page)
        assert (
            re.findall(r"<span>([^<]+)</span>", page.partition('class="chart-scale"')[2].partition("</div>")[0])[-1]
            == "R$ 0"
        )
        for named in (PAGE, "/reports?month=2026-10"):
            assert "agência excluída" not in (await browser.get(named))[1]
        await books.execute("DELETE FROM revenues; DELETE FROM agencies")
        for named in (PAGE, "/reports?month=2026-10"):
            _, page = await browser.get(named)
            assert ("agência excluída" in page, f'href="/agencies/{AURORA}"' in page) == (True, False)


@pytest.mark.usefixtures("trusted")
async def test_recipients_are_set_and_reports_sent_again_from_the_page(settings: Settings, books: asyncpg.Connection):
    async with smtp_server() as (mailbox, port):
        on = mail(port) | {"report_email": True, "report_email_from": "r@agenciaos.com.br", "public_url": PUBLIC_URL}
        values = Settings.model_validate(settings.model_dump(exclude_unset=True) | on)
        async with running_service(values) as service, operator(service) as browser:
            await service.outcome("monthly-report", {"month": "2026-10"})
            _, page = await browser.get(PAGE)
            assert "marina@aurora.example" in page
            assert (await browser.post(f"{PAGE}/recipients", {"email": "nobody"}))[0] == 422
            for fields in ({"email": " Contador@X.example"}, {"email": "marina@aurora.example", "action": "stop"}):
                assert (await browser.post(f"{PAGE}/recipients", fields))[0] == 303
            assert await browser.post(f"{PAGE}/send", {}) == (303, f"{PAGE}?done=sent")
            run_id = await books.fetchval("SELECT max(id) FROM jobs.runs WHERE task = 'deliver-report'")
            assert (await service.finished(run_id))["output"] == {"revision": 1, "sent": ["contador@x.example"]}
            _, page = await browser.get(PAGE)
            assert "Não recebe" in page
            assert "Enviado" in page
    assert "contador@x.example" in [message["To"] for message in mailbox.mails]


@pytest.mark.slow
async def test_the_command_line_lists_shows_and_sets_recipients(
    settings: Settings, service: Service, books: asyncpg.Connection, tmp_path: Path
):
    await earn(books, "2026-10-05", "1234.56")
    await service.outcome("monthly-report", {"month": "2026-10"})
    env = environment(settings)

    async def reports(*words: str, **more: str) -> tuple[int, str]:
        return await run("agenciaos-jobs", "reports", *words, env=env | more, cwd=tmp_path)

    code, listed = await reports("list", "2026-10")
    assert (code, "Agência Aurora" in listed, "R$ 1.234,56" in listed) == (0, True, True)
    code, shown = await reports("show", AURORA, "2026-10", "--pdf", "aurora.pdf")
    assert (code, shown.strip()) == (0, "aurora.pdf")
    assert len(pypdf.PdfReader(io.BytesIO((tmp_path / "aurora.pdf").read_bytes())).pages) == 2
    code, shown = await reports("recipients", AURORA, "--add", "a@x.example", "--bounced", "marina@aurora.example")
    assert code == 0
    assert "✘ marina@aurora.example  bounced  dono / owner" in shown
    assert "✔ a@x.example  active" in shown
    code, refused = await reports("send", "2026-10", "--all")
    assert (code, "REPORT_EMAIL" in refused) == (1, True)
    on = {"REPORT_EMAIL": "1", "REPORT_EMAIL_FROM": "r@agenciaos.com.br", "SMTP_URL": "smtp://127.0.0.1:9"}
    code, sent = await reports("send", "2026-10", "--all", PUBLIC_URL=PUBLIC_URL, **on)
    assert (code, sent.partition(" ")[0]) == (0, "1")  # nobody else has a verified address
    assert await books.fetchval("SELECT count(*) FROM jobs.runs WHERE task = 'deliver-report'") == 1
