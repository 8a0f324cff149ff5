"""The numbers of a report: what an accountant who recomputes them by hand must find."""

from datetime import date, datetime
from decimal import Decimal

import asyncpg
from support.bookkeeping import AURORA, day, earn, report_of, spend
from support.clock import FrozenClock
from support.service import Service, running_service

from agenciaos_jobs.reports.numbers.figures import Count, Line, Tasks
from agenciaos_jobs.settings import Settings

D = Decimal


async def a_year(db: asyncpg.Connection) -> None:
    """Revenue of 1,000.11, 2,000.22 … 13,000.143 from October 2025 on, and half of each as an expense."""
    for number in range(13):
        month = f"{2025 + (9 + number) // 12}-{(9 + number) % 12 + 1:02}"
        await earn(db, f"{month}-01", f"{(number + 1) * 1000}.{number + 11}", "Mídia", recurring=number == 0)
        await spend(db, f"{month}-28", f"{(number + 1) * 500}.05", "Custos")


async def test_a_year_matches_figures_computed_by_hand_to_the_cent(november: Service, books: asyncpg.Connection):
    await a_year(books)
    await november.outcome("monthly-report", {"month": "2026-10"})
    figures = (await report_of(books, "2026-10")).figures
    # revenue of the n-th month: n × 1000 + (n + 10) / 100; expenses n × 500 + 0.05
    assert [(each.month, each.revenue, each.expenses) for each in figures.months] == [
        (date(2025, 10, 1), D("1000.11"), D("500.05")), (date(2025, 11, 1), D("2000.12"), D("1000.05")),
        (date(2025, 12, 1), D("3000.13"), D("1500.05")), (date(2026, 1, 1), D("4000.14"), D("2000.05")),
        (date(2026, 2, 1), D("5000.15"), D("2500.05")), (date(2026, 3, 1), D("6000.16"), D("3000.05")),
        (date(2026, 4, 1), D("7000.17"), D("3500.05")), (date(2026, 5, 1), D("8000.18"), D("4000.05")),
        (date(2026, 6, 1), D("9000.19"), D("4500.05")), (date(2026, 7, 1), D("10000.20"), D("5000.05")),
        (date(2026, 8, 1), D("11000.21"), D("5500.05")), (date(2026, 9, 1), D("12000.22"), D("6000.05")),
        (date(2026, 10, 1), D("13000.23"), D("6500.05")),
    ]  # fmt: skip
    assert (figures.revenue, figures.expenses, figures.profit) == (D("13000.23"), D("6500.05"), D("6500.18"))
    assert (figures.previous_revenue, figures.previous_expenses) == (D("12000.22"), D("6000.05"))
    # January to October: (4 + … + 13) × 1000 + (14 + … + 23) / 100, and (4 + … + 13) × 500 + 10 × 0.05
    year = figures.year_to_date
    assert (year.revenue, year.expenses, year.profit) == (D("85001.85"), D("42500.50"), D("42501.35"))
    assert (figures.recurring, figures.contracted) == (D("0.00"), D("1000.11"))


async def test_late_bookkeeping_reaches_the_months_before(
    november: Service, books: asyncpg.Connection, clock: FrozenClock
):
    await earn(books, "2026-10-05", "300.05", "Mídia")
    await november.outcome("monthly-report", {"month": "2026-10"})
    await earn(books, "2026-10-20", "700.00", "Site")  # typed in November
    clock.set(datetime.fromisoformat("2026-12-01T12:00:00Z"))
    output = (await november.outcome("monthly-report"))["output"]
    assert output["month"] == "2026-11"
    assert output["refreshed"] == [{"month": "2026-10", "agencies": 3, "created": 0, "updated": 1, "unchanged": 2}]
    october, after = await report_of(books, "2026-10"), await report_of(books, "2026-11")
    assert (october.revision, october.figures.revenue, after.figures.previous_revenue) == (
        2,
        D("1000.05"),
        D("1000.05"),
    )
    assert october.changes
    assert october.changes["revenue"] == ["300.05", "1000.05"]
    kept = await books.fetch("SELECT revision FROM jobs.monthly_report_revisions WHERE agency_id = $1", AURORA)
    assert len(kept) == 3
    again = (await november.outcome("monthly-report"))["output"]
    assert [each["unchanged"] for each in (*again["refreshed"], again)] == [3, 3]


