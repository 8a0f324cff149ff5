"""The pages of agencies and of their monthly reports."""

import csv
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browsing import operator, rows_of_all_pages
from support.clock import FrozenClock
from support.service import running_server, running_service

from agenciaos_jobs.dashboard.money_chart import money_chart
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.documents.csv_sheet import as_sheet, escape_formula
from agenciaos_jobs.reports.store.monthly_reports import Report
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
PAID = {"event": "payment.approved", "customerId": "agency-124", "productId": "pro-monthly", "amount": 97}
REPORT = Report(
    agency_id="a",
    agency_name="Aurora",
    month=date(2026, 10, 1),
    revenue=Decimal("1234567.5"),
    expenses=Decimal("1234567.6"),
    profit=Decimal("-0.1"),
    margin=Decimal("-0.1234"),
    previous_revenue=Decimal(),
    previous_expenses=Decimal(),
    previous_profit=Decimal(),
    revenue_change=None,
    expenses_change=Decimal("0.5"),
    profit_change=None,
    recurring_revenue=Decimal(3),
    recurring_share=None,
    top_revenue_categories=[],
    top_expense_categories=[],
    ai_generations=7,
    ai_cost=Decimal("0.00123"),
    generated_at=NOW,
)
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def parsed(sheet: bytes) -> list[list[str]]:
    return list(csv.reader(sheet.decode("utf-8-sig").splitlines(), delimiter=";"))