async def test_what_is_older_than_the_refreshed_months_stays_and_is_the_previous_figure(
    settings: Settings, books: asyncpg.Connection, clock: FrozenClock
):
    few = settings.model_copy(update={"report_refresh_months": 0})
    async with running_service(few, clock=clock) as service:
        await earn(books, "2026-09-05", "300.05")
        await service.outcome("monthly-report", {"month": "2026-09"})
        await earn(books, "2026-09-06", "700.00")
        output = (await service.outcome("monthly-report", {"month": "2026-10"}))["output"]
    assert output["refreshed"] == []
    figures = (await report_of(books, "2026-10")).figures
    assert (figures.previous_revenue, figures.months[-2].revenue) == (D("300.05"), D("1000.05"))


async def test_the_present_month_is_partial_and_then_replaced(
    november: Service, books: asyncpg.Connection, clock: FrozenClock
):
    await earn(books, "2026-11-27", "10.00")
    await earn(books, "2026-11-28", "5.00")  # tomorrow
    await november.outcome("monthly-report", {"month": "2026-11"})
    partial = await report_of(books, "2026-11")
    assert (partial.covers_until, partial.figures.revenue) == (day("2026-11-27"), D("10.00"))
    clock.set(datetime.fromisoformat("2026-12-01T12:00:00Z"))
    await november.outcome("monthly-report")
    whole = await report_of(books, "2026-11")
    assert (whole.revision, whole.covers_until, whole.changes, whole.figures.revenue) == (2, None, None, D("15.00"))


async def test_each_missed_month_gets_its_report(november: Service, books: asyncpg.Connection, clock: FrozenClock):
    await november.outcome("monthly-report", {"month": "2026-07"})
    await november.outcome("monthly-report")
    months = await books.fetch(
        "SELECT month FROM jobs.monthly_report_revisions WHERE agency_id = $1 ORDER BY generated_at, month", AURORA
    )
    assert [str(row["month"])[:7] for row in months] == ["2026-07", "2026-08", "2026-09", "2026-10"]


async def test_categories_fold_case_accents_and_spaces_and_adjustments_are_shown(
    november: Service, books: asyncpg.Connection
):
    for category, amount in (("Mídia", "10"), ("midia ", "20"), ("MÍDIA", "30"), ("Mi\u0301dia", "40"), ("  ", "7")):
        await earn(books, "2026-10-02", amount, category)
    await earn(books, "2026-10-03", "-12.50", "Estorno")
    await spend(books, "2026-10-03", "-3.00", "Devolução")
    await earn(books, "2026-09-03", "-1", "Estorno")
    await november.outcome("monthly-report", {"month": "2026-10"})
    report = await report_of(books, "2026-10")
    figures = report.figures
    assert figures.revenue_categories == (Line("Mídia", D("100.00")), Line("", D("7.00")), Line("Estorno", D("-12.50")))
    assert (figures.revenue_adjustments, figures.expense_adjustments) == (D("-12.50"), D("-3.00"))
    row = await books.fetchrow("SELECT * FROM jobs.monthly_reports WHERE agency_id = $1", AURORA)
    assert (row["revenue"], row["revenue_change"], row["profit_change"]) == (D("94.50"), None, None)
    assert row["expenses_change"] is None


async def test_the_lists_add_up_to_the_totals_with_others(november: Service, books: asyncpg.Connection):
    for number in range(45):
        await earn(books, "2026-10-02", f"{100 + number}.01", f"Categoria {number:02}")
    await earn(books, "2026-10-02", "5.00", client="client-1", project="project-1")
    await earn(books, "2026-10-02", "6.00", project="project-2")
    await november.outcome("monthly-report", {"month": "2026-10"})
    figures = (await report_of(books, "2026-10")).figures
    assert [line.others for line in figures.revenue_categories[-2:]] == [0, 6]
    for lines in (figures.revenue_categories, figures.clients, figures.projects):
        assert sum(line.amount for line in lines) == figures.revenue
    assert {line.name: line.amount for line in figures.clients if line.name} == {
        "TechCel": D("5.00"), "Café Serrano": D("6.00"),
    }  # fmt: skip