async def test_an_agency_shows_its_plan_its_ai_and_its_payments(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        for status in ("paid", "refunded"):
            await service.outcome("payment-webhook", {**PAID, "status": status})
        for _ in range(2):
            await service.outcome("ai-content", AI)
        await service.outcome("payment-webhook", {**PAID, "customerId": "agency-125", "status": "paid"})
        _, page = await browser.get("/agencies")
        assert re.findall(r'data-row="([^"]+)"', page) == ["agency-123", "agency-124", "agency-125"]
        assert re.search(r'agency-123.*?2<span class="quiet"> / 20</span>', page, re.S)
        assert re.search(r'agency-125.*?PRO</span>.*?0<span class="quiet"> / 500</span>', page, re.S)
        for query, found in (("q=AURORA", 1), ("q=%25", 0), ("plan=PRO", 1), ("plan=GOLD", 3), ("after=zzz", 3)):
            assert len(re.findall("data-row=", (await browser.get(f"/agencies?{query}"))[1])) == found, query
        assert len(re.findall("data-row=", (await browser.get("/agencies?after=B%0A"))[1])) == 2
        _, page = await browser.get("/agencies/agency-124")
        for words in ("FREE → PRO", "PRO → FREE", "R$ 97,00", "reembolsado", "Nada gerado em doze meses"):
            assert words in page, words
        _, page = await browser.get("/agencies/agency-123")
        for words in ("META_ADS_COPY", "2 chamadas cobradas", "Nenhum pagamento ainda", "marina@aurora.example"):
            assert words in page, words
        assert (await browser.get("/agencies/none"))[0] == (await browser.get("/agencies/%00"))[0] == 404


async def test_what_the_application_used_counts_before_there_is_a_quota_here(
    settings: Settings, db: asyncpg.Connection
):
    await db.execute(
        """INSERT INTO ai_usage (id, "agencyId", "agentType", "tokensUsed", cost, "createdAt")
           SELECT 'own-' || n, 'agency-123', 'X', 1, 0, $1 FROM generate_series(1, 16) AS n""",
        NOW.replace(tzinfo=None),
    )
    async with running_server(settings, FrozenClock(NOW)) as service, operator(service) as browser:
        for path in ("/agencies?q=aurora", "/agencies/agency-123"):
            _, page = await browser.get(path)
            assert re.search(r"16<span[^>]*> / 20</span>", page), path
            assert 'progress class="near"' in page


async def test_a_month_of_reports_adds_up_and_is_downloaded(settings: Settings, db: asyncpg.Connection):
    await db.execute("""UPDATE agencies SET name = '=HYPERLINK("http://evil")' WHERE id = 'agency-124'""")
    async with running_service(settings) as service, operator(service) as browser:
        assert "Nenhum relatório de" in (await browser.get("/reports"))[1]
        month, before = "2026-10", "2026-09"
        for name in (before, month):
            await service.outcome("monthly-report", {"month": name})
        _, page = await browser.get("/reports")
        assert re.search(rf'<option value="{month}" selected>Outubro de 2026', page)
        assert "3 agências" in page
        assert len(re.findall("data-row=", page)) == 3
        total = await db.fetchval("SELECT sum(revenue) FROM jobs.monthly_reports WHERE month = '2026-10-01'")
        assert Formatter("pt", NOW).reais(total) in page
        _, english = await browser.get("/reports", **{"Accept-Language": "en"})
        assert re.search(rf'<option value="{month}" selected>October 2026', english)
        assert Formatter("en", NOW).reais(total) in english
        assert "R$ " not in english
        async with browser.http.get(f"/reports/{month}.csv") as response:
            sheet = await response.read()
            assert response.headers["Content-Disposition"] == f'attachment; filename="relatorios-{month}.csv"'
        head, *lines = parsed(sheet)
        assert head[:4] == ["Mês", "Agência", "Id da agência", "Receitas (R$)"]
        assert sum(Decimal(line[3].replace(",", ".")) for line in lines) == total
        assert '\'=HYPERLINK("http://evil")' in [line[1] for line in lines]
        _, page = await browser.get(f"/reports/{month}/agency-123")
        for words in ("Outubro de 2026", "setembro de 2026", "Tráfego pago", "Salários", "em relação à média de"):
            assert words in page, words
        assert len(re.findall(r"<title>\w+ de \d{4}", page)) == 13
        assert page.count('class="fill accent"') == 13  # from the bookkeeping: two months have reports
        assert f'href="/reports/{month}/agency-123"' in (await browser.get("/agencies/agency-123"))[1]
        assert "Gerar agora" in (await browser.get("/reports/2025-01/agency-123"))[1]
        for path in ("/reports?month=2026-13", "/reports/2026-13.csv", "/reports/2026-10/nobody"):
            assert (await browser.get(path))[0] == 404, path


async def test_a_page_of_reports_leads_to_the_next(settings: Settings, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.monthly_reports
           SELECT 'agency-' || n, '2026-10-01', n / 7, 0, n / 7, 1, 0, 0, 0, NULL, NULL, NULL, 0, 0,
                  '[]', '[]', 0, 0, now()
           FROM generate_series(1, 230) AS n"""
    )
    async with running_server(settings) as service, operator(service) as browser:
        seen = await rows_of_all_pages(browser, "/reports?month=2026-10")
        assert (await browser.get("/reports?month=2026-10&after=1E999999+a"))[0] == 200
    assert (len(seen), len(set(seen))) == (230, 230)


def test_a_sheet_is_read_by_a_brazilian_excel():
    sheet = as_sheet([REPORT], Formatter("pt", NOW))
    assert sheet.startswith(b"\xef\xbb\xbf")
    line = parsed(sheet)[1]
    assert line[:7] == ["10/2026", "Aurora", "a", "1234567,50", "1234567,60", "-0,10", "-12,34%"]
    assert line[7:] == ["", "50,00%", "", "3,00", "7", "0,0012"]


@pytest.mark.parametrize("begin", ["", "\t", "\r", "\n", " ", "\u00a0", "\u200b", "\ufeff", "\x00", "\x1b", "\u202e"])
@pytest.mark.parametrize("sign", [*"=+-@|%", *"＝＋－＠", "﹢", "﹣", "⁺", "₌"])
def test_no_notation_of_a_formula_s_first_sign_is_left_at_the_front(begin: str, sign: str):
    row = parsed(
        as_sheet([replace(REPORT, agency_name=f"{begin}{sign}1+2", agency_id=f"{begin}{sign}x")], Formatter("en", NOW))
    )[1]
    assert row[1].startswith("'"), row[1]
    assert row[2].startswith("'"), row[2]
    assert sign in row[1]


@given(st.text())
def test_no_name_becomes_a_formula(name: str):
    cell = parsed(as_sheet([replace(REPORT, agency_name=name)], Formatter("en", NOW)))[1][1]
    assert cell == escape_formula(name)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@given(st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=13))
def test_money_stays_in_its_field(figures: list[tuple[Decimal, Decimal]]):
    months = [date(2025 + number // 12, number % 12 + 1, 1) for number in range(len(figures))]
    reports = [
        replace(REPORT, month=month, revenue=abs(revenue), expenses=expenses, profit=abs(revenue) - expenses)
        for month, (revenue, expenses) in zip(months, figures, strict=True)
    ]
    chart = money_chart(months, reports)
    assert 0 in chart.scale
    assert len({round(a - b, 1) for a, b in zip(chart.lines[1:], chart.lines, strict=False)}) <= 2
    for column in chart.columns:
        for bar in column.bars:
            assert bar.y >= -0.01
            assert bar.y + bar.height <= chart.height + 0.01
    assert all(-0.01 <= y <= chart.height + 0.01 for _, y in chart.dots)