async def test_an_agency_of_later_gets_none_and_a_deleted_one_keeps_its_name(
    november: Service, books: asyncpg.Connection
):
    await books.execute("""UPDATE agencies SET "createdAt" = '2026-11-01 03:00' WHERE id = 'agency-125'""")
    await earn(books, "2026-10-02", "5.00", agency="agency-124")
    output = (await november.outcome("monthly-report", {"month": "2026-10"}))["output"]
    assert (output["agencies"], output["reportsGenerated"]) == (2, 2)
    assert output["reports"][0] == {
        "agencyId": "agency-124", "agencyName": "Bem-te-vi Digital", "plan": "FREE", "totalRevenue": 5.0,
        "totalExpenses": 0.0, "profit": 5.0, "totalAIUsage": 0, "month": 10, "year": 2026,
    }  # fmt: skip
    await books.execute("UPDATE users SET \"agencyId\" = NULL; DELETE FROM agencies WHERE id = 'agency-124'")
    await november.outcome("monthly-report", {"month": "2026-10"})
    report = await report_of(books, "2026-10", "agency-124")
    assert (report.agency_name, report.is_deleted, report.figures.revenue) == ("Bem-te-vi Digital", True, D("5.00"))


async def test_activity_ai_plan_and_rates_as_they_were_when_the_month_was_first_reported(
    settings: Settings, books: asyncpg.Connection, clock: FrozenClock
):
    rates = settings.model_copy(update={"usd_brl": D("5.25"), "report_tax_rate": D("0.06")})
    await books.execute(
        """UPDATE clients SET "createdAt" = '2026-10-01 03:00' WHERE id = 'client-1';
           UPDATE clients SET "createdAt" = '2026-09-01' WHERE id = 'client-2';
           UPDATE projects SET "startDate" = '2026-10-05', "createdAt" = '2026-09-09' WHERE id = 'project-1';
           UPDATE projects SET "startDate" = '2026-08-05', "endDate" = '2026-10-20', status = 'COMPLETED'
             WHERE id = 'project-2';
           INSERT INTO boards VALUES ('todo', 'project-1', 'A fazer', 1, NULL, now(), now()),
             ('done', 'project-1', 'CONCLUÍDO', 2, NULL, now(), now());
           INSERT INTO tasks (id, "projectId", "boardId", title, position, "dueDate", "updatedAt") VALUES
             ('a', 'project-1', 'todo', 'atrasada', 1, '2026-10-31', '2026-10-02'),
             ('b', 'project-1', 'todo', 'a tempo', 2, '2026-11-01', '2026-10-02'),
             ('c', 'project-1', 'done', 'feita', 3, '2026-10-01', '2026-10-31 12:00');
           INSERT INTO jobs.payment_events (run_id, source, event, status, customer_id, agency_id, product_id, amount,
             occurred_at, recorded_at, action, reason, plan_before, plan_after, payload)
           VALUES ('r', 'api', 'e', 's', 'c', 'agency-123', 'p', 197, '2026-10-10', '2026-10-10', 'activated', '',
             'FREE', 'PRO', '{}');
           INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
             input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, created_at)
           SELECT 'run_' || n, 1, 'agency-123', 'SEO', 'completed', 'm', 1, 1, 0, 1, 0, 0.4, '2026-10-10'
           FROM generate_series(1, 3) AS n"""
    )
    await earn(books, "2026-10-02", "100.00")
    async with running_service(rates, clock=clock) as service:
        await service.outcome("monthly-report", {"month": "2026-10"})
        await books.execute("DELETE FROM tasks; UPDATE projects SET status = 'CANCELLED'")
        await earn(books, "2026-10-03", "100.00")
        await service.outcome("monthly-report", {"month": "2026-10"})
    report = await report_of(books, "2026-10")
    figures = report.figures
    assert (report.revision, figures.revenue) == (2, D("200.00"))
    assert (figures.client_count, figures.project_count) == (Count(1, 2, 1), Count(1, 2, 1))
    assert figures.tasks == Tasks(done=1, overdue=1)
    assert (figures.ai_generations, figures.ai_cost, figures.ai_cost_brl) == (3, D("1.2"), D("6.300"))
    assert [(use.agent, use.generations, use.cost) for use in figures.agents] == [("SEO", 3, D("1.2"))]
    assert [(change["before"], change["after"]) for change in figures.plan_changes] == [("FREE", "PRO")]
    assert figures.estimated_tax == D("12.0000")
